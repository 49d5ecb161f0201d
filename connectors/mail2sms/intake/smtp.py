"""Mails that come by SMTP: a server on the operator's address (SMSHUB_SMTP_LISTEN), for the mail server in front of it. Never a public one."""

import asyncio
from functools import partial
from typing import Final
from urllib.parse import urlsplit

from connectors.contract import Listener, Stop, Tools, Visit
from connectors.mail2sms.intake import steps
from connectors.mail2sms.intake.child import Reader
from connectors.mail2sms.intake.door import Door
from connectors.mail2sms.intake.server import serve
from connectors.mail2sms.intake.session import Desk
from connectors.mail2sms.mail import Found, Outcome
from connectors.mail2sms.settings import Office


def listen(visit: Visit, stop: Stop) -> None:
    """Take mails until it is told to stop."""
    options = visit.tools.options
    name = urlsplit(visit.tools.public_url).hostname or "localhost"
    with Reader(options.get("dns")) as reader:
        desk = Desk(visit, partial(_take, visit, reader), name, Door(visit.runtime.clock))
        asyncio.run(serve(desk, options["smtp_listen"], stop))


def _take(visit: Visit, reader: Reader, office: Office, found: Found) -> Outcome:
    return steps.take(visit, office, found, reader)


def _is_wanted(tools: Tools) -> bool:
    return tools.options.get("smtp_listen") is not None


LISTENER: Final = Listener("smtp", listen, wanted=_is_wanted)
