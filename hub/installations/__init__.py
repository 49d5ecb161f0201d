"""Connectors linked to accounts: their settings and secrets, their health, their tools and what they do by themselves."""
