"""People to text: contacts in a stored group, and a blacklist, written as fast as the database takes them."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Final

from core.runtime import Runtime
from core.schema import blacklist, contacts, group_members, groups
from core.words import spaced
from tests.bench.past import FIRST_NAMES, NAMES

FIRST: Final = 33_600_000_000
ELSEWHERE: Final = 33_700_000_000  # numbers of nobody in the group
ONE_IN: Final = 50  # of the group is on the blacklist
AT_ONCE: Final = 20_000
COLUMNS: Final = (
    "id",
    "account_id",
    "number",
    "country",
    "nom",
    "prenom",
    "email",
    "search",
    "source",
    "created_at",
    "updated_at",
)


def number(place: int) -> int:
    """Numbers that are all reached: none ends in what the simulator reads as an ending."""
    return FIRST + 100 * (place // 80) + 20 + place % 80


def gather(runtime: Runtime, account_id: str, count: int) -> str:
    """A group of so many new contacts of the account; its id."""
    with runtime.begin() as tx:
        group_id, now = tx.new_id(), tx.now
        name = f"{count} people"
        tx.execute(groups.insert().values(id=group_id, account_id=account_id, name=name, slug=group_id, created_at=now))
    for places in _portions(count):
        with runtime.begin() as tx:
            ids = tx.new_ids(len(places))
            rows = [_contact(id_, account_id, place, now) for id_, place in zip(ids, places, strict=True)]
            tx.insert(contacts, COLUMNS, rows)
            members = [(group_id, number(place), id_) for id_, place in zip(ids, places, strict=True)]
            tx.insert(group_members, ("group_id", "number", "contact_id"), members)
    return group_id


def stop(runtime: Runtime, account_id: str, count: int) -> None:
    """So many numbers opted out of the account: one in ONE_IN of those that a group of as many has, and strangers."""
    with runtime.read() as tx:
        now = tx.now
    for places in _portions(count):
        numbers = [number(place) if place % ONE_IN == 0 else ELSEWHERE + place for place in places]
        with runtime.begin() as tx:
            rows = [(account_id, value, "STOP", "reply", now) for value in numbers]
            tx.insert(blacklist, ("scope", "number", "reason", "source", "created_at"), rows)


def texted(count: int) -> int:
    """How many of a group are not on the blacklist."""
    return count - len(range(0, count, ONE_IN))


def _contact(id_: str, account_id: str, place: int, now: int) -> tuple[Any, ...]:
    nom, prenom = NAMES[place % len(NAMES)], FIRST_NAMES[place // 7 % len(FIRST_NAMES)]
    email = f"{place}@example.test"
    return (
        id_,
        account_id,
        number(place),
        "FR",
        nom,
        prenom,
        email,
        spaced(nom, prenom, email),
        "import",
        now,
        now,
    )


def _portions(count: int) -> Iterator[list[int]]:
    places = iter(range(count))
    while portion := list(islice(places, AT_ONCE)):
        yield portion
