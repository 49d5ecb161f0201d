"""Mails that are read from mailboxes, by IMAP."""

from functools import partial
from typing import Final

from connectors.contract import Listener, Stop, Tools, Visit
from connectors.mail2sms.intake import steps
from connectors.mail2sms.intake.child import Reader
from connectors.mail2sms.intake.looking import Judge
from connectors.mail2sms.intake.mailboxes import watch
from connectors.mail2sms.settings import Office


def listen(visit: Visit, stop: Stop) -> None:
    """Read all mailboxes until told to stop."""
    with Reader(visit.tools.options.get("dns")) as reader:
        watch(visit, stop, partial(_judge, visit, reader))


def _judge(visit: Visit, reader: Reader, office: Office) -> Judge:
    return Judge(
        take=lambda found: steps.take(visit, office, found, reader),
        too_large=lambda size, headers: steps.too_large(visit, office, size, headers),
    )


def _missed(tools: Tools) -> bool:
    """Whether there is any mailbox: it may come while the hub runs, so the listener is there before it."""
    return any("mailbox" in one.settings for one in tools.installations.every())


LISTENER: Final = Listener("mailboxes", listen, missed=_missed)
