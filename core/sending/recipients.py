"""Whom a campaign goes to: explicit recipients and groups, walked together in the order of their numbers.

In that order duplicates are neighbours, the place reached is one number, and a page costs the same however large the group is. A
quote and a campaign walk the same pages.
"""

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import starmap
from typing import Any, Final, NamedTuple

from sqlalchemy import FromClause, Row, select

from core import number
from core.errors import Fault, Refused
from core.runtime import Tx
from core.schema import campaign_recipients, contacts, group_members, groups

PAGE: Final = 5_000
DUPLICATE: Final = "duplicate"


class Recipient(NamedTuple):
    """One person to be texted: a number, and what its text may be merged with. A tuple: it is made a million times."""

    number: int
    country: str
    contact_id: str | None = None
    nom: str | None = None
    prenom: str | None = None
    email: str | None = None
    societe: str | None = None


FIELDS: Final = tuple(Recipient.__annotations__)


@dataclass(frozen=True, slots=True)
class Drop:
    """One that became no message: what was given, and why not."""

    given: str
    reason: str
    detail: str


@dataclass(frozen=True, slots=True)
class Page:
    """Some recipients, each number once; `position` is the last number they cover, None when there are no more after them."""

    recipients: Sequence[Recipient]
    drops: Sequence[Drop]
    position: int | None


Source = Callable[[int, int], Sequence[Recipient]]  # (after this number, at most this many) -> in number order


def read(given: Sequence[Mapping[str, Any]], region: str) -> tuple[list[Recipient], list[Drop]]:
    """Explicit recipients of a draft: each number once, in number order; the first of duplicates stays."""
    found: dict[int, Recipient] = {}
    drops: list[Drop] = []
    for one in given:
        to = str(one["to"])
        try:
            parsed = number.parse(to, region)
        except Refused as refusal:
            drops.append(Drop(to, refusal.code, refusal.detail))
            continue
        if parsed.value in found:
            drops.append(replace(duplicate(parsed.value), given=to))
            continue
        fields = {name: one.get(name) or None for name in ("nom", "prenom", "email", "societe")}
        found[parsed.value] = Recipient(parsed.value, parsed.country, one.get("contact_id"), **fields)
    return [found[key] for key in sorted(found)], drops


def duplicate(value: int) -> Drop:
    """The drop of a number that is there already."""
    return Drop(f"+{value}", DUPLICATE, "This number is there already: it is texted and charged once.")


def of_contacts(tx: Tx, account_id: str, ids: Sequence[str]) -> list[Mapping[str, Any]]:
    """The account's contacts as explicit recipients. Refuses ids that are not its own."""
    columns = (
        contacts.c.id,
        contacts.c.number,
        contacts.c.nom,
        contacts.c.prenom,
        contacts.c.email,
        contacts.c.societe,
    )
    mine = select(*columns).where(contacts.c.account_id == account_id, contacts.c.archived_at.is_(None))
    rows = {row.id: row for row in tx.all(mine.where(tx.among(contacts.c.id, ids)))}
    faults = tuple(Fault(f"/contacts/{place}", "no such contact") for place, id_ in enumerate(ids) if id_ not in rows)
    if faults:
        raise Refused("unknown_contact", "Some of these contacts do not exist, or are archived.", faults)
    return [_as_given(rows[id_]) for id_ in ids]


def _as_given(row: Row[Any]) -> Mapping[str, Any]:
    shown = {"nom": row.nom, "prenom": row.prenom, "email": row.email, "societe": row.societe}
    return {"to": f"+{row.number}", "contact_id": row.id, **shown}


def check_groups(tx: Tx, account_id: str, ids: Sequence[str]) -> None:
    """Refuses ids of groups that are not the account's own."""
    known = {
        row.id
        for row in tx.all(select(groups.c.id).where(groups.c.account_id == account_id, tx.among(groups.c.id, ids)))
    }
    faults = tuple(Fault(f"/groups/{place}", "no such group") for place, id_ in enumerate(ids) if id_ not in known)
    if faults:
        raise Refused("unknown_group", "Some of these groups do not exist.", faults)


