"""Which carrier a message goes to: the operator's routes by country and purpose, chosen when the message is queued."""

import json
from typing import Final

from sqlalchemy import select

from core.errors import Refused
from core.runtime import Tx
from core.schema import routes

ANY: Final = "*"


class Router:
    """The routes as one transaction sees them, read once."""

    def __init__(self, tx: Tx) -> None:
        self._routes = {(row.country, row.purpose): json.loads(row.carriers) for row in tx.all(select(routes))}
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
