"""The address book: one row a person. A number may stand there twice (`duplicates` finds it), so nothing is unique but the id.

Removing takes a person out of the book and its groups, never out of reports. Archiving takes them out of sight, with the reason.
A number that opted out does not come into the book, nor back into it, while it is on the blacklist.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, delete, false, func, select, union_all, update

from core import accounts, events
from core import number as numbers
from core.audience import groups
from core.audience.archive import archive_numbers
from core.audience.contact import COLUMNS, FIELDS, Contact, of_row, tidy
from core.audience.own import own_row
from core.audience.search import begins_with, has_words, is_narrow, is_number_like, spans
from core.blacklist import entries
from core.errors import Refused
from core.number import Number
from core.runtime import Tx
from core.schema import contacts, group_members

__all__ = [
    "FIELDS",
    "Contact",
    "Duplicates",
    "archive_numbers",
    "change",
    "create",
    "duplicates",
    "get",
    "listed",
    "remove",
    "restore",
]

MOST_SHOWN: Final = 20  # contacts of one number on the page of duplicates


@dataclass(frozen=True, slots=True)
class Duplicates:
    """A number that `count` active contacts share; the oldest of them, at most MOST_SHOWN."""

    number: int
    count: int
    contacts: Sequence[Contact]


def create(tx: Tx, account_id: str, given: Mapping[str, Any], source: str) -> Contact:
    """A new contact: `number` as a person of the account's region writes it, and any of FIELDS and `groups` (ids or slugs).

    Refuses a number that cannot be texted, one that opted out (`opted_out`), and an `unknown_group`. Emits `contact.created`.
    """
    number = _number(tx, account_id, given["number"])
    made = Contact(
        tx.new_id(),
        account_id,
        number.value,
        number.country,
        **{field: tidy(given.get(field)) for field in FIELDS},
        source=source,
        created_at=tx.now,
        updated_at=tx.now,
        archived_at=None,
        archived_reason=None,
    )
    tx.execute(contacts.insert().values(**made.row()))
    groups.set_groups(tx, account_id, made.id, made.number, given.get("groups") or ())
    events.emit(tx, account_id, "contact.created", [made.fact()])
    return made


def get(tx: Tx, account_id: str, contact_id: str) -> Contact:
    """Archived or not. Refuses with `not_found`."""
    return of_row(own_row(tx, contacts, account_id, contact_id))


def listed(
    tx: Tx,
    account_id: str,
    limit: int,
    after: str | None = None,
    *,
    q: str | None = None,
    group: str | None = None,
    archived: bool = False,
) -> list[Contact]:
    """Newest first; `after` is the id of the last one seen, `q` words or the beginning of a number, `group` an id or a slug."""
    out = contacts.c.archived_at.is_not(None) if archived else contacts.c.archived_at.is_(None)
    page = select(*COLUMNS).where(contacts.c.account_id == account_id, out)
    if after is not None:
        page = page.where(contacts.c.id < after)
    if q:
        page = page.where(_matches(tx, account_id, q))
    if group:
        [group_id] = groups.resolve(tx, account_id, [group], pointer="/group")
        page = page.where(
            contacts.c.id.in_(select(group_members.c.contact_id).where(group_members.c.group_id == group_id))
        )
    return [of_row(row) for row in tx.all(page.order_by(contacts.c.id.desc()).limit(limit))]


def change(tx: Tx, account_id: str, contact_id: str, changes: Mapping[str, Any]) -> Contact:
    """Some fields anew: None clears one, `groups` replaces the memberships, a new `number` keeps them."""
    before = get(tx, account_id, contact_id)
    fields: dict[str, Any] = {field: tidy(changes[field]) for field in FIELDS if field in changes}
    after = replace(before, **fields, updated_at=tx.now)
    if "number" in changes:
        number = _number(tx, account_id, changes["number"], unless=before.number)
        after = replace(after, number=number.value, country=number.country)
        _renumber(tx, after)
    if "groups" in changes:
        groups.set_groups(tx, account_id, after.id, after.number, changes["groups"] or ())
    tx.execute(update(contacts).where(contacts.c.id == after.id).values(**after.row()))
    return after


def remove(tx: Tx, account_id: str, contact_id: str) -> None:
    """Out of the book and its groups for good; messages and reports keep the number."""
    row = own_row(tx, contacts, account_id, contact_id)
    tx.execute(delete(group_members).where(group_members.c.contact_id == row.id))
    tx.execute(delete(contacts).where(contacts.c.id == row.id))


def restore(tx: Tx, account_id: str, contact_id: str) -> Contact:
    """Back into the book. Refuses with `opted_out` while the number is on the blacklist; one that is in the book stays as it is."""
    before = get(tx, account_id, contact_id)
    if before.archived_at is None:
        return before
    _check_wanted(tx, account_id, before.number, "")
    after = replace(before, archived_at=None, archived_reason=None, updated_at=tx.now)
    tx.execute(update(contacts).where(contacts.c.id == after.id).values(**after.row()))
    return after


def duplicates(tx: Tx, account_id: str, limit: int, after: int = 0) -> list[Duplicates]:
    """Numbers that several active contacts share, in their order; `after` is the last number seen."""
    active = (contacts.c.account_id == account_id) & contacts.c.archived_at.is_(None)
    shared = (
        select(contacts.c.number, func.count().label("people"))
        .where(active, contacts.c.number > after)
        .group_by(contacts.c.number)
        .having(func.count() > 1)
        .order_by(contacts.c.number)
        .limit(limit)
    )
    counts = {row.number: row.people for row in tx.all(shared)}
    people = _oldest(tx, active & tx.among(contacts.c.number, list(counts), BigInteger))
    return [Duplicates(number, count, people[number]) for number, count in counts.items()]


def _oldest(tx: Tx, which: ColumnElement[bool]) -> Mapping[int, Sequence[Contact]]:
    place = func.row_number().over(partition_by=contacts.c.number, order_by=contacts.c.id).label("place")
    ranked = select(contacts.c.id, place).where(which).subquery()
    shown = select(*COLUMNS).join(ranked, ranked.c.id == contacts.c.id).where(ranked.c.place <= MOST_SHOWN)
    by_number: dict[int, list[Contact]] = defaultdict(list)
    for row in tx.all(shown.order_by(contacts.c.id)):
        by_number[row.number].append(of_row(row))
    return by_number


def _number(tx: Tx, account_id: str, given: str, unless: int | None = None) -> Number:
    try:
        number = numbers.parse(given, accounts.get(tx, account_id).region)
    except Refused as refused:
        raise refused.about("/number") from None
    if number.value != unless:
        _check_wanted(tx, account_id, number.value, "/number")
    return number


def _check_wanted(tx: Tx, account_id: str, number: int, pointer: str) -> None:
    if entries.screen(tx, entries.scopes_of(tx, account_id), [number]):
        detail = "This number opted out: it stays out of the address book while it is on the blacklist."
        raise Refused.at(pointer, "opted_out", detail) if pointer else Refused("opted_out", detail)


def _renumber(tx: Tx, contact: Contact) -> None:
    mine = group_members.c.contact_id == contact.id
    tx.execute(update(group_members).where(mine).values(number=contact.number))


def _matches(tx: Tx, account_id: str, q: str) -> ColumnElement[bool]:
    if not is_number_like(q):
        return has_words(contacts.c.search, q)
    region = accounts.get(tx, account_id).region
    if not is_narrow(q):
        return begins_with(contacts.c.number, q, region)
    mine = select(contacts.c.id).where(contacts.c.account_id == account_id).correlate(None)
    each = [mine.where(contacts.c.number.between(first, last)) for first, last in spans(q, region)]
    return contacts.c.id.in_(union_all(*each)) if each else false()
