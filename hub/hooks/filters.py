"""Filters: which events of the types it named a hook wants. Pure.

    {"campaign_id": "<id>"}                     message.status, reply.received, campaign.finished of one campaign
    {"status": ["received", "rejected"]}        message.status of these statuses alone

All have to match. A filter says nothing about types that do not have its field: those come as if it were not there.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from core import Refused

# filter -> event type -> the field of its data
FIELDS: Final[Mapping[str, Mapping[str, str]]] = {
    "campaign_id": {"message.status": "campaign_id", "reply.received": "campaign_id", "campaign.finished": "id"},
    "status": {"message.status": "status"},
}


def check(filters: Mapping[str, Any], events: Sequence[str]) -> None:
    """Refuse (`invalid_filter`) one that could never matter to these events: it is a mistake."""
    for name in filters:
        if not set(FIELDS[name]) & set(events):
            detail = f"{name} filters {', '.join(FIELDS[name])}, and this hook wants none of them: add the event, or drop the filter."
            raise Refused.at(f"/filters/{name}", "invalid_filter", detail)


def matches(filters: Mapping[str, Any], kind: str, data: Mapping[str, Any]) -> bool:
    """Whether an event passes; a list means any of its values."""
    return all(
        _passes(wanted, data.get(FIELDS[name][kind])) for name, wanted in filters.items() if kind in FIELDS[name]
    )


def _passes(wanted: Any, found: object) -> bool:
    return found in wanted if isinstance(wanted, list) else found == wanted
