"""Facts and rows of which each trigger must make exactly its sample: what is shown to whoever sets something up is what they get."""

import json
from collections.abc import Callable, Mapping
from typing import Any

from core import Tx, schema
from hub.api.show import read_time
from hub.hooks.triggers import TRIGGERS
from tests.support import rows

Sample = Mapping[str, Any]


def fact_of(tx: Tx, account_id: str, kind: str) -> dict[str, Any]:
    """The fact behind the sample of this type, and the rows that it is about."""
    return _MADE[kind](tx, account_id, TRIGGERS[kind].sample)


def _message(tx: Tx, account_id: str, sample: Sample) -> dict[str, Any]:
    same = (
        "id",
        "country",
        "sender",
        "purpose",
        "text",
        "encoding",
        "segments",
        "reference",
        "campaign_id",
        "carrier",
        "source",
    )
    times = {name: _time(sample[name]) for name in ("send_at", "created_at", "sent_at", "status_at")}
    row = {name: sample[name] for name in same} | times | {"millicredits": round(sample["credits"] * 1000)}
    rows.message(tx, account_id, **row, number=_number(sample["to"]), status=sample["status"], charged=True)
    told = {name: sample[name] for name in ("status", "status_detail", "carrier_code")}
    return {"message_id": sample["id"], "at": times["status_at"], **told}


def _reply(tx: Tx, account_id: str, sample: Sample) -> dict[str, Any]:
    row = {name: sample[name] for name in ("id", "text", "message_id", "campaign_id", "opt_out")}
    received_at = _time(sample["received_at"])
    rows.reply(tx, account_id, **row, number=_number(sample["from"]), code=sample["to"], received_at=received_at)
    return {"reply_id": sample["id"]}


def _opt_out(_tx: Tx, _account_id: str, sample: Sample) -> dict[str, Any]:
    return {**sample, "number": _number(sample["number"]), "at": _time(sample["at"])}


def _credits_low(_tx: Tx, _account_id: str, sample: Sample) -> dict[str, Any]:
    return {name: round(value * 1000) for name, value in sample.items()}


def _campaign(tx: Tx, account_id: str, sample: Sample) -> dict[str, Any]:
    same = (
        "id",
        "status",
        "status_detail",
        "name",
        "text",
        "sender",
        "purpose",
        "stop",
        "reference",
        "source",
        "validity_minutes",
    )
    times = ("send_at", "created_at", "updated_at", "started_at", "sent_at", "finished_at")
    row = {name: sample[name] for name in same} | {name: _time(sample[name]) for name in times}
    progress = sample["progress"]
    whole = {"groups": json.dumps(sample["groups"]), "planned": progress["total"], "expanded": progress["expanded"]}
    rows.campaign(tx, account_id, **row, **whole)
    counted = {"campaign_id": sample["id"], "status": "received", "country": "FR", "messages": progress["done"]}
    tx.execute(schema.campaign_counts.insert().values(id=tx.new_id(), millicredits=0, **counted))
    return {"campaign_id": sample["id"]}


def _contact(tx: Tx, account_id: str, sample: Sample) -> dict[str, Any]:
    same = ("id", "country", "nom", "prenom", "email", "societe", "source", "archived_reason")
    times = {name: _time(sample[name]) for name in ("created_at", "updated_at", "archived_at")}
    rows.contact(tx, account_id, **{name: sample[name] for name in same}, **times, number=_number(sample["number"]))
    for group_id in sample["groups"]:
        named = {"id": group_id, "account_id": account_id, "name": group_id, "slug": group_id, "created_at": tx.now}
        tx.execute(schema.groups.insert().values(**named))
        member = {"group_id": group_id, "contact_id": sample["id"], "number": _number(sample["number"])}
        tx.execute(schema.group_members.insert().values(**member))
    return {"contact_id": sample["id"]}


_MADE: Mapping[str, Callable[[Tx, str, Sample], dict[str, Any]]] = {
    "message.status": _message,
    "reply.received": _reply,
    "optout.created": _opt_out,
    "optout.removed": _opt_out,
    "credits.low": _credits_low,
    "campaign.finished": _campaign,
    "contact.created": _contact,
    "contact.archived": _contact,
}


def _number(text: str) -> int:
    return int(text.removeprefix("+"))


def _time(text: str | None) -> int | None:
    return None if text is None else read_time(text)
