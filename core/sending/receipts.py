"""What carriers bring back: stored raw first, applied later, in any order and as often as they like.

A receipt that matches no message is parked and tried again for two days: it may have overtaken the answer that names its message.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from sqlalchemy import BigInteger, Row, Text, func, select, update

from core.carriers.contract import Inbound, Inbox, Receipt
from core.runtime import Runtime, Tx
from core.schema import Id, messages, receipts, replies
from core.sending import moves
from core.sending.message import heard

BATCH: Final = 1_000
PARKED_MS: Final = 2 * 24 * 3_600_000
FIRST_RETRY_MS: Final = 1_000
LONGEST_RETRY_MS: Final = 600_000
UUID: Final = re.compile(r"[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)


def inbox(runtime: Runtime) -> Inbox:
    """Where carriers leave what came in; it returns once that is committed."""

    def store(carrier: str, came: Sequence[Receipt], said: Sequence[Inbound], /) -> None:
        with runtime.begin() as tx:
            columns = ("id", "carrier", "carrier_id", "reference", "status", "code", "at", "received_at", "due_at")
            rows = [
                (tx.new_id(), carrier, r.carrier_id, r.reference, r.status, r.code, r.at, tx.now, tx.now) for r in came
            ]
            tx.insert(receipts, columns, rows)
            _store_replies(tx, carrier, said)
            if came or said:
                tx.ring("inbound")

    return store


def _store_replies(tx: Tx, carrier: str, said: Sequence[Inbound]) -> None:
    """The same reply brought twice is one: (carrier, carrier_ref) is unique."""
    for one in said:
        row = {
            "id": tx.new_id(),
            "carrier": carrier,
            "carrier_ref": one.carrier_ref,
            "number": one.number,
            "code": one.code,
        }
        values = row | {"text": one.text, "received_at": tx.now, "opt_out": False}
        tx.execute(
            tx.upsert(replies).values(**values).on_conflict_do_nothing(index_elements=["carrier", "carrier_ref"])
        )


def apply(runtime: Runtime, limit: int = BATCH) -> int:
    """Apply waiting receipts; how many were looked at."""
    with runtime.begin() as tx:
        due = select(receipts).where(receipts.c.applied_at.is_(None), receipts.c.due_at <= tx.now)
        waiting = tx.all(due.order_by(receipts.c.due_at, receipts.c.id).limit(limit).with_for_update(skip_locked=True))
        if not waiting:
            return 0
        message_of, rows = _match(tx, waiting)
        outcome = _hear(tx, sorted(waiting, key=lambda receipt: receipt.id), message_of, rows)
        _settle(tx, waiting, outcome)
    return len(waiting)


def _match(tx: Tx, waiting: Sequence[Row[Any]]) -> tuple[dict[str, str], dict[str, Row[Any]]]:
    """The message id of each receipt (by its id): by our reference, else by the carrier's id. And the messages, locked."""
    matched = {r.id: r.reference.lower() for r in waiting if r.reference and UUID.fullmatch(r.reference)}
    rows = _locked(tx, matched.values())
    strays = [r for r in waiting if r.carrier_id and matched.get(r.id) not in rows]
    if strays:
        found = _by_carrier_id(tx, strays)
        matched |= found
        rows |= _locked(tx, found.values())
    return matched, rows


def _locked(tx: Tx, ids: Iterable[str]) -> dict[str, Row[Any]]:
    these = select(messages).where(tx.among(messages.c.id, sorted(set(ids))))
    return {row.id: row for row in tx.all(these.order_by(messages.c.id).with_for_update())}


def _by_carrier_id(tx: Tx, strays: Sequence[Row[Any]]) -> dict[str, str]:
    """The message id of each of these receipts that the carrier names by an id we know."""
    asked = tx.values(
        "asked", {"receipt": Id, "carrier": Text, "named": Text}, [(r.id, r.carrier, r.carrier_id) for r in strays]
    )
    same = (
        (messages.c.carrier_id == asked.c.named)
        & (messages.c.carrier == asked.c.carrier)
        & messages.c.carrier_id.is_not(None)
    )
    return {row.receipt: row.id for row in tx.all(select(asked.c.receipt, messages.c.id).join(messages, same))}


def _hear(
    tx: Tx, waiting: Sequence[Row[Any]], message_of: Mapping[str, str], rows: Mapping[str, Row[Any]]
) -> dict[str, str]:
    """Move the messages; what became of each receipt (by its id): applied, ignored or unmatched."""
    status = {row.id: row.status for row in rows.values()}
    charged = {row.id: row.charged for row in rows.values()}
    outcome: dict[str, str] = {}
    steps: list[moves.Move] = []
    last: dict[str, Row[Any]] = {}
    for receipt in waiting:
        message_id = message_of.get(receipt.id)
        if message_id is None or message_id not in rows:
            outcome[receipt.id] = "unmatched"
            continue
        following = heard(status[message_id], receipt.status, charged=charged[message_id])
        outcome[receipt.id] = "applied" if following else "ignored"
        if following:
            steps.append(moves.of(rows[message_id], following, before=status[message_id], code=receipt.code))
            status[message_id], charged[message_id], last[message_id] = following, True, receipt
    lines = [(id_, status[id_], receipt.code, receipt.carrier_id) for id_, receipt in last.items()]
    _write(tx, lines)
    moves.follow(tx, steps, tx.new_id())
    return outcome


def _write(tx: Tx, lines: Sequence[tuple[str, str, str | None, str | None]]) -> None:
    if not lines:
        return
    news = tx.values("news", {"id": Id, "status": Text, "code": Text, "carrier_id": Text}, lines)
    values = {
        "status": news.c.status,
        "carrier_code": news.c.code,
        "carrier_id": func.coalesce(messages.c.carrier_id, news.c.carrier_id),
        "status_at": tx.now,
        "sent_at": func.coalesce(messages.c.sent_at, messages.c.status_at),  # until the answer tells, if it ever does
        "charged": True,
    }
    tx.execute(update(messages).where(messages.c.id == news.c.id).values(**values))


def _settle(tx: Tx, waiting: Sequence[Row[Any]], outcome: Mapping[str, str]) -> None:
    """Mark what was applied; park the rest, a little longer each time."""
    lines = []
    for receipt in waiting:
        age = tx.now - receipt.received_at
        parked = outcome[receipt.id] == "unmatched" and age < PARKED_MS
        due = tx.now + min(max(age, FIRST_RETRY_MS), LONGEST_RETRY_MS) if parked else receipt.due_at
        lines.append((receipt.id, outcome[receipt.id], due, None if parked else tx.now))
    columns = {"id": Id, "outcome": Text, "due_at": BigInteger, "applied_at": BigInteger}
    settled = tx.values("settled", columns, lines)
    values = {"outcome": settled.c.outcome, "due_at": settled.c.due_at, "applied_at": settled.c.applied_at}
    tx.execute(update(receipts).where(receipts.c.id == settled.c.id).values(**values))
