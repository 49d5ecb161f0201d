"""What the editor offers instead of ids: pages of {id, name}, in Zapier's form of hidden triggers that are polled.

Zapier counts pages from 0; the hub's lists go on from cursors. A page is reached by walking to it: few people turn many.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from connectors.zapier.desk import Desk

PAGE: Final = 100
MOST_PAGES: Final = 50

Name = Callable[[Mapping[str, Any]], str]


@dataclass(frozen=True, slots=True)
class Dropdown:
    """A list of the hub, by the name of its operation; `id` is the field that stands for the item."""

    key: str
    noun: str
    operation: str
    name: Name = lambda item: str(item["name"])
    id: str = "id"
    query: Mapping[str, Any] = field(default_factory=dict)


def page(desk: Desk, dropdown: Dropdown, number: int) -> list[dict[str, str]]:
    """The items of a page; none beyond the last."""
    cursor: str | None = None
    for _ in range(min(number, MOST_PAGES)):
        cursor = _asked(desk, dropdown, cursor)["next_cursor"]
        if cursor is None:
            return []
    if number > MOST_PAGES:
        return []
    items = _asked(desk, dropdown, cursor)["items"]
    return [{"id": item[dropdown.id], "name": dropdown.name(item)} for item in items]


def _asked(desk: Desk, dropdown: Dropdown, cursor: str | None) -> Any:
    more = {"cursor": cursor} if cursor else {}
    return desk.ask(dropdown.operation, query={"limit": PAGE, **dropdown.query, **more})


def _person(contact: Mapping[str, Any]) -> str:
    name = " ".join(part for part in (contact["prenom"], contact["nom"]) if part)
    return f"{name} ({contact['number']})" if name else str(contact["number"])


def _sender(sender: Mapping[str, Any]) -> str:
    return f"{sender['sender']} (takes replies)" if sender["takes_replies"] else str(sender["sender"])


DROPDOWNS: Final[Mapping[str, Dropdown]] = {
    dropdown.key: dropdown
    for dropdown in (
        Dropdown("list_group", "Group", "list_groups"),
        Dropdown("list_campaign", "Campaign", "list_campaigns"),
        Dropdown("list_template", "Template", "list_templates"),
        Dropdown("list_contact", "Contact", "list_contacts", _person),
        Dropdown("list_sender", "Sender", "list_senders", _sender, "sender"),
        Dropdown("list_inbound_number", "Number", "list_inbound_numbers", lambda item: str(item["number"]), "number"),
        Dropdown(
            "list_scheduled_message",
            "Scheduled Message",
            "list_messages",
            lambda item: f"{item['to']} at {item['send_at']}",
            query={"status": "scheduled"},
        ),
    )
}
