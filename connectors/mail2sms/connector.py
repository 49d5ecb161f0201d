"""The connector: the one place where its rooms are joined."""

from pathlib import Path
from typing import Final

from connectors.contract import Connector
from connectors.mail2sms import installed
from connectors.mail2sms.settings import SETTINGS
from connectors.mail2sms.tables import TABLES

SCOPES: Final = frozenset({"messages:send", "messages:read", "contacts:read", "stats:read"})

CONNECTOR: Final = Connector(
    name="mail2sms",
    title="Mail2SMS",
    description="A mail to number@your-domain becomes an SMS, and what people answer comes back as a mail.",
    auth="settings",
    settings=SETTINGS,
    kept=installed.kept,
    dropped=installed.dropped,
    scopes=SCOPES,
    tables=TABLES,
    migrations=Path(__file__).with_name("migrations"),
)
