"""What worked, as tables."""
