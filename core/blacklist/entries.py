"""The blacklist: numbers that must not be texted, each in a scope.

A scope is an account's id, or a code (a short code or a long number that receives replies): an opt-out that names no account binds
everyone who uses the code it was sent to. An account sees its own entries and those of codes that are its alone; what stands on a
shared code belongs to people it may never have met, so it is told of one number at a time, when it names it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Row, Text, delete, or_, select, tuple_, update

from core import accounts, events
from core.audience.archive import archive_numbers, is_code, owner_of
from core.audience.search import begins_with, is_number_like
from core.errors import Refused
from core.runtime import Tx
from core.schema import Id, blacklist, inbound_numbers

OWN_CHOICE: Final = ("reply", "web")  # sources of what people said themselves: a STOP, the opt-out page


@dataclass(frozen=True, slots=True)
class Entry:
    """One number that opted out. `source` is how it came: reply, web, api, console, import, or a connector's name."""

    scope: str
    number: int
    reason: str | None
    source: str
    message_id: str | None
    created_at: int

    def fact(self, at: int) -> Mapping[str, Any]:
        """What the outbox keeps of it: it came, or went, `at` this time."""
        return {
            "number": self.number,
            "source": self.source,
            "reason": self.reason,
            "message_id": self.message_id,
            "at": at,
        }

    @property
    def code(self) -> str | None:
        """The code that it stands on; None for an account's own entry."""
        return self.scope if is_code(self.scope) else None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a page of the list ended."""

    created_at: int
    number: int
    scope: str


def add(tx: Tx, scope: str, number: int, reason: str | None, source: str, message_id: str | None = None) -> bool:
    """Never text this number again. Whether it is new; adding it again changes nothing, but for whose word it is:

    who was listed by others and then says so themselves is from then on listed by their own choice.
    Emits `optout.created` and archives the contacts with the number, for the account or for everyone that the code binds.
    """
    new = number in _add(tx, scope, [(number, message_id)], reason, source)
    if not new and source in OWN_CHOICE:
        _said_so_themselves(tx, scope, number, {"reason": reason, "source": source, "message_id": message_id})
    return new


def add_many(tx: Tx, scope: str, numbers: Collection[int], reason: str | None, source: str) -> set[int]:
    """The same for many, in a handful of statements. Those that are new."""
    return _add(tx, scope, [(number, None) for number in sorted(set(numbers))], reason, source)


def remove(tx: Tx, account_id: str, number: int) -> list[str]:
    """Take a number off an account's list; the codes that bind the account and still have it.

    Refuses with `not_found`, or with `shared_optout` where only a shared code has it. Archived contacts stay archived: restoring
    them is a decision of its own. Emits `optout.removed`.
    """
    found = _bound(tx, account_id, number)
    mine = [entry for entry in found if entry.scope == account_id or owner_of(tx, entry.scope) == account_id]
    left = [entry.scope for entry in found if entry not in mine]
    if not found:
        raise Refused("not_found", "This number is not on the blacklist.")
    if not mine:
        raise Refused(
            "shared_optout",
            f"This person opted out of everything that is sent from {', '.join(left)}: only the operator can undo that.",
        )
    scopes = [entry.scope for entry in mine]
    tx.execute(delete(blacklist).where(tx.among(blacklist.c.scope, scopes, Text), blacklist.c.number == number))
    events.emit(tx, account_id, "optout.removed", [mine[0].fact(tx.now)])
    return left


def get(tx: Tx, account_id: str, number: int) -> Entry:
    """What keeps this account from texting the number, its own entry before a code's. Refuses with `not_found`."""
    found = _bound(tx, account_id, number)
    if not found:
        raise Refused("not_found", "This number is not on the blacklist.")
    return min(found, key=lambda entry: entry.scope != account_id)


def listed(tx: Tx, account_id: str, limit: int, after: Place | None = None, q: str | None = None) -> list[Entry]:
    """The account's entries, newest first; `q` is the beginning of a number. Asks once for each scope: each has its own index range."""
    matches = _matching(tx, account_id, q)
    own = select(inbound_numbers.c.number).where(inbound_numbers.c.account_id == account_id)
    scopes = [account_id, *(row.number for row in tx.all(own))]
    pages = [_newest(tx, scope, limit, after, matches) for scope in scopes]
    return sorted((entry for page in pages for entry in page), key=_order, reverse=True)[:limit]


