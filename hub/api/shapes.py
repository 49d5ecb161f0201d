"""How the engine's rows look outside: one function each, for answers of the API, webhooks, samples and connectors alike."""

import json
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final

import orjson
from sqlalchemy import Row

from core import drafts, message
from hub.api.show import credits_of, iso, iso_or_none

Shape = dict[str, Any]
FEW: Final = 4  # messages: more have enough in common to say it once


def e164(number: int) -> str:
    """A number as people outside see it: +33612345678."""
    return f"+{number}"


def message_shape(row: Row[Any] | drafts.Message) -> Shape:
    """A row of messages as schemas/Message.json says."""
    created_at = iso(row.created_at)
    return {
        "id": row.id,
        "status": row.status,
        "status_detail": row.status_detail or row.substitutions,
        "to": e164(row.number),
        "country": row.country,
        "sender": row.sender,
        "purpose": row.purpose,
        "text": row.text,
        "encoding": row.encoding,
        "segments": row.segments,
        "credits": credits_of(message.owed(row.status, row.millicredits, charged=row.charged)),
        "reference": row.reference,
        "campaign_id": row.campaign_id,
        "send_at": iso_or_none(row.send_at),
        "created_at": created_at,
        "sent_at": iso_or_none(row.sent_at),
        "status_at": created_at if row.status_at == row.created_at else iso(row.status_at),
        "carrier": row.carrier,
        "carrier_code": row.carrier_code,
        "source": row.source,
    }


def message_texts(born: drafts.Born) -> Iterator[bytes]:
    """The JSON of each of these messages: what `message_shape` gives, made once for what they have in common.

    Bytes, as a text with a character beyond Latin-1 takes eight times as long to be put together and encoded.
    """
    if len(born.ids) < FEW:
        return (orjson.dumps(message_shape(born.message(at))) for at in range(len(born.ids)))
    shape = message_shape(born.message(0))
    own: dict[str, Iterable[object]] = {"id": "\n".join(born.ids).encode().split(b"\n"), "to": born.numbers}
    if len(set(born.texts)) > 1:
        own["text"] = map(orjson.dumps, born.texts)
    if set(born.references) != {None}:
        own["reference"] = map(orjson.dumps, born.references)
    marks = {"id": b'"%b"', "to": b'"+%d"'}
    fields = (
        b'"%b":%b'
        % (name.encode(), marks.get(name, b"%b") if name in own else orjson.dumps(value).replace(b"%", b"%%"))
        for name, value in shape.items()
    )
    form = b"{%b}" % b",".join(fields)
    return map(form.__mod__, zip(*(own[name] for name in shape if name in own), strict=True))


def reply_shape(row: Row[Any]) -> Shape:
    """A row of replies as schemas/Reply.json says: `from` is the person, `to` the code or number that was texted."""
    return {
        "id": row.id,
        "from": e164(row.number),
        "to": row.code,
        "text": row.text,
        "received_at": iso(row.received_at),
        "message_id": row.message_id,
        "campaign_id": row.campaign_id,
        "opt_out": row.opt_out,
    }


def campaign_shape(row: Row[Any], counts: Mapping[str, int] = MappingProxyType({})) -> Shape:
    """A row of campaigns, with its messages counted by status, as schemas/Campaign.json says.

    `progress` counts recipients: known at the start, made into messages, and done with.
    """
    done = sum(count for status, count in counts.items() if status not in ("scheduled", "queued", "sending"))
    return {
        "id": row.id,
        "status": row.status,
        "status_detail": row.status_detail,
        "name": row.name,
        "text": row.text,
        "sender": row.sender,
        "purpose": row.purpose,
        "stop": row.stop,
        "reference": row.reference,
        "source": row.source,
        "groups": json.loads(row.groups),
        "validity_minutes": row.validity_minutes,
        "send_at": iso_or_none(row.send_at),
        "created_at": iso(row.created_at),
        "updated_at": iso(row.updated_at),
        "started_at": iso_or_none(row.started_at),
        "sent_at": iso_or_none(row.sent_at),
        "finished_at": iso_or_none(row.finished_at),
        "progress": {"total": max(row.planned, row.expanded), "expanded": row.expanded, "done": done},
    }


def contact_shape(row: Row[Any]) -> Shape:
    """A row of contacts as schemas/Contact.json says."""
    return {
        "id": row.id,
        "number": e164(row.number),
        "country": row.country,
        "nom": row.nom,
        "prenom": row.prenom,
        "email": row.email,
        "societe": row.societe,
        "source": row.source,
        "created_at": iso(row.created_at),
        "updated_at": iso(row.updated_at),
        "archived_at": iso_or_none(row.archived_at),
        "archived_reason": row.archived_reason,
    }