def listed(explicit: Sequence[Recipient]) -> Source:
    """A source out of recipients in memory, in number order."""
    numbers = [recipient.number for recipient in explicit]

    def page(after: int, limit: int) -> Sequence[Recipient]:
        start = bisect_right(numbers, after)
        return explicit[start : start + limit]

    return page


def stored(tx: Tx, campaign_id: str) -> Source:
    """The explicit recipients of an accepted campaign."""

    def page(after: int, limit: int) -> Sequence[Recipient]:
        columns = [campaign_recipients.c[name] for name in FIELDS]
        mine = select(*columns).where(
            campaign_recipients.c.campaign_id == campaign_id, campaign_recipients.c.number > after
        )
        return list(starmap(Recipient, tx.tuples(mine.order_by(campaign_recipients.c.number).limit(limit))))

    return page


def in_group(tx: Tx, group_id: str) -> Source:
    """The members of a group as they are now, without those that left the address book."""
    people = _book(tx, group_id)
    person = (people.c.nom, people.c.prenom, people.c.email, people.c.societe)
    columns = (group_members.c.number, people.c.country, group_members.c.contact_id, *person)
    joined = select(*columns).join(people, people.c.id == group_members.c.contact_id)
    active = joined.where(group_members.c.group_id == group_id, people.c.archived_at.is_(None))

    def page(after: int, limit: int) -> Sequence[Recipient]:
        following = active.where(group_members.c.number > after)
        ordered = following.order_by(group_members.c.number, group_members.c.contact_id)
        return list(starmap(Recipient, tx.tuples(ordered.limit(limit))))

    return page


def _book(tx: Tx, group_id: str) -> FromClause:
    """Where the people of a group are looked up.

    On PostgreSQL by their numbers, which come in order, so that one lookup finds its pages where the last one left them: half the
    work of finding each id somewhere in an index of millions. OFFSET keeps the planner from choosing the ids all the same.
    """
    if not tx.postgresql:
        return contacts
    owner = select(groups.c.account_id).where(groups.c.id == group_id).scalar_subquery()
    same = select(contacts).where(contacts.c.account_id == owner, contacts.c.number == group_members.c.number)
    return same.correlate(group_members).offset(0).lateral("people")


def walk(sources: Sequence[Source], after: int, size: int = PAGE) -> Page:
    """The next page of all sources together: numbers above `after`, each once. Sources come in order of precedence."""
    found = [(rank, source(after, size)) for rank, source in enumerate(sources)]
    full = [rows[-1].number for _, rows in found if len(rows) >= size]
    cut = min(full) - 1 if full else None
    if cut is not None and all(rows[0].number > cut for _, rows in found if rows):
        return walk(sources, after, size * 2)  # one number fills a whole page: read on until it ends
    whole = [rows for _, rows in found if rows]
    if len(whole) == 1 and (alone := _alone(whole[0], cut)) is not None:
        return Page(alone, [], cut)
    return _together(found, cut)


def _alone(rows: Sequence[Recipient], cut: int | None) -> Sequence[Recipient] | None:
    """The page of a single source: all of it up to the cut, unless a number stands there twice."""
    numbers = [row.number for row in rows]
    if len(set(numbers)) != len(numbers):
        return None
    return rows if cut is None else rows[: bisect_right(numbers, cut)]


def _together(found: Sequence[tuple[int, Sequence[Recipient]]], cut: int | None) -> Page:
    """The page of several sources: whoever comes first has the number."""
    merged = sorted((row.number, rank, place, row) for rank, rows in found for place, row in enumerate(rows))
    recipients: list[Recipient] = []
    drops: list[Drop] = []
    people: set[str | None] = set()
    for value, _, _, row in merged:
        if cut is not None and value > cut:
            break
        if recipients and recipients[-1].number == value:
            if row.contact_id is None or row.contact_id not in people:
                drops.append(duplicate(value))
        else:
            recipients.append(row)
            people = set()
        people.add(row.contact_id)
    return Page(recipients, drops, cut)
