"""The promises about money and counters, checked against the rows themselves."""

from dataclasses import dataclass

from sqlalchemy import case, func, select

from core.runtime import Runtime, Tx
from core.schema import campaign_counts, ledger_accounts, messages, transfers
from core.sending.message import OPEN


@dataclass(frozen=True, slots=True)
class Finding:
    """A promise that does not hold: of which account or campaign, what was expected and what there is."""

    promise: str
    subject: str
    expected: int
    found: int


def everything(runtime: Runtime) -> list[Finding]:
    """All of them, as of one moment: the hub may be at work meanwhile."""
    with runtime.snapshot() as tx:
        return [*ledger(tx), *counters(tx)]


def ledger(tx: Tx) -> list[Finding]:
    """All accounts sum to zero; each balance is the sum of its transfers; held is what open messages cost, spent what was charged."""
    return [*_zero(tx), *_transfers(tx), *_messages(tx)]


def counters(tx: Tx) -> list[Finding]:
    """The counters of each campaign are what its messages say."""
    counted = select(
        campaign_counts.c.campaign_id, campaign_counts.c.status, func.sum(campaign_counts.c.messages).label("messages")
    )
    kept = {
        (row.campaign_id, row.status): int(row.messages)
        for row in tx.all(counted.group_by(campaign_counts.c.campaign_id, campaign_counts.c.status))
        if row.messages
    }
    own = select(messages.c.campaign_id, messages.c.status, func.count().label("messages")).where(
        messages.c.campaign_id.is_not(None)
    )
    real = {
        (row.campaign_id, row.status): row.messages
        for row in tx.all(own.group_by(messages.c.campaign_id, messages.c.status))
    }
    return [
        Finding(f"campaign counter {key[1]}", key[0], real.get(key, 0), kept.get(key, 0))
        for key in sorted(kept.keys() | real.keys())
        if kept.get(key, 0) != real.get(key, 0)
    ]


def _zero(tx: Tx) -> list[Finding]:
    total = int(tx.scalar(select(func.coalesce(func.sum(ledger_accounts.c.balance), 0))))
    return [Finding("all ledger accounts sum to 0", "hub", 0, total)] if total else []


def _transfers(tx: Tx) -> list[Finding]:
    sides = [
        select(side.label("id"), (sign * func.sum(transfers.c.millicredits)).label("millicredits")).group_by(side)
        for side, sign in ((transfers.c.debit_id, -1), (transfers.c.credit_id, 1))
    ]
    moved = sides[0].union_all(sides[1]).subquery()
    sums = {
        row.id: int(row.total)
        for row in tx.all(select(moved.c.id, func.sum(moved.c.millicredits).label("total")).group_by(moved.c.id))
    }
    accounts = tx.all(select(ledger_accounts))
    return [
        Finding(f"{row.kind} is the sum of its transfers", row.account_id or "hub", sums.get(row.id, 0), row.balance)
        for row in accounts
        if row.balance != sums.get(row.id, 0)
    ]


def _messages(tx: Tx) -> list[Finding]:
    held = func.sum(case((messages.c.status.in_(sorted(OPEN)), messages.c.millicredits), else_=0))
    spent = func.sum(case((messages.c.charged, messages.c.millicredits), else_=0))
    real = {
        row.account_id: {"held": int(row.held), "spent": int(row.spent)}
        for row in tx.all(
            select(messages.c.account_id, held.label("held"), spent.label("spent")).group_by(messages.c.account_id)
        )
    }
    kept = tx.all(select(ledger_accounts).where(ledger_accounts.c.kind.in_(("held", "spent"))))
    found = []
    for row in kept:
        expected = real.get(row.account_id, {}).get(row.kind, 0)
        if row.balance != expected:
            found.append(Finding(f"{row.kind} is what its messages cost", row.account_id, expected, row.balance))
    return found
