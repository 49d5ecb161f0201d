"""/tariffs: what a segment costs, by country and purpose."""

from collections.abc import Iterable, Iterator
from typing import Any, Final

from connectors.contract import Call, Listed, Operation, Reply
from core import Refused, Tx, tariff
from hub.api.show import credits_of

PURPOSES: Final = ("marketing", "notification", "otp")


def list_tariffs(call: Call, tx: Tx) -> Reply:
    purpose, channel = call.query.get("purpose"), call.query.get("channel")
    if purpose and channel and purpose != channel:
        raise Refused.at("/channel", "invalid_request", "channel is another word for purpose: give one of them.")
    wanted = purpose or channel
    rows = _rows(tx.rules.tariff, call.query.get("country"), (wanted,) if wanted else PURPOSES)
    after = call.page.after
    page = [row for row in rows if after is None or _place(row) > after][: call.page.limit + 1]
    shown = page[: call.page.limit]
    return Reply(Listed(shown, _place(shown[-1]) if len(page) > len(shown) else None))


def _rows(prices: tariff.Tariff, country: str | None, purposes: Iterable[str]) -> Iterator[dict[str, Any]]:
    """The price that holds for each country and purpose, in order; what has none is not there."""
    for each in sorted({known for known, _ in prices.prices if country in (None, known)}):
        for purpose in purposes:
            if (price := prices.price(each, purpose)) is not None:
                yield {"country": each, "purpose": purpose, "credits": credits_of(price)}


def _place(row: dict[str, Any]) -> str:
    return f"{row['country']}/{row['purpose']}"


_PURPOSE: Final = {"type": "string", "enum": list(PURPOSES)}

OPERATIONS: Final = (
    Operation(
        name="list_tariffs",
        method="GET",
        path="/tariffs",
        scope=None,
        tag="Credits",
        summary="What a segment costs",
        description="The country is the number's, wherever the phone is. A country that is not listed can't be sent to.",
        handler=list_tariffs,
        transaction="read",
        paged=True,
        query={
            "country": {
                "type": "string",
                "pattern": "^[A-Z]{2}$",
                "description": "ISO 3166-1 alpha-2.",
                "examples": ["FR"],
            },
            "purpose": _PURPOSE,
            "channel": {**_PURPOSE, "description": "Another word for `purpose`."},
        },
        answers={200: {"$ref": "#/components/schemas/Tariff"}},
    ),
)
