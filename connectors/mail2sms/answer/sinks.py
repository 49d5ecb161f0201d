"""What comes back from the engine: how messages and campaigns went, and what people answered. Written down, and no more."""

import hashlib
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Row, select, update

from connectors.contract import Event, Installation, Sink
from connectors.mail2sms import moments
from connectors.mail2sms.answer import digests
from connectors.mail2sms.answer.figures import FAILED, FINISHED, OPEN
from connectors.mail2sms.answer.letters import put
from connectors.mail2sms.settings import Office, office_of
from connectors.mail2sms.tables import mails, sendings
from core import Tx, message

SOURCE: Final = "mail2sms"
REMEMBERED_MS: Final = 30 * 24 * 3_600_000
PROVEN: Final = 2  # a tier: who wrote is an allowed sender, and that is proven
BY_TOKEN: Final = 1
_LAST: Final = len(message.RANK) + 2


def moved(tx: Tx, installation: Installation, events: Sequence[Event]) -> None:
    """Messages have new statuses: their sendings follow, and mails of which some came to an end are looked at."""
    # Of a campaign its own event tells. Several events of one message stand in their order: the last is the newest.
    told = {one.data["id"]: one.data for one in events if one.data["source"] == SOURCE and not one.data["campaign_id"]}
    rows = _of_messages(tx, installation, told)
    newer = [(row, told[row.message_id]) for row in rows if _rises(row.status, told[row.message_id]["status"])]
    alike: dict[tuple[str, str | None], list[str]] = defaultdict(list)
    for row, data in newer:
        alike[data["status"], _why(data)].append(row.id)
    for (status, code), ids in alike.items():
        tx.execute(update(sendings).where(tx.among(sendings.c.id, ids)).values(status=status, code=code))
    office = office_of(installation)
    ended = {row.mail_id for row, data in newer if row.people and _tells(office, data["status"])}
    for mail_id in sorted(ended):
        digests.promise(tx, installation.account_id, mail_id)


def _of_messages(tx: Tx, installation: Installation, ids: Collection[str]) -> Sequence[Row[Any]]:
    if not ids:
        return ()
    shown = select(sendings.c.id, sendings.c.mail_id, sendings.c.message_id, sendings.c.status, sendings.c.people)
    mine = tx.among(sendings.c.message_id, sorted(ids)) & (sendings.c.installation_id == installation.id)
    return tx.all(shown.where(mine).order_by(sendings.c.id).with_for_update())


def _rises(status: str, following: str) -> bool:
    """Whether this is newer than what was heard last: relays of several processes may tell it in another order."""
    return status != following and _height(following) >= _height(status)


def _height(status: str) -> int:
    if status in message.RANK:
        return 1 + message.RANK[status]
    return (1 if status == "sent" else 0) if status in OPEN else _LAST


def _why(data: Mapping[str, Any]) -> str | None:
    return (data["carrier_code"] or data["status_detail"]) if data["status"] in FAILED else None


def _tells(office: Office, status: str) -> bool:
    """Whether somebody wants to be told, now that a message came to this end."""
    return status not in OPEN and (office.answers == "all" or (office.answers == "errors" and status in FAILED))


def finished(tx: Tx, installation: Installation, events: Sequence[Event]) -> None:
    """Campaigns have nothing left to send: the mails that began them are looked at."""
    ids = sorted({one.data["id"] for one in events if one.data["source"] == SOURCE})
    if not ids:
        return
    theirs = tx.among(sendings.c.campaign_id, ids) & (sendings.c.installation_id == installation.id)
    rows = tx.all(select(sendings.c.mail_id).where(theirs))
    tx.execute(update(sendings).where(theirs).values(status=FINISHED))
    if office_of(installation).answers != "none":
        for mail_id in sorted({row.mail_id for row in rows}):
            digests.promise(tx, installation.account_id, mail_id)


def answered(tx: Tx, installation: Installation, events: Sequence[Event]) -> None:
    """People wrote: whoever texted them last by mail gets a letter, where it is proven who that was, or allowed."""
    office = office_of(installation)
    for event in events:
        sending = _sending_of(tx, installation, event.data)
        mail = tx.one(select(mails).where(mails.c.id == sending.mail_id)) if sending else None
        if sending and mail and mail.sender and _may_know(office, mail):
            put(tx, office, "reply", f"reply/{event.data['id']}", mail.sender, _facts(mail, sending.id, event), mail.id)


def _may_know(office: Office, mail: Row[Any]) -> bool:
    tier = mail.tier or 0
    return tier >= PROVEN or (tier == BY_TOKEN and office.allows(mail.sender))


def _facts(mail: Row[Any], sending_id: str, event: Event) -> Mapping[str, Any]:
    data = event.data
    told = {"number": _number(data), "text": data["text"], "opt_out": data["opt_out"], "sending_id": sending_id}
    return digests.about_row(mail) | told | {"received_at": moments.read(data["received_at"], "/received_at")}


def _number(data: Mapping[str, Any]) -> int:
    return int(data["from"].removeprefix("+"))


def _sending_of(tx: Tx, installation: Installation, data: Mapping[str, Any]) -> Row[Any] | None:
    """What a reply answers: the sending of its message; of a message of a campaign, a conversation that begins now; of a message

    that nobody knows, the newest to this number.
    """
    shown = select(sendings.c.id, sendings.c.mail_id, sendings.c.sender, sendings.c.digest)
    mine = sendings.c.installation_id == installation.id
    if data["message_id"] is None:
        lately = (sendings.c.number == _number(data)) & (sendings.c.created_at > tx.now - REMEMBERED_MS)
        sent = sendings.c.message_id.is_not(None)
        return tx.one(shown.where(mine, lately, sent).order_by(sendings.c.id.desc()).limit(1))
    own = tx.one(shown.where(mine, sendings.c.message_id == data["message_id"]))
    if own or data["campaign_id"] is None:
        return own
    of_campaign = shown.where(mine, sendings.c.campaign_id == data["campaign_id"])
    of_list = tx.one(of_campaign.order_by(sendings.c.id).limit(1))
    return _conversation(tx, installation, of_list, data) if of_list else None


def _conversation(tx: Tx, installation: Installation, of_list: Row[Any], data: Mapping[str, Any]) -> Row[Any] | None:
    """A sending that sent nothing (people: 0): the thread of one person of a campaign."""
    number = _number(data)
    key = hashlib.sha256(f"conversation/{of_list.id}/{number}".encode()).hexdigest()
    row = {
        "id": tx.new_id(),
        "account_id": installation.account_id,
        "installation_id": installation.id,
        "mail_id": of_list.mail_id,
        "sender": of_list.sender,
        "key": key,
        "digest": of_list.digest,
        "number": number,
        "people": 0,
        "message_id": data["message_id"],
        "status": FINISHED,
        "created_at": tx.now,
    }
    new = tx.upsert(sendings).values(**row)
    tx.execute(new.on_conflict_do_nothing(index_elements=["account_id", "key"]))
    mine = (sendings.c.account_id == installation.account_id) & (sendings.c.key == key)
    return tx.one(select(sendings.c.id, sendings.c.mail_id, sendings.c.sender, sendings.c.digest).where(mine))


SINKS: Final = (
    Sink(frozenset({"message.status"}), moved),
    Sink(frozenset({"campaign.finished"}), finished),
    Sink(frozenset({"reply.received"}), answered),
)
