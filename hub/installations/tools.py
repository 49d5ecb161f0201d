"""What is lent to connectors: their installations, guarded HTTP, tokens of third parties, what the operator set for them."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

from connectors.contract import Answer, Catalogue, Connector, Http, Installation, Post, Tokens, Tools, Visit
from core import Caller, Refused, Runtime
from hub.api.perform import Performer
from hub.installations.book import Book
from hub.outbound import Outbound
from hub.settings import Settings

PAGE: Final = 200
# What the built-in ones find among the settings of the hub, where no option of their own says it.
_OF_THE_HUB: Final[Mapping[str, tuple[str, ...]]] = {
    "adobe": ("smpp_listen",),
    "eloqua": ("eloqua_client_id", "eloqua_client_secret"),
    "mail2sms": ("smtp_listen", "dns"),
}


@dataclass(frozen=True, slots=True)
class Installed:
    """The installations of one connector (`connectors.contract.Installations`)."""

    connector: Connector
    runtime: Runtime
    book: Book

    def get(self, installation_id: str) -> Installation:
        with self.runtime.read() as tx:
            return self.book.of_connector(tx, self.connector.name, installation_id)

    def of_account(self, account_id: str) -> Installation | None:
        with self.runtime.read() as tx:
            return self.book.of_account(tx, account_id, self.connector.name)

    def every(self) -> Iterator[Installation]:
        after = None
        while True:
            with self.runtime.read() as tx:
                found = self.book.every(tx, self.connector.name, PAGE, after)
            yield from found
            if len(found) < PAGE:
                return
            after = found[-1].id

    def caller(self, installation: Installation, user: str | None = None) -> Caller:
        actor = f"{self.connector.name}:{installation.id}"
        return Caller(installation.account_id, self.connector.scopes, self.connector.name, actor, user)

    def install(self, account_id: str, settings: Mapping[str, Any]) -> Installation:
        with self.runtime.begin() as tx:
            return self.book.create(tx, account_id, self.connector, settings, self.connector.name)

    def change(self, installation: Installation, changes: Mapping[str, Any]) -> Installation:
        with self.runtime.begin() as tx:
            return self.book.change(tx, installation.account_id, installation.id, changes, self.connector.name)

    def remove(self, installation: Installation) -> None:
        with self.runtime.begin() as tx:
            try:
                self.book.remove(tx, installation.account_id, installation.id, self.connector.name)
            except Refused as refusal:
                if refusal.code != "not_found":
                    raise


def http(outbound: Outbound) -> Http:
    """The one way out, as connectors use it."""

    def send(
        method: str,
        url: str,
        headers: Mapping[str, str] | None = None,
        body: bytes = b"",
        *,
        most_bytes: int | None = None,
    ) -> Answer:
        way = outbound if most_bytes is None else replace(outbound, most_bytes=most_bytes)
        found = way.send(method, url, headers or {}, body)
        return Answer(found.status, found.headers, found.body, found.whole)

    return send


@dataclass(frozen=True, slots=True)
class Lender:
    """Lends to each connector what is its own. One for each process. performer: carries out what they and REST are asked for."""

    runtime: Runtime
    settings: Settings
    book: Book
    performer: Performer
    catalogue: Catalogue
    http: Http
    tokens: Tokens
    post: Post

    def tools(self, connector: Connector) -> Tools:
        """The tools of a connector."""
        installed = Installed(connector, self.runtime, self.book)
        options = options_of(self.settings, connector.name)
        return Tools(self.settings.public_url, self.catalogue, installed, self.http, self.tokens, self.post, options)

    def visit(self, connector: Connector, installation: Installation | None = None) -> Visit:
        """A visit that no request is behind."""
        return Visit(self.runtime, self.tools(connector), installation=installation)


def options_of(settings: Settings, connector: str) -> Mapping[str, Any]:
    """What the operator set for a connector, by the name of the option."""
    prefix = f"{connector}_"
    own = {name.removeprefix(prefix): text for name, text in settings.options.items() if name.startswith(prefix)}
    return {name: getattr(settings, name) for name in _OF_THE_HUB.get(connector, ())} | own
