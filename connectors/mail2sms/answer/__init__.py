"""What senders are told: letters, written down with what they tell of (`put`) and mailed by a job; and what people answered by SMS."""

from typing import Final

from connectors.contract import Task
from connectors.mail2sms.answer import digests, mailing
from connectors.mail2sms.answer.letters import about, put
from connectors.mail2sms.answer.sinks import SINKS

__all__ = ["SCOPES", "SINKS", "TASKS", "about", "put"]

TASKS: Final = (Task("letter", mailing.send), Task("digest", digests.run, every_s=300))
# What it asks of the engine: reports of campaigns, and the texts that people answered.
SCOPES: Final = frozenset({"messages:read", "stats:read"})
