"""What all tests of the engine share."""

import os

from hypothesis import settings

# As the worker sets it: threads that wait are not to take the processor from another engine.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

settings.register_profile("no hurry", deadline=None)  # a busy machine is no failure
settings.load_profile("no hurry")