def screen(tx: Tx, scopes: Sequence[str], numbers: Collection[int]) -> set[int]:
    """Which of these numbers may not be texted, whoever's list they are on: one statement for a window or a batch."""
    hit = select(blacklist.c.number).where(
        tx.among(blacklist.c.scope, scopes, Text), tx.among(blacklist.c.number, sorted(numbers), BigInteger)
    )
    return {row.number for row in tx.all(hit)} if numbers else set()


def scopes_of(tx: Tx, account_id: str) -> list[str]:
    """All that binds an account: its own list, the shared codes, and the codes that are its alone.

    The operator's short code is one of them even where nobody declared it, unless it was given to another account.
    """
    mine = or_(
        inbound_numbers.c.account_id == account_id,
        inbound_numbers.c.account_id.is_(None),
        inbound_numbers.c.number == tx.rules.short_code,
    )
    owners = {row.number: row.account_id for row in tx.all(select(inbound_numbers).where(mine))}
    codes = {tx.rules.short_code: None} | owners
    return [account_id, *sorted(code for code, owner in codes.items() if owner in (None, account_id))]


def _add(tx: Tx, scope: str, numbers: Sequence[tuple[int, str | None]], reason: str | None, source: str) -> set[int]:
    fresh = _insert(tx, scope, numbers, reason, source)
    if fresh:
        _tell(
            tx,
            scope,
            [Entry(scope, number, reason, source, said, tx.now) for number, said in numbers if number in fresh],
        )
        archive_numbers(tx, scope, fresh, "blacklisted")
    return fresh


def _insert(tx: Tx, scope: str, numbers: Sequence[tuple[int, str | None]], reason: str | None, source: str) -> set[int]:
    """Sorted, so that two transactions with the same numbers wait for each other in one order."""
    rows = tx.values(
        "fresh",
        {
            "scope": Text,
            "number": BigInteger,
            "reason": Text,
            "source": Text,
            "message_id": Id,
            "created_at": BigInteger,
        },
        [(scope, number, reason, source, said, tx.now) for number, said in sorted(numbers)],
    )
    chosen = select(*rows.c).where(rows.c.number > 0)  # SQLite needs a WHERE between SELECT and ON CONFLICT
    insert = tx.upsert(blacklist).from_select([column.name for column in rows.c], chosen)
    return {row.number for row in tx.all(insert.on_conflict_do_nothing().returning(blacklist.c.number))}


def _said_so_themselves(tx: Tx, scope: str, number: int, words: Mapping[str, Any]) -> None:
    listed_by_others = (
        (blacklist.c.scope == scope) & (blacklist.c.number == number) & blacklist.c.source.not_in(OWN_CHOICE)
    )
    tx.execute(update(blacklist).where(listed_by_others).values(**words))


def _tell(tx: Tx, scope: str, entries: Sequence[Entry]) -> None:
    """An account hears of its own list, and of a code that is its alone; nobody is told what strangers said to a shared code."""
    account_id = owner_of(tx, scope) if is_code(scope) else scope
    if account_id is not None:
        events.emit(tx, account_id, "optout.created", (entry.fact(tx.now) for entry in entries))


def _bound(tx: Tx, account_id: str, number: int) -> list[Entry]:
    scopes = scopes_of(tx, account_id)
    rows = tx.all(select(blacklist).where(tx.among(blacklist.c.scope, scopes, Text), blacklist.c.number == number))
    return sorted(map(_entry, rows), key=lambda entry: scopes.index(entry.scope))


def _matching(tx: Tx, account_id: str, q: str | None) -> ColumnElement[bool] | None:
    if not q:
        return None
    if not is_number_like(q):
        raise Refused.at("/q", "invalid_search", "The blacklist is searched by the beginning of a number.")
    return begins_with(blacklist.c.number, q, accounts.get(tx, account_id).region)


def _newest(tx: Tx, scope: str, limit: int, after: Place | None, matches: ColumnElement[bool] | None) -> list[Entry]:
    page = select(blacklist).where(blacklist.c.scope == scope)
    if matches is not None:
        page = page.where(matches)
    if after is not None:
        here, place = tuple_(blacklist.c.created_at, blacklist.c.number), (after.created_at, after.number)
        page = page.where(here <= place if scope < after.scope else here < place)
    newest = page.order_by(blacklist.c.created_at.desc(), blacklist.c.number.desc()).limit(limit)
    return [_entry(row) for row in tx.all(newest)]


def _order(entry: Entry) -> tuple[int, int, str]:
    return entry.created_at, entry.number, entry.scope


def _entry(row: Row[Any]) -> Entry:
    return Entry(**row._mapping)
