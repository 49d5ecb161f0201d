"""The blacklist for drafts of many accounts at once: two statements, however many accounts ask.

Nothing here is remembered from one transaction to the next: an opt-out binds whoever asks after it was committed.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any, Final

from sqlalchemy import BigInteger, Select, Text, bindparam, column, func, or_, select

from core.prepared import among, array, listed
from core.runtime import Tx
from core.schema import Id, blacklist, inbound_numbers

Pair = tuple[str, int]  # an account and a number it wants to text


def screen_many(tx: Tx, pairs: Collection[Pair]) -> set[Pair]:
    """Which of these accounts may not text which of these numbers."""
    wanted: dict[str, set[int]] = defaultdict(set)
    for account_id, number in pairs:
        wanted[account_id].add(number)
    return {(account_id, number) for account_id, stopped in screen_each(tx, wanted).items() for number in stopped}


def screen_each(tx: Tx, wanted: Mapping[str, Collection[int]]) -> Mapping[str, set[int]]:
    """The same by account: of the numbers that each wants to text, those that it may not."""
    scopes = _scopes(tx, wanted.keys()) if wanted else {}
    if len(wanted) == 1:
        ((account_id, numbers),) = wanted.items()
        return {account_id: _screen(tx, scopes[account_id], numbers)}
    asked = {
        (scope, number) for account_id, numbers in wanted.items() for scope in scopes[account_id] for number in numbers
    }
    found = _found(tx, asked)
    return {
        account_id: {number for scope, number in found if scope in scopes[account_id]}.intersection(numbers)
        for account_id, numbers in wanted.items()
    }


def _screen(tx: Tx, scopes: Sequence[str], numbers: Collection[int]) -> set[int]:
    given = {"scopes": listed(tx, scopes), "numbers": listed(tx, sorted(set(numbers)))}
    return {row.number for row in tx.all(_hits(tx.postgresql), given)}


def _found(tx: Tx, asked: Collection[Pair]) -> set[Pair]:
    """Which of these (scope, number) are on the blacklist."""
    if not asked:
        return set()
    if tx.postgresql:
        scopes, numbers = zip(*sorted(asked), strict=True)
        given = {"scopes": listed(tx, scopes), "numbers": listed(tx, numbers)}
        return {(row.scope, row.number) for row in tx.all(_PAIRED, given)}
    given = {
        "scopes": listed(tx, sorted({scope for scope, _ in asked})),
        "numbers": listed(tx, sorted({number for _, number in asked})),
    }
    return {(row.scope, row.number) for row in tx.all(_hits(tx.postgresql), given)}


def _scopes(tx: Tx, accounts: Collection[str]) -> Mapping[str, list[str]]:
    """`entries.scopes_of` for many accounts."""
    given = {"accounts": listed(tx, sorted(accounts)), "short_code": tx.rules.short_code}
    owners = {tx.rules.short_code: None} | {row.number: row.account_id for row in tx.all(_codes(tx.postgresql), given)}
    shared = [code for code, owner in owners.items() if owner is None]
    own: dict[str, list[str]] = defaultdict(list)
    for code, owner in owners.items():
        if owner is not None:
            own[owner].append(code)
    return {account_id: [account_id, *shared, *own.get(account_id, ())] for account_id in accounts}


@cache
def _codes(postgresql: bool) -> Select[Any]:
    return select(inbound_numbers.c.number, inbound_numbers.c.account_id).where(
        or_(
            among(inbound_numbers.c.account_id, "accounts", Id, postgresql=postgresql),
            inbound_numbers.c.account_id.is_(None),
            inbound_numbers.c.number == bindparam("short_code"),
        )
    )


@cache
def _hits(postgresql: bool) -> Select[Any]:
    return select(blacklist.c.scope, blacklist.c.number).where(
        among(blacklist.c.scope, "scopes", Text, postgresql=postgresql),
        among(blacklist.c.number, "numbers", BigInteger, postgresql=postgresql),
    )


_asked = (
    func.unnest(array("scopes", Text), array("numbers", BigInteger))
    .table_valued(column("scope", Text()), column("number", BigInteger()))
    .render_derived(name="asked")
)
_PAIRED: Final = select(blacklist.c.scope, blacklist.c.number).join(
    _asked, (blacklist.c.scope == _asked.c.scope) & (blacklist.c.number == _asked.c.number)
)
