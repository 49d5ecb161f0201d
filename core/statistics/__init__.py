"""What became of the messages, counted."""
