"""The address book: one row a person. A number may stand there twice (`duplicates` finds it), so nothing is unique but the id.

Removing takes a person out of the book and its groups, never out of reports. Archiving takes them out of sight, with the reason.
A number that opted out does not come into the book, nor back into it, while it is on the blacklist.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CompoundSelect,
    Select,
    delete,
    false,
    func,
    literal,
    or_,
    select,
    union_all,
    update,
)

from core import accounts, events, words
from core import number as numbers
from core.audience import groups
from core.audience.archive import archive_numbers
from core.audience.contact import COLUMNS, FIELDS, Contact, of_row, tidy
from core.audience.own import own_row
from core.audience.search import is_number_like, spans, within_any
from core.blacklist import entries
from core.errors import Refused
from core.number import Number
from core.ranges import HIGHEST, LOOK, LOWEST, Columns, Page, Way, newest
from core.runtime import Tx
from core.schema import Id, contact_words, contacts, group_members

__all__ = [
    "FIELDS",
    "Contact",
    "Duplicates",
    "archive_numbers",
    "change",
    "create",
    "duplicates",
    "get",
    "page",
    "remove",
    "restore",
]

MOST_SHOWN: Final = 20  # contacts of one number on the page of duplicates
NEAR: Final = 1_000  # contacts that are looked at before anything else
LOOK_NUMBERS: Final = 100_000  # contacts that a page of duplicates looks at, in an index by itself

Ids = Select[Any] | CompoundSelect[Any]
Wanted = Callable[[Columns], Iterator[ColumnElement[bool]]]


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
    words.put(tx, contact_words, account_id, [(made.id, "", made.words())])
    groups.set_groups(tx, account_id, made.id, made.number, given.get("groups") or ())
    events.emit(tx, account_id, "contact.created", [made.fact()])
    return made


def get(tx: Tx, account_id: str, contact_id: str, *, lock: bool = False) -> Contact:
    """Archived or not. Refuses with `not_found`. Whoever changes it locks it first: its columns and its words are written as a whole."""
    return of_row(own_row(tx, contacts, account_id, contact_id, lock=lock))


def page(  # noqa: PLR0913 - what a list may be asked for
    tx: Tx,
    account_id: str,
    limit: int,
    after: str | None = None,
    *,
    q: str | None = None,
    group: str | None = None,
    archived: bool = False,
    number: int | None = None,
    email: str | None = None,
    few: int = words.FEW,
    look: int = LOOK,
) -> Page:
    """Newest first; `after` is the id after which it goes on, `q` words or the beginning of a number, `group` an id or a slug.
    `number` and `email` are the whole ones, the address in any case.

    The newest few fill most pages. Else up to `few` members, numbers or holders of a word are looked up; more are met soon enough on the
    way from the newest, of which a page looks at `look`.
    """
    sets: list[Ids] = [_members(tx, account_id, group)] if group else []
    asked = _asked(tx, account_id, (q or "").strip(), number, email)
    if asked is None:
        return Page((), None)
    parts, ranges = asked

    def wanted(of: Columns) -> Iterator[ColumnElement[bool]]:
        yield of.account_id == account_id
        yield of.archived_at.is_not(None) if archived else of.archived_at.is_(None)
        yield from (of.id.in_(ids) for ids in sets)
        yield words.hold(of.search, parts)
        if ranges is not None:
            yield within_any(of.number, ranges)
        if email:
            yield or_(of.email == email, func.lower(of.email) == email.lower())

    walk = partial(_walk, tx, account_id, limit, after, wanted, archived=archived)
    near = walk(look=min(look, NEAR))
    if len(near.rows) == limit or near.next_after is None:
        return near
    numbered = _numbered(account_id, ranges or ())
    holders = words.few(tx, contact_words, account_id, parts, few) if parts else None
    small: list[Ids] = [] if holders is None else [holders]
    if ranges is not None and _are_few(tx, numbered, few):
        small.append(numbered)
    if small or any(_are_few(tx, ids, few) for ids in sets):
        sets += small
        # Said so, the account is no reason to walk it.
        mine = func.coalesce(contacts.c.account_id, literal(LOWEST, Id())) == account_id
        looked_up = select(*COLUMNS).where(mine, *wanted(contacts.c), contacts.c.id < (after or HIGHEST))
        found = Page.of(tx.all(looked_up.order_by(contacts.c.id.desc()).limit(limit + 1)), limit)
        return Page([of_row(row) for row in found.rows], found.next_after)
    return walk(look=look)


def _asked(
    tx: Tx, account_id: str, q: str, number: int | None, email: str | None
) -> tuple[list[str], list[tuple[int, int]] | None] | None:
    """What the words must hold, and where the number must lie; None where nothing can be found."""
    parts: list[str] = []
    ranges: list[tuple[int, int]] | None = None
    if q and is_number_like(q):
        ranges = spans(q, accounts.get(tx, account_id).region)
    elif q and not (parts := words.asked(q)):
        return None
    if number is not None:
        around = [(number, number)] if ranges is None else ranges
        ranges = [(number, number)] if any(first <= number <= last for first, last in around) else []
    return [*parts, *words.asked(email or "")], ranges


def _walk(tx: Tx, account_id: str, limit: int, after: str | None, wanted: Wanted, *, archived: bool, look: int) -> Page:
    out = [contacts.c.archived_at.is_not(None)] if archived else []
    way: Way = [(contacts.c.account_id, account_id)]
    found = newest(tx, contacts, way, limit, wanted, inside=out, below=after, look=look)
    return Page([of_row(row) for row in found.rows], found.next_after)


def change(tx: Tx, account_id: str, contact_id: str, changes: Mapping[str, Any]) -> Contact:
    """Some fields anew: None clears one, `groups` replaces the memberships, a new `number` keeps them."""
    before = get(tx, account_id, contact_id, lock=True)
    fields: dict[str, Any] = {field: tidy(changes[field]) for field in FIELDS if field in changes}
    after = replace(before, **fields, updated_at=tx.now)
    if "number" in changes:
        number = _number(tx, account_id, changes["number"], unless=before.number)
        after = replace(after, number=number.value, country=number.country)
        _renumber(tx, after)
    if "groups" in changes:
        groups.set_groups(tx, account_id, after.id, after.number, changes["groups"] or ())
    tx.execute(update(contacts).where(contacts.c.id == after.id).values(**after.row()))
    words.put(tx, contact_words, account_id, [(after.id, before.words(), after.words())])
    return after


def remove(tx: Tx, account_id: str, contact_id: str) -> None:
    """Out of the book and its groups for good; messages and reports keep the number."""
    gone = get(tx, account_id, contact_id, lock=True)
    tx.execute(delete(group_members).where(group_members.c.contact_id == gone.id))
    words.put(tx, contact_words, account_id, [(gone.id, gone.words(), "")])
    tx.execute(delete(contacts).where(contacts.c.id == gone.id))


def restore(tx: Tx, account_id: str, contact_id: str) -> Contact:
    """Back into the book. Refuses with `opted_out` while the number is on the blacklist; one that is in the book stays as it is."""
    before = get(tx, account_id, contact_id, lock=True)
    if before.archived_at is None:
        return before
    _check_wanted(tx, account_id, before.number, "")
    after = replace(before, archived_at=None, archived_reason=None, updated_at=tx.now)
    tx.execute(update(contacts).where(contacts.c.id == after.id).values(**after.row()))
    return after


def duplicates(
    tx: Tx, account_id: str, limit: int, after: int = 0, *, look: int = LOOK_NUMBERS
) -> tuple[list[Duplicates], int | None]:
    """Numbers that several active contacts share, in their order, and the number after which the next page begins; None at the end.

    A page looks at `look` contacts, and at all with the last one's number: like lists, it may be short and go on nevertheless.
    """
    active = (contacts.c.account_id == account_id) & contacts.c.archived_at.is_(None) & (contacts.c.number > after)
    ordered = select(contacts.c.number).where(active).order_by(contacts.c.number)
    end = tx.scalar(ordered.offset(look - 1).limit(1))
    shared = (
        select(contacts.c.number, func.count().label("people"))
        .where(active if end is None else active & (contacts.c.number <= end))
        .group_by(contacts.c.number)
        .having(func.count() > 1)
        .order_by(contacts.c.number)
        .limit(limit + 1)
    )
    counts = {row.number: row.people for row in tx.all(shared)}
    if len(counts) > limit:
        counts.popitem()
        end = list(counts)[-1]
    people = _oldest(tx, active & tx.among(contacts.c.number, list(counts), BigInteger))
    return [Duplicates(number, count, people[number]) for number, count in counts.items()], end


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


def _members(tx: Tx, account_id: str, group: str) -> Select[Any]:
    [group_id] = groups.resolve(tx, account_id, [group], pointer="/group")
    return select(group_members.c.contact_id).where(group_members.c.group_id == group_id)


def _numbered(account_id: str, ranges: Sequence[tuple[int, int]]) -> CompoundSelect[Any]:
    """The ids of contacts whose numbers lie in these ranges, each range from the index."""
    mine = select(contacts.c.id).where(contacts.c.account_id == account_id).correlate(None)
    nobody = mine.where(false())
    return union_all(nobody, *(mine.where(contacts.c.number.between(first, last)) for first, last in ranges))


def _are_few(tx: Tx, ids: Ids, few: int) -> bool:
    some = ids.limit(few + 1).subquery()
    return int(tx.scalar(select(func.count()).select_from(some))) <= few
