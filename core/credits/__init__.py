"""Money: tariffs, the ledger, transfers, alerts."""
