"""What all tests of the engine share."""

from hypothesis import settings

settings.register_profile("no hurry", deadline=None)  # a busy machine is no failure
settings.load_profile("no hurry")
