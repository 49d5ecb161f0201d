"""Upstream SMS providers: one contract, one file each."""
