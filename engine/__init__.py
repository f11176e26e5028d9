"""The engine: torch and numpy, in a process of its own; Blender imports only `job`."""
