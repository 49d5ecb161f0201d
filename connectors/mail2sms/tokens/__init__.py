"""Secrets in addresses. `kept`: drawn and found again by their digests. `desk`: handed out by REST."""

from connectors.mail2sms.tokens.desk import DESK
from connectors.mail2sms.tokens.kept import ADDRESS, CONFIRM, THREAD, Token, confirmation, find, is_good, thread, used

__all__ = ["ADDRESS", "CONFIRM", "DESK", "THREAD", "Token", "confirmation", "find", "is_good", "thread", "used"]
