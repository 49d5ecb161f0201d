"""Outbound webhooks: sign, retry, give up, replay."""
