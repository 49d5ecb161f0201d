"""What senders are told: letters, written down with what they tell of (`put`) and mailed by a job; and what people answered by SMS."""

from connectors.mail2sms.answer.letters import about, put

__all__ = ["about", "put"]
