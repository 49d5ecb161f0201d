"""The connector: the one place where its rooms are joined."""

from pathlib import Path
from typing import Final

from connectors.contract import Connector
from connectors.mail2sms import answer, installed
from connectors.mail2sms.commands import COMMANDS
from connectors.mail2sms.health import health
from connectors.mail2sms.intake import imap, smtp
from connectors.mail2sms.lately import GAUGES, recent
from connectors.mail2sms.oauth import CONNECT
from connectors.mail2sms.settings import SETTINGS
from connectors.mail2sms.sweep import SWEEP
from connectors.mail2sms.tables import TABLES
from connectors.mail2sms.tokens import DESK

CONNECTOR: Final = Connector(
    name="mail2sms",
    title="Mail2SMS",
    description="A mail to number@your-domain becomes an SMS, and what people answer comes back as a mail.",
    auth="settings",
    settings=SETTINGS,
    health=health,
    kept=installed.kept,
    dropped=installed.dropped,
    scopes=frozenset({"messages:send"}) | answer.SCOPES,
    sinks=answer.SINKS,
    tasks=(*answer.TASKS, CONNECT, SWEEP),
    listeners=(imap.LISTENER, smtp.LISTENER),
    commands=COMMANDS,
    tokens=DESK,
    recent=recent,
    gauges=GAUGES,
    tables=TABLES,
    migrations=Path(__file__).with_name("migrations"),
)
