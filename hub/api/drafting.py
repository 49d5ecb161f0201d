"""A message as it is asked for (schemas/MessageDraft.json), made the engine's draft."""

from collections.abc import Mapping
from typing import Any, Final

from core import Refused, drafts
from hub.api import guard, schemas
from hub.api.show import read_time

SCHEMA: Final = schemas.resolved({"$ref": "#/components/schemas/MessageDraft"})
_check: Final = schemas.check_of(SCHEMA)
_prune: Final = guard.pruner(SCHEMA)


def read(given: Any) -> drafts.Draft | Refused:
    """One draft out of JSON that nobody has looked at yet, which it changes; or why it is none."""
    try:
        if _prune is not None:
            _prune(given)
        _check(given)
        return draft_of(given)
    except Refused as refusal:
        return refusal


def draft_of(body: Mapping[str, Any]) -> drafts.Draft:
    """The engine's draft out of a request that fits the schema."""
    return drafts.Draft(**fields_of(body))


def fields_of(body: Mapping[str, Any]) -> dict[str, Any]:
    """A draft's fields, or some of them, as the engine has them."""
    given = dict(body)
    if "shorten_links" in given:
        refuse_links(given)
        del given["shorten_links"]
    if "send_at" in given:
        given["send_at"] = read_time(given["send_at"], "/send_at")
    return given


def refuse_links(body: Mapping[str, Any]) -> None:
    """Links can't be shortened yet, and pretending would be a lie."""
    if body.get("shorten_links"):
        raise Refused.at(
            "/shorten_links", "not_enabled", "Links are not shortened yet: leave shorten_links out, or false."
        )
