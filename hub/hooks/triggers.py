"""The table of triggers: every kind of event with its schema, a sample, and how a fact becomes what goes out.

A render is given facts of one account as the outbox kept them, and answers the data of each, in their order. Rows are read once for
all of them. A fact whose row is gone (the account erased it) becomes an empty mapping: nobody is told.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from sqlalchemy import Row, Table, select

from connectors.contract import Trigger
from core import Tx, campaigns, groups, schema
from hub.api.shapes import campaign_shape, contact_shape, e164, message_shape, reply_shape
from hub.api.show import credits_of, iso

Fact = Mapping[str, Any]
Data = Mapping[str, Any]
Render = Callable[[Tx, str, Sequence[Fact]], Sequence[Data]]


def _of_rows(table: Table, key: str, shape: Callable[[Row[Any], Fact], Data]) -> Render:
    """A render that reads the rows named by `key` in each fact."""

    def render(tx: Tx, account_id: str, facts: Sequence[Fact]) -> Sequence[Data]:
        ids = sorted({fact[key] for fact in facts})
        rows = tx.all(select(table).where(tx.among(table.c.id, ids), table.c.account_id == account_id))
        by_id = {row.id: row for row in rows}
        return [shape(by_id[fact[key]], fact) if fact[key] in by_id else {} for fact in facts]

    return render


class _Message(NamedTuple):
    """What is shown of a message. Read by the hundred thousand: a plain tuple is many times quicker than a row."""

    id: str
    number: int
    country: str
    sender: str
    purpose: str
    text: str
    encoding: str
    segments: int
    millicredits: int
    reference: str | None
    campaign_id: str | None
    source: str
    status: str
    status_detail: str | None
    substitutions: str | None
    status_at: int
    send_at: int | None
    created_at: int
    sent_at: int | None
    charged: bool
    carrier: str | None
    carrier_code: str | None


_SHOWN: Final = [schema.messages.c[name] for name in _Message.__annotations__]


def _messages(tx: Tx, account_id: str, facts: Sequence[Fact]) -> Sequence[Data]:
    ids = sorted({fact["message_id"] for fact in facts})
    wanted = select(*_SHOWN).where(tx.among(schema.messages.c.id, ids), schema.messages.c.account_id == account_id)
    by_id = {row[0]: _Message(*row) for row in tx.tuples(wanted)}
    return [_then(by_id[fact["message_id"]], fact) if fact["message_id"] in by_id else {} for fact in facts]


def _then(row: Any, fact: Fact) -> Data:
    """The message as it was at the time of the fact: it may have moved on since."""
    shown = message_shape(row)
    shown["status"] = fact["status"]
    shown["status_detail"] = fact["status_detail"] or row.substitutions
    shown["carrier_code"] = fact["carrier_code"]
    shown["status_at"] = iso(fact["at"])
    if row.sent_at is not None and row.sent_at > fact["at"]:
        shown["sent_at"] = None
    return shown


def _campaigns(tx: Tx, account_id: str, facts: Sequence[Fact]) -> Sequence[Data]:
    counts = campaigns.counted(tx, sorted({fact["campaign_id"] for fact in facts}))
    read = _of_rows(schema.campaigns, "campaign_id", lambda row, _fact: campaign_shape(row, counts[row.id]))
    return read(tx, account_id, facts)


def _contacts(tx: Tx, account_id: str, facts: Sequence[Fact]) -> Sequence[Data]:
    memberships = groups.of_contacts(tx, sorted({fact["contact_id"] for fact in facts}))
    read = _of_rows(
        schema.contacts,
        "contact_id",
        lambda row, _fact: contact_shape(row) | {"groups": list(memberships.get(row.id, ()))},
    )
    return read(tx, account_id, facts)


def _opt_outs(_tx: Tx, _account_id: str, facts: Sequence[Fact]) -> Sequence[Data]:
    return [
        {"number": e164(fact["number"]), "source": fact["source"], "reason": fact.get("reason"), "at": iso(fact["at"])}
        for fact in facts
    ]


def _credits(_tx: Tx, _account_id: str, facts: Sequence[Fact]) -> Sequence[Data]:
    return [{"available": credits_of(fact["available"]), "threshold": credits_of(fact["threshold"])} for fact in facts]


def _ref(name: str) -> Mapping[str, str]:
    return {"$ref": f"#/components/schemas/{name}"}


_MESSAGE: Final = {
    "id": "01997b2c-1a2b-7c3d-8e4f-123456789abc",
    "status": "received",
    "status_detail": None,
    "to": "+33612345678",
    "country": "FR",
    "sender": "36034",
    "purpose": "marketing",
    "text": "Bonjour Anne, -20 % ce samedi. STOP 36034",
    "encoding": "gsm7",
    "segments": 1,
    "credits": 1,
    "reference": "order-1234",
    "campaign_id": "01997b2c-0000-7000-8000-00000000000a",
    "send_at": None,
    "created_at": "2026-09-21T12:13:20.000Z",
    "sent_at": "2026-09-21T12:13:21.250Z",
    "status_at": "2026-09-21T12:13:24.500Z",
    "carrier": "simulator",
    "carrier_code": "000",
    "source": "api",
}
_REPLY: Final = {
    "id": "01997b2c-2b3c-7d4e-8f50-23456789abcd",
    "from": "+33612345678",
    "to": "36034",
    "text": "Oui merci",
    "received_at": "2026-09-21T12:15:02.000Z",
    "message_id": "01997b2c-1a2b-7c3d-8e4f-123456789abc",
    "campaign_id": "01997b2c-0000-7000-8000-00000000000a",
    "opt_out": False,
}
_CAMPAIGN: Final = {
    "id": "01997b2c-0000-7000-8000-00000000000a",
    "status": "finished",
    "status_detail": None,
    "name": "Soldes de septembre",
    "text": "Bonjour $prenom, -20 % ce samedi.",
    "sender": "36034",
    "purpose": "marketing",
    "stop": True,
    "reference": None,
    "source": "api",
    "groups": ["01997b2b-0000-7000-8000-00000000000b"],
    "validity_minutes": 2880,
    "send_at": None,
    "created_at": "2026-09-21T12:13:20.000Z",
    "updated_at": "2026-09-21T12:13:20.000Z",
    "started_at": "2026-09-21T12:13:20.500Z",
    "sent_at": "2026-09-21T12:13:21.250Z",
    "finished_at": "2026-09-21T12:14:55.000Z",
    "progress": {"total": 200, "expanded": 200, "done": 200},
}
_CONTACT: Final = {
    "id": "01997b2c-3c4d-7e5f-9061-3456789abcde",
    "number": "+33612345678",
    "country": "FR",
    "nom": "Martin",
    "prenom": "Anne",
    "email": "anne.martin@example.com",
    "societe": "Librairie du Port",
    "source": "api",
    "created_at": "2026-09-21T12:13:20.000Z",
    "updated_at": "2026-09-21T12:13:20.000Z",
    "archived_at": None,
    "archived_reason": None,
    "groups": ["01997b2b-0000-7000-8000-00000000000b"],
}
_ARCHIVED: Final = _CONTACT | {"archived_at": "2026-09-21T12:20:00.000Z", "archived_reason": "failed_permanent"}
_OPT_OUT: Final = {"number": "+33612345678", "source": "reply", "reason": "STOP", "at": "2026-09-21T12:16:40.000Z"}
_CREDITS_LOW: Final = {"available": 98.9, "threshold": 100}

_REPLIES: Final = _of_rows(schema.replies, "reply_id", lambda row, _fact: reply_shape(row))

TRIGGERS: Final[Mapping[str, Trigger]] = {
    trigger.type: trigger
    for trigger in (
        Trigger(
            "message.status", "Message status", "A message reached a new status.", _ref("Message"), _MESSAGE, _messages
        ),
        Trigger("reply.received", "Reply received", "Somebody answered by SMS.", _ref("Reply"), _REPLY, _REPLIES),
        Trigger("optout.created", "Opt-out", "A number opted out.", _ref("OptOut"), _OPT_OUT, _opt_outs),
        Trigger(
            "optout.removed", "Opt-out removed", "A number may be texted again.", _ref("OptOut"), _OPT_OUT, _opt_outs
        ),
        Trigger(
            "credits.low",
            "Credits low",
            "The credits fell below the threshold.",
            _ref("CreditsLow"),
            _CREDITS_LOW,
            _credits,
        ),
        Trigger(
            "campaign.finished",
            "Campaign finished",
            "A campaign has nothing left to send.",
            _ref("Campaign"),
            _CAMPAIGN,
            _campaigns,
        ),
        Trigger("contact.created", "Contact created", "A contact was added.", _ref("Contact"), _CONTACT, _contacts),
        Trigger(
            "contact.archived", "Contact archived", "A contact was archived.", _ref("Contact"), _ARCHIVED, _contacts
        ),
    )
}
