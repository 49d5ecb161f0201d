"""The ledger: every movement is an immutable transfer from one ledger account to another.

`available` and `held` can never be negative: a CHECK on the row that the same transaction updates. (kind, ref) is unique, so a
transfer made again by a repeated task is refused by the database. Rows are locked in id order, so two transactions never wait for
each other.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Integer,
    Row,
    Select,
    Text,
    Update,
    bindparam,
    column,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.exc import OperationalError

from core.credits import alerts
from core.errors import Refused
from core.prepared import among, array, listed
from core.runtime import Tx
from core.schema import Id, accounts, ledger_accounts, transfers

CUSTOMER: Final = ("available", "held", "spent")
HUB: Final = ("bank", "bonus")
SPENDABLE: Final = ("available", "held")  # what a hold changes
MOMENT_MS: Final = 250
PATHS: Final[Mapping[str, tuple[str, str]]] = {
    "hold": ("available", "held"),
    "post": ("held", "spent"),
    "void": ("held", "available"),
}


@dataclass(frozen=True, slots=True)
class Balance:
    """In millicredits."""

    available: int
    held: int
    spent: int


# What becomes of a draft whose account is another transaction's just now, in a transaction that is not patient: it is asked again.
OCCUPIED: Final = Refused(
    "unavailable", "The account's credits are in use for long just now: nothing was done, ask again in a moment."
)


@dataclass(frozen=True, slots=True)
class Due:
    """One movement of an account's own credits: `kind` is hold, post or void, and (kind, ref) is used once."""

    kind: str
    account_id: str
    millicredits: int
    ref: str


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


@dataclass(slots=True)
class _Side:
    """A row of the ledger that a transaction has locked: nobody else can change it, so what it holds is known without asking."""

    id: int
    balance: int
    alert_below: int  # where the account wants to be warned; 0: it does not


def lock(tx: Tx, account_ids: Collection[str]) -> dict[str, int]:
    """Keep what holds change of these accounts until the transaction ends; what each has available, in millicredits.

    Accounts that another transaction has are waited for; where `tx` is not patient, they are left out.
    """
    _lock(tx, account_ids, SPENDABLE, skip_locked=not tx.patient)
    both = [one for one in account_ids if all((one, kind) in tx.locked for kind in SPENDABLE)]
    return {account_id: tx.locked[account_id, "available"].balance for account_id in both}


def occupied(tx: Tx, account_ids: Collection[str]) -> set[str]:
    """Keep all rows of these accounts until the transaction ends; the accounts that another transaction has for long.

    Who has one for a moment only is waited for: MOMENT_MS, and not lock_timeout.
    """
    _lock(tx, account_ids, CUSTOMER, skip_locked=True)
    if _missing(tx, account_ids):
        with suppress(OperationalError), tx.connection.begin_nested():
            tx.wait_at_most(MOMENT_MS)
            _lock(tx, account_ids, CUSTOMER)
            tx.connection.exec_driver_sql("SET LOCAL lock_timeout TO DEFAULT")
    return _missing(tx, account_ids)


class InUseError(Exception):
    """Another transaction has the credits of this account for longer than a moment."""

    def __init__(self, account_id: str) -> None:
        super().__init__(account_id)
        self.account_id = account_id


def take(tx: Tx, account_id: str) -> None:
    """Keep all rows of an account that are about to change until the transaction ends. Raises InUseError instead of waiting for long."""
    if occupied(tx, [account_id]):
        raise InUseError(account_id)


def _missing(tx: Tx, account_ids: Collection[str]) -> set[str]:
    return {one for one in account_ids if any((one, kind) not in tx.locked for kind in CUSTOMER)}


def hold(tx: Tx, account_id: str, millicredits: int, ref: str) -> None:
    """Set a price aside: available -> held. Refuses with `not_enough_credits` and changes nothing."""
    settle(tx, [Due("hold", account_id, millicredits, ref)])


def post(tx: Tx, account_id: str, millicredits: int, ref: str) -> None:
    """What was held is spent."""
    settle(tx, [Due("post", account_id, millicredits, ref)])


def void(tx: Tx, account_id: str, millicredits: int, ref: str) -> None:
    """What was held is free again."""
    settle(tx, [Due("void", account_id, millicredits, ref)])


def settle(tx: Tx, dues: Sequence[Due]) -> None:
    """Movements of many accounts, in this order, in as many statements as one takes. Dues of nothing are none.

    Refuses `not_enough_credits`, and then nothing was changed. More posted or voided than was held is an ArithmeticError.
    """
    moving = [due for due in dues if due.millicredits]
    if not moving:
        return
    kinds = sorted({kind for due in moving for kind in PATHS[due.kind]})
    _lock(tx, {due.account_id for due in moving}, kinds)
    changes = _changes(tx, moving)
    changed = sorted((tx.locked[side].id, change) for side, change in changes.items() if change)
    if changed:
        ids, amounts = zip(*changed, strict=True)
        with tx.pipelined():
            given = {"ids": listed(tx, ids), "amounts": listed(tx, amounts)}
            tx.connection.execute(_moving(tx.postgresql), given)
            tx.connection.execute(_RECORD, [_record(tx, due) for due in moving])
    else:
        tx.connection.execute(_RECORD, [_record(tx, due) for due in moving])
    for side, change in changes.items():
        tx.locked[side].balance += change
    for account_id in dict.fromkeys(due.account_id for due in moving if due.kind == "hold"):
        side = tx.locked[account_id, "available"]
        if side.balance < side.alert_below:
            alerts.check(tx, account_id)


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


