"""What translates between the hub and other products: one folder each."""
