"""What the artist sees."""
