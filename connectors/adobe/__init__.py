"""Adobe Campaign and Journey Optimizer: SMPP in, receipts and replies out."""
