"""The store of tokens that third parties gave us: kept sealed, refreshed by one at a time, told of when they are lost."""
