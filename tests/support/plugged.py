"""The engine with connectors plugged in: composed as the hub composes them, on a clock that a test moves."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from werkzeug.test import Client, TestResponse

from connectors.contract import Connector, Installation, Visit
from core import Account, Caller, accounts, jobs
from hub import database, mail, secrets
from hub.app import create_app
from hub.connections import book as connections
from hub.connections.store import Store
from hub.guard import Guard
from hub.hooks import queue
from hub.hooks.relay import relay
from hub.hooks.triggers import TRIGGERS
from hub.installations import pages, sinks, tasks
from hub.installations.book import Book
from hub.outbound import Outbound
from hub.people import passwords
from hub.registry import Registry
from hub.wiring import lent
from tests.support import web
from tests.support.browser import Browser
from tests.support.engine import Engine
from tests.support.pages import PASSWORD
from tests.support.serving import stamp

KEYS = secrets.keys_from(["a secret of the operator, for tests"])


class Plugged:
    """An engine, its web application, and these connectors with their tables."""

    def __init__(
        self, url: str, folder: Path, *connectors: Connector, guard: Guard | None = None, **options: str
    ) -> None:
        self.engine = Engine(url, folder)
        self.runtime = self.engine.runtime
        self.registry = Registry(connectors)
        if self.registry.branches:
            stamp(url)
            database.upgrade(url, self.registry.branches)
        self.book = Book(self.registry, KEYS, connections.forget)
        self.settings = web.settings(SMSHUB_DATA=str(folder), **options)
        outbound = Outbound(guard or Guard(), seconds=2)
        tokens = Store(self.runtime, KEYS, outbound)
        post = mail.of(self.settings, self.runtime.clock, self.runtime.ids.new).post
        self.lender, self.checkup, self.operations = lent(
            self.runtime, self.settings, self.book, outbound, tokens, post
        )
        drawn = pages.routes(self.book, self.checkup.of, self.lender.catalogue)
        self.app = create_app(self.runtime, self.settings, self.operations, lender=self.lender, more_pages=drawn)

    def close(self) -> None:
        for connector in self.registry.connectors:
            for table in connector.tables:
                table.metadata.drop_all(self.runtime.database.engine)
        self.engine.close()

    # What people and peers do

    def visitor(self, name: str = "alice", **options: Any) -> web.Visitor:
        """A new account with a key, and credits."""
        return web.visitor(self.runtime, self.app, name, **({"millicredits": 100_000} | options))

    def signed_in(self, account_id: str, role: str = "owner", language: str = "en") -> Browser:
        """A browser in which somebody of this account has just signed in."""
        email = f"{role}@{account_id}.example"
        with self.runtime.begin() as tx:
            accounts.create_user(tx, account_id, email, role, passwords.hashed(PASSWORD), "test")
        browser = Browser(self.app, language)
        browser.open("/console/sign-in")
        browser.send(email=email, password=PASSWORD)
        assert browser.path == "/console/", browser.page.said
        return browser

    def account(self, visitor: web.Visitor) -> Account:
        with self.runtime.read() as tx:
            return accounts.get(tx, visitor.account_id)

    def install(self, account_id: str, connector: Connector, settings: Mapping[str, Any]) -> Installation:
        with self.runtime.begin() as tx:
            return self.book.create(tx, account_id, connector, settings, "test")

    def installed(self, account_id: str, connector: Connector, settings: Mapping[str, Any]) -> Installation:
        """The account's installation, made where there is none."""
        with self.runtime.read() as tx:
            found = self.book.of_account(tx, account_id, connector.name)
        return found or self.install(account_id, connector, settings)

    def ask(self, method: str, path: str, **options: Any) -> TestResponse:
        """A request without a key to an address below /connectors, through a proxy of the operator's."""
        options.setdefault("environ_overrides", {"REMOTE_ADDR": "127.0.0.1"})
        return Client(self.app, use_cookies=False).open(f"/connectors{path}", method=method, **options)

    def visit(self, connector: Connector, installation: Installation | None = None) -> Visit:
        """A visit; as a caller with the connector's scopes where it has no installation."""
        return self.lender.visit(connector, installation)

    def visit_of(self, connector: Connector, account_id: str) -> Visit:
        """A visit that acts for an account."""
        caller = Caller(account_id, connector.scopes, connector.name, "test")
        return replace(self.visit(connector), caller=caller)

    # What workers do

    def work(self) -> None:
        """All that is due: jobs of connectors too, and events to their sinks."""
        handlers = {**self.engine.handlers, sinks.JOB: sinks.again(self.book), **tasks.handlers(self.lender)}
        while jobs.work(self.runtime, handlers):
            pass
        self.engine.settle()
        self.relay()

    def relay(self) -> int:
        return relay(self.runtime, TRIGGERS, [queue.sink, sinks.listening(self.book)])


@contextmanager
def plugged(url: str, folder: Path, *connectors: Connector, **options: Any) -> Iterator[Plugged]:
    made = Plugged(url, folder, *connectors, **options)
    try:
        yield made
    finally:
        made.close()
