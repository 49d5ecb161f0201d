"""Long-lived connections and servers of connectors: which there are, and one turn of one, which lasts until it is told to end."""

import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import structlog

from connectors.contract import Connector, Listener, Tools
from hub.installations.contained import contained
from hub.installations.tools import Lender

log = structlog.get_logger()


class Ended(Exception):  # noqa: N818 - what it did
    """A listener came to its end and nobody had told it to."""


@dataclass(frozen=True, slots=True)
class Ear:
    """One listener in one process. `run` is its turn; `end` tells it to come to its end."""

    lender: Lender
    connector: Connector
    listener: Listener
    stop: threading.Event = field(default_factory=threading.Event)

    @property
    def name(self) -> str:
        return f"{self.connector.name}-{self.listener.name}"

    def run(self) -> None:
        """Listen until it is told to end. Raises Ended where it ends before, and whatever it raises."""
        with contained():
            self.listener.run(self.lender.visit(self.connector), self.stop)
        if not self.stop.is_set():
            raise Ended(self.name)

    def end(self) -> None:
        self.stop.set()


def ears(lender: Lender) -> Iterator[Ear]:
    """A new ear for every listener that has something to listen to."""
    for connector in lender.book.registry.connectors:
        for listener in connector.listeners:
            if _says(listener.wanted, lender, connector, listener):
                yield Ear(lender, connector, listener)


def missed(lender: Lender) -> Sequence[str]:
    """The names of the ears without which something stands still just now."""
    return [
        ear.name
        for ear in ears(lender)
        if ear.listener.missed is None or _says(ear.listener.missed, lender, ear.connector, ear.listener)
    ]


def _says(asked: Callable[[Tools], bool], lender: Lender, connector: Connector, listener: Listener) -> bool:
    """One that can't say is run, and missed: it fails then, where that is seen."""
    try:
        return asked(lender.tools(connector))
    except Exception:
        log.exception("listener.wanted_failed", connector=connector.name, listener=listener.name)
        return True
