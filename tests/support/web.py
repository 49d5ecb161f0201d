"""A hub's web application with accounts that visit it, each with its own key."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from flask import Flask
from werkzeug.test import Client, TestResponse

from connectors.contract import Operation
from core import Runtime, accounts, ledger
from hub.api.table import OPERATIONS
from hub.app import create_app
from hub.settings import Settings, read

SETTINGS = {"SMSHUB_SECRET_KEYS": "0123456789abcdef0123456789abcdef", "SMSHUB_PUBLIC_URL": "https://sms.example"}


@dataclass(frozen=True, slots=True)
class Visitor:
    """An account, the secret of its key, and a client that sends it along."""

    account_id: str
    secret: str
    client: Client

    def ask(self, method: str, path: str, body: Any = None, **options: Any) -> TestResponse:
        """One request to /api/v1; `body` goes out as JSON."""
        headers = {"Authorization": f"Bearer {self.secret}"} | options.pop("headers", {})
        given = {} if body is None else {"json": body}
        return self.client.open(f"/api/v1{path}", method=method, headers=headers, **given, **options)

    def send_raw(
        self, path: str, raw: bytes, content_type: str = "application/json", method: str = "POST"
    ) -> TestResponse:
        """A body as it stands."""
        return self.ask(method, path, data=raw, content_type=content_type)


def settings(**changes: str) -> Settings:
    return read(SETTINGS | changes)


def application(runtime: Runtime, operations: Sequence[Operation] = OPERATIONS, **options: Any) -> Flask:
    return create_app(runtime, options.pop("settings", None) or settings(), operations, **options)


def visitor(
    runtime: Runtime,
    app: Flask,
    name: str,
    *,
    millicredits: int = 0,
    scopes: Sequence[str] = accounts.SCOPES,
    kind: str = "marketing",
) -> Visitor:
    """A new account with a key of its own."""
    secret = f"{accounts.KEY_PREFIX}{name}"
    with runtime.begin() as tx:
        account = accounts.create(tx, name, kind=kind)
        accounts.create_key(tx, account.id, "test", scopes, secret, "test")
        if millicredits:
            ledger.grant(tx, account.id, millicredits, "test", "test")
    return Visitor(account.id, secret, Client(app, use_cookies=False))
