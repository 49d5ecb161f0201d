"""The OAuth 2 provider, and the store of the tokens that third parties gave us."""
