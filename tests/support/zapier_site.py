"""A running hub with an account, somebody who may connect it, and Zapier's runtime with the definition that this hub exports."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import requests

from connectors.zapier.scopes import SCOPES
from core import Database, Runtime, accounts, ledger
from hub.api.keys import new_secret
from hub.people import passwords
from tests.support.serving import SECRET, Api, Process, free_port, smshub
from tests.support.world import rules
from tests.support.zapier_platform import RETURN, Connection, Person
from tests.support.zapier_platform import Runtime as Zapier

PASSWORD: Final = "correct horse battery"
PER_MINUTE: Final = 200  # requests of one account: a test spends them all


@dataclass(frozen=True, slots=True)
class House:
    """The hub, its database as the operator's commands see it, and Zapier."""

    base: str
    runtime: Runtime
    definition: dict[str, Any]
    zapier: Zapier

    def person(self, name: str = "Acme", credits_: int = 100) -> tuple[Person, Api]:
        """The owner of a new account, and the account's own key."""
        secret = new_secret(self.runtime)
        with self.runtime.begin() as tx:
            account = accounts.create(tx, name)
            address = f"{account.id}@example.com"
            accounts.create_user(tx, account.id, address, "owner", passwords.hashed(PASSWORD), "test")
            accounts.create_key(tx, account.id, "test", accounts.SCOPES, secret, "test")
            if credits_:
                ledger.grant(tx, account.id, credits_ * 1000, "test", "test")
        return Person(self.base, address, PASSWORD), Api(int(self.base.rpartition(":")[2]), secret)

    def connected(self, name: str = "Acme", credits_: int = 100) -> tuple[Connection, Api]:
        """The same, once the account is connected to Zapier."""
        person, api = self.person(name, credits_)
        return Connection.made(self.zapier, self.definition, person), api

    def revoke(self, connection: Connection) -> None:
        """The grant of a connection is taken back."""
        asked = {"token": connection.auth["refresh_token"], **self.zapier.client}
        assert requests.post(f"{self.base}/oauth/revoke", data=asked, timeout=60).status_code == 200


@contextmanager
def house(folder: Path) -> Iterator[House]:
    """A hub of one process, its client for Zapier, and Zapier with what the hub exports."""
    port = free_port()
    base, url = f"http://127.0.0.1:{port}", f"sqlite:///{folder / 'hub.db'}"
    carrier = {"name": "simulator", "kind": "simulator", "answer_ms": 1, "receipt_ms": 20}
    settings = {
        "PORT": str(port),
        "SMSHUB_DATABASE_URL": url,
        "SMSHUB_PUBLIC_URL": base,
        "SMSHUB_SECRET_KEYS": SECRET,
        "SMSHUB_HOOK_ALLOW": "127.0.0.0/8",
        "SMSHUB_CONNECTOR_ZAPIER_HOOKS": "http://127.0.0.1:",
        "SMSHUB_RATE_PER_MINUTE": str(PER_MINUTE),
        "SMSHUB_CARRIERS": json.dumps([carrier]),
    }
    with Process("serve", folder, **settings) as served:
        served.ready()
        asked = ("--connector", "zapier", "--redirect-uri", RETURN, "--scope", ",".join(sorted(SCOPES)), "--json")
        client = json.loads(_said(folder, settings, "oauth", "client", "create", "Zapier", *asked))
        written = folder / "definition.json"
        _said(folder, settings, "zapier", "export", "--out", str(written))
        database = Database(url)
        try:
            with Zapier(written, client) as zapier:
                definition = json.loads(written.read_text(encoding="utf-8"))
                yield House(base, Runtime(database, rules()), definition, zapier)
        finally:
            database.close()


def _said(folder: Path, settings: dict[str, str], *line: str) -> str:
    done = smshub(*line, folder=folder, **settings)
    assert done.returncode == 0, done.stderr
    return done.stdout
