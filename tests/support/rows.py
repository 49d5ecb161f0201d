"""Rows of the engine's tables, made by hand where a test needs one and not the way to it."""

from typing import Any

from core import Tx, schema
from tests.support.world import NOON


def message(tx: Tx, account_id: str, **changes: Any) -> str:
    """A sent message's id."""
    row = {
        "id": tx.new_id(),
        "account_id": account_id,
        "number": 33612345678,
        "country": "FR",
        "sender": "36034",
        "purpose": "marketing",
        "text": "Bonjour STOP 36034",
        "encoding": "gsm7",
        "segments": 1,
        "millicredits": 1100,
        "source": "api",
        "status": "received",
        "status_at": NOON + 3000,
        "created_at": NOON,
        "sent_at": NOON + 1000,
        "expires_at": NOON + 172_800_000,
        "mention": True,
        "charged": True,
        "attempt": 1,
        "carrier": "simulator",
    }
    tx.execute(schema.messages.insert().values(**(row | changes)))
    return str((row | changes)["id"])


def reply(tx: Tx, account_id: str, **changes: Any) -> str:
    row = {
        "id": tx.new_id(),
        "account_id": account_id,
        "carrier": "simulator",
        "carrier_ref": tx.new_id(),
        "number": 33612345678,
    }
    rest = {"code": "36034", "text": "Oui merci", "received_at": NOON, "opt_out": False}
    tx.execute(schema.replies.insert().values(**(row | rest | changes)))
    return str(row["id"])


def campaign(tx: Tx, account_id: str, **changes: Any) -> str:
    row = {"id": tx.new_id(), "account_id": account_id, "name": "Soldes", "text": "Bonjour $prenom", "sender": "36034"}
    kind = {
        "purpose": "marketing",
        "stop": True,
        "source": "api",
        "groups": "[]",
        "status": "finished",
        "validity_minutes": 2880,
    }
    times = {"created_at": NOON, "updated_at": NOON, "finished_at": NOON + 5000}
    counts = {"position": 0, "planned": 3, "expanded": 3}
    tx.execute(schema.campaigns.insert().values(**(row | kind | times | counts | changes)))
    return str(row["id"])


def contact(tx: Tx, account_id: str, **changes: Any) -> str:
    row = {
        "id": tx.new_id(),
        "account_id": account_id,
        "number": 33612345678,
        "country": "FR",
        "prenom": "Anne",
        "search": "anne",
    }
    rest = {"source": "api", "created_at": NOON, "updated_at": NOON}
    tx.execute(schema.contacts.insert().values(**(row | rest | changes)))
    return str(row["id"])
