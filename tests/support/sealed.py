"""Something sealed in every place there is, made by the roads that the hub itself takes; and what stands sealed in a database."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Text, select

from connectors.contract import Installation, Issuer
from core import Runtime, Tx, accounts
from core.schema import metadata
from hub import secrets
from hub.connections import book
from hub.connections.asking import Given
from hub.connections.tables import connections
from hub.hooks import endpoints
from hub.installations.tables import installations
from hub.sealing import rotation

OLD, NEW, OTHER = (f"a key of the operator that is long enough: number {n}" for n in range(3))
BEFORE, AFTER, FOREIGN = secrets.keys_from([OLD]), secrets.keys_from([NEW, OLD]), secrets.keys_from([OTHER])
ALONE = secrets.keys_from([NEW])
TEXT = re.compile(r"[0-9a-f]{8}:[A-Za-z0-9_-]{38,}=*")


@dataclass(slots=True)
class Safe:
    """A hub's database, and what was sealed in it."""

    runtime: Runtime
    account_id: str

    def hook(self, keys: secrets.Keys = BEFORE) -> tuple[str, str]:
        """The id and secret of a new hook."""
        with self.runtime.begin() as tx:
            wanted = endpoints.Wanted("https://shop.example.com/hook", ["optout.created"], {}, batch=False)
            row, secret = endpoints.create(self.runtime, tx, keys, self.account_id, wanted, "api")
        return row.id, secret

    def rotated(self, hook_id: str, keys: secrets.Keys = BEFORE) -> str:
        """The new secret of a hook, beside the one before."""
        with self.runtime.begin() as tx:
            return endpoints.rotate(self.runtime, tx, keys, self.account_id, hook_id)[1]

    def secret(self, hook_id: str, keys: secrets.Keys) -> str:
        with self.runtime.read() as tx:
            row = endpoints.get(tx, self.account_id, hook_id)
        return secrets.open_(keys, endpoints.aad(hook_id, self.account_id), row.secret).decode()

    def connection(self, keys: secrets.Keys = BEFORE) -> Installation:
        """An installation whose connection has all that one can have."""
        with self.runtime.begin() as tx:
            made = installed(tx, self.account_id, "eloqua")
            issuer = Issuer("https://login.example.com/token", "us", "secret of ours")
            book.keep(tx, keys, made, issuer, Given("access", "refresh", 3_600_000))
        return made

    def connected(self, installation: Installation, keys: secrets.Keys) -> tuple[str | None, ...]:
        """What stands in it: our secret, the access token, the refresh token."""
        with self.runtime.read() as tx:
            row = book.find(tx, installation.id, book.MAIN)
        assert row is not None
        return tuple(book.opened(keys, row, connections.c[name]) for name in SEALED_OF_A_CONNECTION)

    def sealing(self) -> dict[str, int]:
        """How many secrets each key seals."""
        with self.runtime.read() as tx:
            return dict(rotation.by_key(rotation.count(tx)))


def installed(tx: Tx, account_id: str, connector: str) -> Installation:
    """The row of an installation without settings, whatever its connector is."""
    made = Installation(tx.new_id(), account_id, connector, {}, tx.now, tx.now)
    row = {"id": made.id, "account_id": account_id, "connector": connector, "settings": "{}", "secrets": None}
    tx.execute(installations.insert().values(**row, created_at=tx.now, updated_at=tx.now))
    return made


SEALED_OF_A_CONNECTION = ("client_secret", "access_token", "refresh_token")


def safe_on(runtime: Runtime) -> Safe:
    with runtime.begin() as tx:
        return Safe(runtime, accounts.create(tx, "Shop", email="shop@example.com").id)


def sealed_texts(tx: Tx) -> Iterator[str]:
    """The columns of all tables in which something sealed stands, wherever in its text."""
    for table in metadata.tables.values():
        for column in table.columns:
            if isinstance(column.type, Text) and any(
                TEXT.search(found) for (found,) in tx.all(select(column).where(column.is_not(None)))
            ):
                yield f"{table.name}.{column.name}"
