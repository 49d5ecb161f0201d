"""Which carrier a message goes to: the operator's routes by country and purpose, chosen when the message is queued."""

import json
from collections.abc import Sequence
from typing import Final

from sqlalchemy import select

from core.errors import Refused
from core.runtime import Tx
from core.schema import routes
from core.sending.terms import PURPOSES

ANY: Final = "*"
_ROUTES: Final = select(routes)


def listed(tx: Tx) -> dict[tuple[str, str], list[str]]:
    """The operator's routes: carriers in order, by (country, purpose)."""
    return {(row.country, row.purpose): json.loads(row.carriers) for row in tx.all(_ROUTES)}


def set_route(tx: Tx, country: str, purpose: str, carriers: Sequence[str]) -> None:
    """Route a country and a purpose (ANY for all) through these carriers, in order, from now on. Refuses an unknown purpose."""
    if purpose not in (ANY, *PURPOSES):
        raise Refused.at("/purpose", "purpose_forbidden", f"purpose must be {ANY} or one of {', '.join(PURPOSES)}.")
    named = json.dumps(list(carriers))
    row = tx.upsert(routes).values(country=country, purpose=purpose, carriers=named)
    tx.execute(row.on_conflict_do_update(index_elements=["country", "purpose"], set_={"carriers": named}))


class Router:
    """The routes as one transaction sees them, read once."""

    def __init__(self, tx: Tx) -> None:
        self._routes = listed(tx)
        self._carriers = tx.carriers
        self._picked: dict[tuple[str, str], str] = {}

    def pick(self, country: str, purpose: str) -> str:
        """The carrier's name: the first of the most particular route that is configured, else the first carrier there is."""
        key = (country, purpose)
        if key not in self._picked:
            self._picked[key] = self._choose(country, purpose)
        return self._picked[key]

    def _choose(self, country: str, purpose: str) -> str:
        for key in ((country, purpose), (country, ANY), (ANY, purpose), (ANY, ANY)):
            for name in self._routes.get(key, ()):
                if name in self._carriers:
                    return str(name)
        if not self._carriers:
            raise Refused("no_carrier", "The hub has no carrier: the operator must configure one.")
        return next(iter(self._carriers))
