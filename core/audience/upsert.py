"""A batch of an import's rows becomes contacts, or entries of the blacklist: judged first, then written, in a handful of statements.

A number that opted out or was archived is never brought back by a file: protecting people from files imported again and again is what
the blacklist is for. Judging reads only, so a dry run tells exactly what a real run would do.
"""

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sqlalchemy import Text, update

from core import events, words
from core.audience import groups
from core.audience.archive import locked
from core.audience.columns import Person, Wrong
from core.audience.contact import FIELDS, Contact
from core.blacklist import entries
from core.runtime import Tx
from core.schema import Id, contact_words, contacts

REASON: Final = "import"  # why a number that came in a file is on the blacklist


@dataclass(frozen=True, slots=True)
class Target:
    """Where an import puts its rows. `group_id` is None where there is no group, and in a dry run."""

    account_id: str
    group_id: str | None
    dry_run: bool


@dataclass(frozen=True, slots=True)
class Tally:
    """What became of some rows; each row is in exactly one of these."""

    created: int = 0
    updated: int = 0
    rejected: int = 0
    duplicates: int = 0


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be done with a batch, and what it comes to."""

    tally: Tally
    wrong: Sequence[Wrong] = ()
    new: Sequence[Person] = ()
    known: Sequence[tuple[Contact, Person]] = ()


@dataclass(slots=True)
class _Merged:
    """The rows of a batch with one number: what stands later fills in and overrides."""

    person: Person
    rows: list[Person] = field(default_factory=list)


def contacts_batch(tx: Tx, target: Target, people: Sequence[Person], seen: AbstractSet[int]) -> Verdict:
    """People into the book: new numbers are created, those of active contacts fill them in. `seen` are the numbers of rows before."""
    verdict = _judge_contacts(tx, target, _merge(people), seen)
    if not target.dry_run:
        made = _create(tx, target.account_id, verdict.new)
        _fill_in(tx, target.account_id, verdict.known)
        if target.group_id:
            members = [*made, *(contact for contact, _ in verdict.known)]
            groups.add_members(tx, target.group_id, [(contact.number, contact.id) for contact in members])
    return verdict


def blacklist_batch(tx: Tx, target: Target, people: Sequence[Person], seen: AbstractSet[int]) -> Verdict:
    """Numbers onto the account's blacklist; those that are there already count as updated, and stay as they are."""
    unseen = {person.number.value for person in people} - seen
    listed = entries.screen(tx, [target.account_id], unseen)
    fresh = unseen - listed
    if not target.dry_run:
        entries.add_many(tx, target.account_id, fresh, REASON, "import")
    tally = Tally(created=len(fresh), updated=len(listed), duplicates=len(people) - len(unseen))
    return Verdict(tally)


def _merge(people: Sequence[Person]) -> Mapping[int, _Merged]:
    merged: dict[int, _Merged] = {}
    for person in people:
        one = merged.setdefault(person.number.value, _Merged(person))
        if one.rows:
            one.person = replace(one.person, fields={**one.person.fields, **person.fields})
        one.rows.append(person)
    return merged


def _judge_contacts(tx: Tx, target: Target, merged: Mapping[int, _Merged], seen: AbstractSet[int]) -> Verdict:
    opted_out = entries.screen(tx, entries.scopes_of(tx, target.account_id), merged.keys())
    active, archived = _in_the_book(tx, target.account_id, merged)
    wrong: list[Wrong] = []
    new: list[Person] = []
    known: list[tuple[Contact, Person]] = []
    for number, one in merged.items():
        contact = active.get(number)
        if number in opted_out:
            wrong += _refuse(one, "This number opted out: it is on the blacklist.")
        elif contact is not None:
            known.append((contact, one.person))
        elif number in archived:
            wrong += _refuse(one, f"This contact is archived ({archived[number].archived_reason}): restore it first.")
        elif number not in seen:
            new.append(one.person)
    updated = sum(contact.number not in seen for contact, _ in known)
    taken = len(new) + updated
    rows = sum(len(one.rows) for one in merged.values())
    tally = Tally(created=len(new), updated=updated, rejected=len(wrong), duplicates=rows - len(wrong) - taken)
    return Verdict(tally, wrong, new, known)


def _refuse(one: _Merged, message: str) -> list[Wrong]:
    return [Wrong(row.place, "number", row.given, message) for row in one.rows]


def _in_the_book(
    tx: Tx, account_id: str, numbers: Collection[int]
) -> tuple[Mapping[int, Contact], Mapping[int, Contact]]:
    """Who has these numbers: the oldest active contact, and an archived one."""
    active: dict[int, Contact] = {}
    archived: dict[int, Contact] = {}
    for contact in locked(tx, contacts.c.account_id == account_id, numbers):
        (active if contact.archived_at is None else archived).setdefault(contact.number, contact)
    return active, archived


def _create(tx: Tx, account_id: str, people: Sequence[Person]) -> Sequence[Contact]:
    ids = tx.new_ids(len(people))
    made = [_born(tx, account_id, contact_id, person) for contact_id, person in zip(ids, people, strict=True)]
    if made:
        names = list(made[0].row())
        tx.insert(contacts, names, [list(contact.row().values()) for contact in made])
        words.put(tx, contact_words, account_id, [(contact.id, "", contact.words()) for contact in made])
        events.emit(tx, account_id, "contact.created", (contact.fact() for contact in made))
    return made


def _born(tx: Tx, account_id: str, contact_id: str, person: Person) -> Contact:
    said: dict[str, Any] = {name: person.fields.get(name) for name in FIELDS}
    number, country = person.number.value, person.number.country
    return Contact(
        contact_id,
        account_id,
        number,
        country,
        **said,
        source="import",
        created_at=tx.now,
        updated_at=tx.now,
        archived_at=None,
        archived_reason=None,
    )


def _fill_in(tx: Tx, account_id: str, known: Sequence[tuple[Contact, Person]]) -> None:
    """What a row says of a contact overrides; what it leaves empty stays."""
    filled = [replace(contact, **dict[str, Any](person.fields)) for contact, person in known]
    changed = [after for after, (before, _) in zip(filled, known, strict=True) if after != before]
    if not changed:
        return
    kinds = {"id": Id, **dict.fromkeys((*FIELDS, "search"), Text)}
    rows = [(one.id, *(getattr(one, name) for name in FIELDS), one.words()) for one in changed]
    said = tx.values("said", kinds, rows)
    new = {name: said.c[name] for name in (*FIELDS, "search")}
    tx.execute(update(contacts).where(contacts.c.id == said.c.id).values(**new, updated_at=tx.now))
    pairs = ((before, after) for after, (before, _) in zip(filled, known, strict=True) if after != before)
    words.put(tx, contact_words, account_id, [(after.id, before.words(), after.words()) for before, after in pairs])
