"""What a message says, and how it is cut into segments. Pure."""