def _changes(tx: Tx, dues: Sequence[Due]) -> dict[tuple[str, str], int]:
    """By how much each side changes; every debit is looked at as if it came after the ones before it."""
    changes: dict[tuple[str, str], int] = defaultdict(int)
    for due in dues:
        debit, credit = ((due.account_id, kind) for kind in PATHS[due.kind])
        have = tx.locked[debit].balance + changes[debit]
        if have < due.millicredits:
            raise _not_enough(debit[1], have, due.millicredits)
        changes[debit] -= due.millicredits
        changes[credit] += due.millicredits
    return changes


def _record(tx: Tx, due: Due) -> dict[str, Any]:
    debit, credit = PATHS[due.kind]
    return {
        "id": tx.new_id(),
        "kind": due.kind,
        "ref": due.ref,
        "debit_id": tx.locked[due.account_id, debit].id,
        "credit_id": tx.locked[due.account_id, credit].id,
        "at": tx.now,
        "millicredits": due.millicredits,
        "reason": None,
        "actor": "engine",
    }


_RECORD: Final = transfers.insert()


@cache
def _moving(postgresql: bool) -> Update:
    if postgresql:
        moved = func.unnest(array("ids", Integer), array("amounts", BigInteger)).table_valued(
            column("id", Integer()), column("amount", BigInteger())
        )
        rows: Any = moved.render_derived(name="moved")
        return (
            update(ledger_accounts)
            .where(ledger_accounts.c.id == rows.c.id)
            .values(balance=ledger_accounts.c.balance + rows.c.amount)
        )
    ids, amounts = (func.json_each(bindparam(name, type_=Text())) for name in ("ids", "amounts"))
    one, other = ids.table_valued("key", "value", name="i"), amounts.table_valued("key", "value", name="a")
    amount = select(other.c.value).join(one, one.c.key == other.c.key).where(one.c.value == ledger_accounts.c.id)
    return (
        update(ledger_accounts)
        .where(among(ledger_accounts.c.id, "ids", Integer, postgresql=False))
        .values(balance=ledger_accounts.c.balance + amount.scalar_subquery())
    )


def _lock(tx: Tx, account_ids: Collection[str], kinds: Sequence[str], *, skip_locked: bool = False) -> None:
    """Lock the rows of these accounts and kinds that are not locked yet, in id order, with what the account's alert needs to know."""
    missing = sorted({one for one in account_ids if any((one, kind) not in tx.locked for kind in kinds)})
    if not missing:
        return
    given = {"accounts": listed(tx, missing), "kinds": listed(tx, kinds)}
    for row in tx.all(_locking(tx.postgresql, skip_locked), given):
        side = _Side(row.id, row.balance, row.alert_threshold if row.alert_armed else 0)
        tx.locked.setdefault((row.account_id, row.kind), side)


@cache
def _locking(postgresql: bool, skip_locked: bool) -> Select[Any]:
    mine = among(ledger_accounts.c.account_id, "accounts", Id, postgresql=postgresql)
    wanted = among(ledger_accounts.c.kind, "kinds", Text, postgresql=postgresql)
    return (
        select(ledger_accounts, accounts.c.alert_threshold, accounts.c.alert_armed)
        .join(accounts, accounts.c.id == ledger_accounts.c.account_id, isouter=True)
        .where(mine, wanted)
        .order_by(ledger_accounts.c.id)
        .with_for_update(of=ledger_accounts, skip_locked=skip_locked)
    )


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
    tx.locked.clear()  # one of these may be among them
    locked = (
        select(ledger_accounts).where(ledger_accounts.c.id.in_(sides)).order_by(ledger_accounts.c.id).with_for_update()
    )
    have = {row.id: row for row in tx.all(locked)}
    if have[debit].kind not in HUB and have[debit].balance < millicredits:
        raise _not_enough(have[debit].kind, have[debit].balance, millicredits)
    for ledger_id, change in ((debit, -millicredits), (credit, millicredits)):
        moved = update(ledger_accounts).where(ledger_accounts.c.id == ledger_id)
        tx.execute(moved.values(balance=ledger_accounts.c.balance + change))
    transfer_id = tx.new_id()
    row = {"id": transfer_id, "kind": kind, "ref": ref, "debit_id": debit, "credit_id": credit, "at": tx.now}
    tx.execute(transfers.insert().values(**row, millicredits=millicredits, reason=reason, actor=actor))
    return transfer_id


def _not_enough(kind: str, have: int, wanted: int) -> Exception:
    """What a customer can't spend is refused; more posted or voided than was held is a fault of ours."""
    if kind != "available":
        return ArithmeticError(f"{wanted} millicredits were asked of {have} that are {kind}")
    detail = f"This needs {wanted / 1000:.12g} credits and the account has {have / 1000:.12g}: top it up, or send to fewer recipients."
    return Refused("not_enough_credits", detail, facts={"needed_millicredits": wanted, "available_millicredits": have})
