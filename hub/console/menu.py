"""The bar at the top of every page: what there is for the role of whoever is signed in."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hub.people.roles import OF_ACCOUNTS, OPERATOR, OWNER
from hub.people.sessions import Person


@dataclass(frozen=True, slots=True)
class Item:
    """A page in the bar: its path, the key of its name in the words, and the roles that see it."""

    path: str
    key: str
    roles: Sequence[str] = (*OF_ACCOUNTS, OPERATOR)


ITEMS: Final = (
    Item("/console/", "menu.home"),
    Item("/console/people", "menu.people", (OWNER, OPERATOR)),
    Item("/console/connectors", "menu.connectors", (OWNER,)),
    Item("/console/apps", "menu.apps", OF_ACCOUNTS),
)


def of(person: Person | None) -> list[Item]:
    """What this person sees; nothing before they have signed in."""
    return [item for item in ITEMS if person is not None and person.role in item.roles]
