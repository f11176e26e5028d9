"""The engine: torch and numpy, in a process of its own. Blender imports what needs no torch."""
