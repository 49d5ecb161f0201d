"""The life of a message, from the draft to its last receipt."""
