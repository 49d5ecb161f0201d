"""A caller of the REST API, on an engine in the same process."""

from copy import copy
from pathlib import Path
from typing import Any

from core import accounts
from core.accounts import Account
from hub.app import create_app
from hub.settings import read as read_settings
from tests.support.engine import Engine


class RestClient:
    """An account's key in the hand: `client("POST", "/messages", json=...)`."""

    def __init__(self, engine: Engine, account: Account, folder: Path, scopes: Any = accounts.SCOPES) -> None:
        self.web = create_app(engine.runtime, read_settings({"SMSHUB_DATA": str(folder)})).test_client()
        self._becomes(engine, account, scopes)

    def of(self, engine: Engine, account: Account) -> "RestClient":
        """A caller with another account, at the same hub."""
        other = copy(self)
        other._becomes(engine, account, accounts.SCOPES)
        return other

    def _becomes(self, engine: Engine, account: Account, scopes: Any) -> None:
        self.account = account
        secret = f"smshub_{account.id.replace('-', '')}{'k' * 20}"
        with engine.runtime.begin() as tx:
            accounts.create_key(tx, account.id, "test", scopes, secret, "operator")
        self.headers = {"Authorization": f"Bearer {secret}"}

    def __call__(self, method: str, path: str, **more: Any) -> Any:
        headers = self.headers | more.pop("headers", {})
        return self.web.open(f"/api/v1{path}", method=method, headers=headers, **more)

    def send(self, to: str, text: str = "Bonjour", **fields: Any) -> Any:
        """The answer of POST /messages."""
        return self("POST", "/messages", json={"to": to, "text": text} | fields)
