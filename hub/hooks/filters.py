"""Filters: which events of the types it named a hook wants. Pure.

    {"campaign_id": "<id>"}                     message.status, reply.received, campaign.finished of one campaign
    {"status": ["received", "rejected"]}        message.status of these statuses alone
    {"keyword": "oui"}                          reply.received that begins with this word, whatever its case and accents
    {"inbound_number": "36034"}                 reply.received at this code or number
    {"source": ["reply", "web"]}                optout.created and the like that came in these ways alone
    {"group_id": "<id>"}                        contact.created of contacts that are in this group

All have to match. A filter says nothing about types that do not have its field: those come as if it were not there.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from core import Refused, words

# filter -> event type -> the field of its data
FIELDS: Final[Mapping[str, Mapping[str, str]]] = {
    "campaign_id": {"message.status": "campaign_id", "reply.received": "campaign_id", "campaign.finished": "id"},
    "status": {"message.status": "status"},
    "keyword": {"reply.received": "text"},
    "inbound_number": {"reply.received": "to"},
    "source": {
        "message.status": "source",
        "campaign.finished": "source",
        "optout.created": "source",
        "optout.removed": "source",
        "contact.created": "source",
    },
    "group_id": {"contact.created": "groups"},
}


def check(filters: Mapping[str, Any], events: Sequence[str]) -> None:
    """Refuse (`invalid_filter`) one that could never matter to these events: it is a mistake."""
    for name in filters:
        if not set(FIELDS[name]) & set(events):
            detail = f"{name} filters {', '.join(FIELDS[name])}, and this hook wants none of them: add the event, or drop the filter."
            raise Refused.at(f"/filters/{name}", "invalid_filter", detail)
    if "keyword" in filters and not words.spaced(filters["keyword"]):
        raise Refused.at("/filters/keyword", "invalid_filter", "A keyword is a word: letters or digits.")


def _equals(wanted: Any, found: Any) -> bool:
    return found in wanted if isinstance(wanted, list) else found == wanted


def _holds(wanted: Any, found: Any) -> bool:
    return wanted in (found or ())


def _begins(wanted: Any, found: Any) -> bool:
    return f"{words.spaced(found)} ".startswith(f"{words.spaced(wanted)} ")


_PASSES: Final[Mapping[str, Callable[[Any, Any], bool]]] = {"keyword": _begins, "group_id": _holds}


def matches(filters: Mapping[str, Any], kind: str, data: Mapping[str, Any]) -> bool:
    """Whether an event passes; a list means any of its values."""
    return all(
        _PASSES.get(name, _equals)(wanted, data.get(FIELDS[name][kind]))
        for name, wanted in filters.items()
        if kind in FIELDS[name]
    )
