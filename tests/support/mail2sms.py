"""A shop that is written to by mail: its hub as it is composed, mails with whatever they prove, and what became of them."""

import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Final

from sqlalchemy import Row, Table, select

from connectors.mail2sms import tokens
from connectors.mail2sms.connector import CONNECTOR
from connectors.mail2sms.intake import steps
from connectors.mail2sms.intake.child import Stopped, Task, Unread
from connectors.mail2sms.mail import Address, Found, Outcome, Proof, Read
from connectors.mail2sms.parse import address, parse
from connectors.mail2sms.settings import Office, office_of
from connectors.mail2sms.tables import letters, mails, sendings
from core import ledger
from tests.support.plugged import Plugged

GATEWAY: Final = "sms.shop.example"
ANNE: Final = "anne@shop.example"
NUMBER: Final = "33612345678"
OTHER: Final = "33687654321"
SIGNED: Final = frozenset({"from", "to", "cc", "subject", "date", "message-id"})
PROVEN: Final = Proof(aligned=True, covered=SIGNED)
NOTHING: Final = Proof(why="not signed")


class Proves:
    """Reads mails in this process, and says of each that it proves what a test wants. before: happens ahead of every reading."""

    def __init__(self, proof: Proof = PROVEN, before: Callable[[], object] = lambda: None) -> None:
        self.proof = proof
        self.before = before
        self.tasks: list[Task] = []

    def read(self, task: Task) -> Read:
        self.tasks.append(task)
        self.before()
        return Read(parse(task.raw, task.gateway, returns_to=task.returns_to, legacy=task.legacy), self.proof)


def unread() -> None:
    """The reader dies over it."""
    raise Unread("its reader ended (-9)")


def stopped() -> None:
    """The hub comes to its end."""
    raise Stopped("the readers were stopped")


class Shop:
    """One account with an installation. Mails are Anne's, to one number, and proven, unless a test says otherwise."""

    def __init__(
        self, hub: Plugged, name: str = "shop", *, kind: str = "notification", balance: int = 100, **settings: Any
    ) -> None:
        self.hub = hub
        self.visitor = hub.visitor(name, kind=kind, millicredits=balance * 1000)
        given = {"domain": f"sms.{name}.example", "allowed_senders": [ANNE], **settings}
        self.installation = hub.install(self.visitor.account_id, CONNECTOR, given)
        self.visit = hub.visit(CONNECTOR, self.installation)

    @property
    def office(self) -> Office:
        return office_of(self.visit.tools.installations.get(self.installation.id))

    @property
    def account_id(self) -> str:
        return self.visitor.account_id

    def to(self, text: str = NUMBER) -> str:
        """An address of the gateway."""
        office = self.office
        return f"{office.local}+{text}@{office.domain}" if office.local else f"{text}@{office.domain}"

    # What comes

    def mail(
        self, text: str = "Bonjour", *, to: Sequence[str] | str = NUMBER, sender: str = ANNE, **headers: str
    ) -> bytes:
        """A mail to these addresses (of the gateway, by what stands before their @). `_` in names of headers is a dash."""
        now = datetime.fromtimestamp(self.hub.engine.clock.now // 1000, UTC)
        said = {
            "From": sender,
            "To": ", ".join(one if "@" in one else self.to(one) for one in ([to] if isinstance(to, str) else to)),
            "Subject": "Rendez-vous",
            "Date": format_datetime(now),
            "Message-ID": f"<{self._next()}@shop.example>",
            "MIME-Version": "1.0",
            "Content-Type": "text/plain; charset=utf-8",
            "Content-Transfer-Encoding": "8bit",
        } | {name.replace("_", "-"): value for name, value in headers.items()}
        head = "".join(f"{name}: {value}\n" for name, value in said.items() if value)
        return f"{head}\n{text}\n".encode()

    def take(self, raw: bytes, proof: Proof = PROVEN, **found: Any) -> Outcome:
        """What becomes of a mail that proves this."""
        return self.read(raw, Proves(proof), **found)

    def read(self, raw: bytes, reader: steps.Reads, **found: Any) -> Outcome:
        given = {
            "intake": "smtp" if found.get("envelope") else "imap",
            "received_at": self.hub.engine.clock.now,
        } | found
        return steps.take(self.visit, self.office, Found(raw=raw, **given), reader)

    def token(self, **fields: Any) -> str:
        """A token of addresses, as people get one."""
        with self.hub.runtime.begin() as tx:
            return str(tokens.DESK.issue(tx, self.installation, fields)["token"])

    def revoke_all(self) -> None:
        """No token of addresses is good any more."""
        with self.hub.runtime.begin() as tx:
            for one in tokens.DESK.listed(tx, self.installation):
                tokens.DESK.revoke(tx, self.installation, one["id"])

    def thread(self, number: str = NUMBER) -> str:
        """The address that answers to this person's last SMS go to: what stands before its @."""
        (last,) = [row for row in self.rows(sendings) if str(row.number) == number][-1:]
        with self.hub.runtime.begin() as tx:
            secret = tokens.thread(tx, self.installation, last.id)
        return self._local(Address("thread", last.id, secret))

    def question(self, mail_id: str | None = None) -> str:
        """The address that the answer to the last question goes to: what stands before its @."""
        held = mail_id or [row.mail_id for row in self.rows(letters) if row.kind == "held"][-1]
        with self.hub.runtime.begin() as tx:
            secret = tokens.confirmation(tx, self.installation, held)
        return self._local(Address("thread", held, secret))

    def _local(self, one: Address) -> str:
        office = self.office
        local = address.write(one, office.local, office.domain).rpartition("@")[0]
        return local.removeprefix(f"{office.local}+") if office.local else local

    def _next(self) -> str:
        with self.hub.runtime.begin() as tx:
            return tx.new_id()

    # What there is to see

    def rows(self, table: Table) -> list[Row[Any]]:
        with self.hub.runtime.read() as tx:
            mine = select(table).where(table.c.installation_id == self.installation.id)
            return list(tx.all(mine.order_by(*table.primary_key.columns)))

    @property
    def mails(self) -> list[Row[Any]]:
        return self.rows(mails)

    @property
    def letters(self) -> list[tuple[str, dict[str, Any]]]:
        """The kinds and facts of the letters that were written."""
        return [(row.kind, json.loads(row.facts)) for row in self.rows(letters)]

    @property
    def messages(self) -> list[Row[Any]]:
        return self.hub.engine.messages(self.hub.account(self.visitor))

    @property
    def numbers(self) -> list[int]:
        """Whom a message was made for, in order."""
        return [row.number for row in self.messages]

    @property
    def funds(self) -> ledger.Balance:
        return self.hub.engine.balance(self.hub.account(self.visitor))
