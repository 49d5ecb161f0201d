"""What mails sent, as rows: a key makes each part of a mail once, whatever comes twice, and whoever works at the same time."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import bindparam, select, update

from connectors.mail2sms.decide import keys
from connectors.mail2sms.decide.plan import Part, Plan
from connectors.mail2sms.settings import Office
from connectors.mail2sms.tables import sendings
from core import Tx

HELD: Final = "held"  # also while its own transaction has not sent it yet
REFUSED: Final = "refused"
NOTHING: Final = "finished"


@dataclass(frozen=True, slots=True)
class Taken:
    """The parts of a mail that are its own. changed: some were sent before, by a mail of the same name with another body."""

    identities: frozenset[str]
    changed: bool


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of a part: the message or campaign that it is now, its status, and why it is none."""

    status: str
    message_id: str | None = None
    campaign_id: str | None = None
    code: str | None = None


def take(tx: Tx, office: Office, mail_id: str, sender: str, plan: Plan) -> Taken:
    """Take the keys of all parts; those that another mail has are left out, unless that had another body.

    Two transactions take keys in one order, and the second waits for what becomes of the first.
    """
    row = {"account_id": office.account_id, "installation_id": office.id, "mail_id": mail_id, "sender": sender.lower()}
    own = {_key(office, plan, part): part for part in plan.parts}
    mine = _insert(tx, row | {"digest": plan.digest}, own)
    before = _digests(tx, office, [key for key in own if key not in mine])
    other = {keys.changed(key, plan.digest): own[key] for key, digest in before.items() if digest != plan.digest}
    changed = _insert(tx, row | {"digest": plan.digest}, other)
    return Taken(frozenset(part.identity for part in (*mine.values(), *changed.values())), bool(changed))


def first(tx: Tx, office: Office, mail_id: str, sender: str, key: str, digest: str) -> bool:
    """Take the key of a mail that sends nothing of its own: whether it is the first to have it."""
    row = {"account_id": office.account_id, "installation_id": office.id, "mail_id": mail_id, "sender": sender.lower()}
    own = {"id": tx.new_id(), "key": key, "digest": digest, "people": 0, "status": NOTHING, "created_at": tx.now}
    new = tx.upsert(sendings).values(**row, **own)
    return bool(tx.execute(new.on_conflict_do_nothing(index_elements=["account_id", "key"])))


def settle(tx: Tx, office: Office, mail_id: str, plan: Plan, sent: Mapping[str, Sent]) -> None:
    """Write down what became of the parts of a mail: from now on they count."""
    mine = select(sendings.c.key, sendings.c.id).where(sendings.c.mail_id == mail_id)
    ids = dict(tx.tuples(mine))
    values = [_values(tx, ids, office, plan, part, sent[part.identity]) for part in plan.parts]
    columns: dict[str, Any] = {name: bindparam(name) for name in values[0] if name != "row_id"}
    tx.connection.execute(update(sendings).where(sendings.c.id == bindparam("row_id")).values(**columns), values)


def drop(tx: Tx, mail_id: str) -> None:
    """They will not be sent."""
    mine = (sendings.c.mail_id == mail_id) & (sendings.c.status == HELD)
    tx.execute(update(sendings).where(mine).values(status="cancelled"))


def _insert(tx: Tx, common: Mapping[str, Any], wanted: Mapping[str, Part]) -> dict[str, Part]:
    """Those of these keys that nobody has. A row counts for nobody until its part is sent."""
    taken: dict[str, Part] = {}
    for key, part in sorted(wanted.items()):
        own = {"id": tx.new_id(), "key": key, "number": part.number, "people": 0, "token_id": part.token_id}
        new = tx.upsert(sendings).values(**common, **own, status=HELD, created_at=tx.now)
        if tx.execute(new.on_conflict_do_nothing(index_elements=["account_id", "key"])):
            taken[key] = part
    return taken


def _digests(tx: Tx, office: Office, wanted: Sequence[str]) -> dict[str, str]:
    """The body of the mail that has each of these keys."""
    if not wanted:
        return {}
    mine = select(sendings.c.key, sendings.c.digest).where(sendings.c.account_id == office.account_id)
    return dict(tx.tuples(mine.where(sendings.c.key.in_(wanted))))


def _values(tx: Tx, ids: Mapping[str, str], office: Office, plan: Plan, part: Part, sent: Sent) -> dict[str, Any]:
    return {
        "row_id": next(ids[key] for key in _keys(office, plan, part) if key in ids),
        "people": 0 if sent.status == REFUSED else part.people,
        "message_id": sent.message_id,
        "campaign_id": sent.campaign_id,
        "status": sent.status,
        "code": sent.code,
        "created_at": tx.now,
    }


def _keys(office: Office, plan: Plan, part: Part) -> Iterator[str]:
    key = _key(office, plan, part)
    yield from (keys.changed(key, plan.digest), key)


def _key(office: Office, plan: Plan, part: Part) -> str:
    return keys.key(office.account_id, plan.mail, part.identity)
