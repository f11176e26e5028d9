"""What Blender does, one verb a file."""
