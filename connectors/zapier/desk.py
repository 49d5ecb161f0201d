"""Asking the hub, on behalf of whoever connected their account to Zapier."""

from dataclasses import dataclass
from typing import Any, Final

from connectors.contract import Visit
from core import Refused

LONGEST_WALK: Final = 20  # pages of a list that are looked at for one item


@dataclass(frozen=True, slots=True)
class Desk:
    """The operations of the hub, with the rights of the caller of a visit."""

    visit: Visit

    def ask(self, name: str, body: Any = None, *, key: str | None = None, query: Any = None, **path: str) -> Any:
        """Have an operation carried out; the JSON of its answer. Raises Refused."""
        catalogue = self.visit.tools.catalogue
        return catalogue.perform(self.visit.known, name, body, key=key, query=query, **path).body

    def first(self, operation: str, /, **query: Any) -> Any | None:
        """The first item of a list, None where there is none. A page of some lists may be empty and go on nevertheless."""
        asked = {wanted: value for wanted, value in query.items() if value is not None} | {"limit": 1}
        cursor = None
        for _ in range(LONGEST_WALK):
            page = self.ask(operation, query=asked | ({"cursor": cursor} if cursor else {}))
            cursor = page["next_cursor"]
            if page["items"] or cursor is None:
                return page["items"][0] if page["items"] else None
        return None

    def zone(self) -> str:
        """The name of the account's zone."""
        return str(self.ask("read_me")["timezone"])

    def contact(self, number: str) -> Any:
        """The account's contact with this number. Refuses (`unknown_contact`) where there is none."""
        found = self.first("list_contacts", number=number)
        if found is None:
            raise Refused.at(
                "/number", "unknown_contact", "No contact has this number: add it first, with Create Contact."
            )
        return found
