"""The ledger: every movement is an immutable transfer from one ledger account to another.

`available` and `held` can never be negative: a CHECK on the row that the same transaction updates. (kind, ref) is unique, so a
transfer made again by a repeated task is refused by the database. Rows are locked in id order, so two transactions never wait for
each other.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, or_, select, update

from core.credits import alerts
from core.errors import Refused
from core.runtime import Tx
from core.schema import accounts, ledger_accounts, transfers

CUSTOMER: Final = ("available", "held", "spent")
HUB: Final = ("bank", "bonus")


@dataclass(frozen=True, slots=True)
class Balance:
    """In millicredits."""

    available: int
    held: int
    spent: int


def open_account(tx: Tx, account_id: str) -> None:
    """Three empty ledger accounts for a new customer, and the hub's own two if they are missing."""
    for kind in HUB:
        tx.execute(tx.upsert(ledger_accounts).values(account_id=None, kind=kind, balance=0).on_conflict_do_nothing())
    for kind in CUSTOMER:
        tx.execute(ledger_accounts.insert().values(account_id=account_id, kind=kind, balance=0))


def balance(tx: Tx, account_id: str, *, lock: bool = False) -> Balance:
    """What an account has; `lock` keeps it so until the transaction ends."""
    mine = select(ledger_accounts.c.kind, ledger_accounts.c.balance).where(ledger_accounts.c.account_id == account_id)
    rows = tx.all(mine.order_by(ledger_accounts.c.id).with_for_update() if lock else mine)
    return Balance(**{row.kind: row.balance for row in rows})


def hold(tx: Tx, account_id: str, millicredits: int, ref: str) -> None:
    """Set a price aside: available -> held. Refuses with `not_enough_credits` and changes nothing."""
    _move(tx, "hold", ref, account_id, ("available", "held"), millicredits)
    alerts.check(tx, account_id)


def post(tx: Tx, account_id: str, millicredits: int, ref: str) -> None:
    """What was held is spent."""
    _move(tx, "post", ref, account_id, ("held", "spent"), millicredits)


def void(tx: Tx, account_id: str, millicredits: int, ref: str) -> None:
    """What was held is free again."""
    _move(tx, "void", ref, account_id, ("held", "available"), millicredits)


def grant(tx: Tx, account_id: str, millicredits: int, reason: str, actor: str, *, source: str = "bank") -> str:
    """The operator gives credits (bank, or bonus for gifts); the transfer's id."""
    _positive(millicredits)
    sides = (_hub_id(tx, source), _ids(tx, account_id)["available"])
    granted = _transfer(tx, "grant", tx.new_id(), sides, millicredits, reason=reason, actor=actor)
    alerts.rearm(tx, account_id)
    return granted


def transfer(tx: Tx, from_account: str, to_account: str, millicredits: int, reference: str | None, actor: str) -> str:
    """From one customer to another, at once, shown to both; the transfer's id.

    Refuses an unknown account, itself, nothing or less than nothing, and more than there is.
    """
    _positive(millicredits)
    if from_account == to_account:
        raise Refused.at("/to_account", "same_account", "Credits cannot be transferred to the account they come from.")
    known = tx.one(select(accounts.c.id).where(accounts.c.id == to_account, accounts.c.kind != "system"))
    if known is None:
        raise Refused.at("/to_account", "unknown_account", "There is no account with this id.")
    sides = (_ids(tx, from_account)["available"], _ids(tx, to_account)["available"])
    moved = _transfer(tx, "transfer", tx.new_id(), sides, millicredits, reason=reference, actor=actor)
    alerts.check(tx, from_account)
    alerts.rearm(tx, to_account)
    return moved


def history(tx: Tx, account_id: str, limit: int, before_id: str | None) -> list[Row[Any]]:
    """Transfers that touched what this account can spend, newest first: id, kind, ref, signed millicredits, other account, at."""
    mine = select(ledger_accounts.c.id).where(
        ledger_accounts.c.account_id == account_id, ledger_accounts.c.kind == "available"
    )
    my_id = tx.scalar(mine)
    older = [transfers.c.id < before_id] if before_id else []
    newest = [
        select(transfers).where(side == my_id, *older).order_by(transfers.c.id.desc()).limit(limit).subquery()
        for side in (transfers.c.debit_id, transfers.c.credit_id)  # an index each; `or` would use neither
    ]
    both = newest[0].select().union_all(newest[1].select()).subquery()
    other = ledger_accounts.alias()
    from_me = both.c.debit_id == my_id
    counterpart = or_((other.c.id == both.c.credit_id) & from_me, (other.c.id == both.c.debit_id) & ~from_me)
    statement = (
        select(
            both, from_me.label("outgoing"), other.c.account_id.label("other_account"), other.c.kind.label("other_kind")
        )
        .join(other, counterpart)
        .order_by(both.c.id.desc())
        .limit(limit)
    )
    return list(tx.all(statement))


def _positive(millicredits: int) -> None:
    if millicredits <= 0:
        raise Refused.at("/credits", "invalid_amount", "The number of credits must be above zero.")


def _move(tx: Tx, kind: str, ref: str, account_id: str, path: tuple[str, str], millicredits: int) -> None:
    if millicredits == 0:
        return
    ids = _ids(tx, account_id)
    _transfer(tx, kind, ref, (ids[path[0]], ids[path[1]]), millicredits, reason=None, actor="engine")


def _ids(tx: Tx, account_id: str) -> Mapping[str, int]:
    rows = tx.all(
        select(ledger_accounts.c.kind, ledger_accounts.c.id).where(ledger_accounts.c.account_id == account_id)
    )
    return {row.kind: row.id for row in rows}


def _hub_id(tx: Tx, kind: str) -> int:
    found = select(ledger_accounts.c.id).where(ledger_accounts.c.account_id.is_(None), ledger_accounts.c.kind == kind)
    return int(tx.scalar(found))


def _transfer(
    tx: Tx, kind: str, ref: str, sides: tuple[int, int], millicredits: int, *, reason: str | None, actor: str
) -> str:
    """Both rows are locked, lowest id first, and the debit looked at before anything is written: a refusal has changed nothing."""
    debit, credit = sides
    locked = (
        select(ledger_accounts).where(ledger_accounts.c.id.in_(sides)).order_by(ledger_accounts.c.id).with_for_update()
    )
    have = {row.id: row for row in tx.all(locked)}
    if have[debit].kind not in HUB and have[debit].balance < millicredits:
        raise _not_enough(have[debit], millicredits)
    for ledger_id, change in ((debit, -millicredits), (credit, millicredits)):
        moved = update(ledger_accounts).where(ledger_accounts.c.id == ledger_id)
        tx.execute(moved.values(balance=ledger_accounts.c.balance + change))
    transfer_id = tx.new_id()
    row = {"id": transfer_id, "kind": kind, "ref": ref, "debit_id": debit, "credit_id": credit, "at": tx.now}
    tx.execute(transfers.insert().values(**row, millicredits=millicredits, reason=reason, actor=actor))
    return transfer_id


def _not_enough(side: Row[Any], wanted: int) -> Exception:
    """What a customer can't spend is refused; more posted or voided than was held is a fault of ours."""
    if side.kind != "available":
        return ArithmeticError(f"{wanted} millicredits were asked of {side.balance} that are {side.kind}")
    detail = f"This needs {wanted / 1000:.12g} credits and the account has {side.balance / 1000:.12g}: top it up, or send to fewer recipients."
    return Refused(
        "not_enough_credits", detail, facts={"needed_millicredits": wanted, "available_millicredits": side.balance}
    )
