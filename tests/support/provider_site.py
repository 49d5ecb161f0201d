"""The hub of `tests.support.provider`, listening on 127.0.0.1 for clients that we did not write."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hub.roles.web import WebServer, bound
from tests.support.pages import PASSWORD
from tests.support.provider import ANN, Provider
from tests.support.zapier_platform import Person


@dataclass(frozen=True, slots=True)
class Site:
    """A hub, where it listens, and Ann with a browser of her own."""

    hub: Provider
    base: str

    @property
    def ann(self) -> Person:
        return Person(self.base, ANN, PASSWORD)


@contextmanager
def listening(database_url: str, folder: Path) -> Iterator[Site]:
    """One for the length of a `with`."""
    place = bound("127.0.0.1", 0)
    base = f"http://127.0.0.1:{place.getsockname()[1]}"
    hub = Provider(database_url, folder, SMSHUB_PUBLIC_URL=base)
    server = WebServer(hub.app, place)
    server.start()
    try:
        yield Site(hub, base)
    finally:
        server.stop(5)
        hub.close()
