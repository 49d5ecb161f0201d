"""The engine's face. Hub and connectors import from here, never from inside.

Rooms are offered as modules (`contacts.create`, `campaigns.start`), values by name.
"""

from core import (
    accounts,
    backlog,
    beats,
    events,
    idempotency,
    jobs,
    letters,
    number,
    outages,
    prepared,
    recovery,
    restored,
    schema,
    witness,
    words,
)
from core.accounts import Account, Caller
from core.audience import contacts, groups, imports, templates
from core.blacklist import entries as blacklist
from core.carriers.config import build as build_carriers
from core.carriers.http import HttpCarrier
from core.carriers.simulator import Simulator
from core.credits import alerts, check, ledger, tariff
from core.database import Database
from core.errors import Fault, PeerError, Refused
from core.ids import UuidV7
from core.runtime import Doorbell, Rules, Runtime, Tx, wall_clock
from core.sending import (
    answers,
    campaigns,
    chunks,
    drafts,
    expansion,
    hours,
    lanes,
    message,
    notes,
    optouts,
    quotes,
    receipts,
    replies,
    routing,
    singles,
    steps,
    submit,
    sweeps,
    windows,
)
from core.statistics import report, sends
from core.text import gsm
from core.text.mention import Mentions

__all__ = [
    "Account",
    "Caller",
    "Database",
    "Doorbell",
    "Fault",
    "HttpCarrier",
    "Mentions",
    "PeerError",
    "Refused",
    "Rules",
    "Runtime",
    "Simulator",
    "Tx",
    "UuidV7",
    "accounts",
    "alerts",
    "answers",
    "backlog",
    "beats",
    "blacklist",
    "build_carriers",
    "campaigns",
    "check",
    "chunks",
    "contacts",
    "drafts",
    "events",
    "expansion",
    "groups",
    "gsm",
    "hours",
    "idempotency",
    "imports",
    "jobs",
    "lanes",
    "ledger",
    "letters",
    "message",
    "notes",
    "number",
    "optouts",
    "outages",
    "prepared",
    "quotes",
    "receipts",
    "recovery",
    "replies",
    "report",
    "restored",
    "routing",
    "schema",
    "sends",
    "singles",
    "steps",
    "submit",
    "sweeps",
    "tariff",
    "templates",
    "wall_clock",
    "windows",
    "witness",
    "words",
]
