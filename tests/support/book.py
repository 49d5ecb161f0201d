"""A small world around an address book: a runtime on a fresh database with one account, and what was told to the outside."""

import io
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event, select

from core import Database, Runtime, accounts, contacts, events, imports
from core.schema import outbox
from tests.support.spreadsheet import as_csv
from tests.support.world import runtime_on


@dataclass(frozen=True, slots=True)
class Book:
    """An account and the runtime it lives on."""

    runtime: Runtime
    account_id: str

    def add(self, number: str = "0612345678", **fields: Any) -> contacts.Contact:
        with self.runtime.begin() as tx:
            return contacts.create(tx, self.account_id, {"number": number, **fields}, "api")

    def listed(self, **filters: Any) -> list[contacts.Contact]:
        with self.runtime.read() as tx:
            return list(contacts.page(tx, self.account_id, 1000, **filters).rows)

    def numbers(self, **filters: Any) -> list[int]:
        return sorted(contact.number for contact in self.listed(**filters))

    def told(self, kind: str) -> list[Mapping[str, Any]]:
        """The facts of one kind that went to the outbox for this account."""
        mine = (outbox.c.type == kind) & (outbox.c.account_id == self.account_id)
        with self.runtime.read() as tx:
            rows = tx.all(select(outbox.c.payload).where(mine).order_by(outbox.c.id))
        return [fact for row in rows for fact in events.facts(row.payload)]

    def accept(
        self, content: bytes | Sequence[Sequence[Any]], filename: str = "people.csv", **wish: Any
    ) -> imports.Import:
        file = io.BytesIO(content if isinstance(content, bytes) else as_csv(content))
        return imports.accept(self.runtime, self.account_id, file, filename, imports.Wish(**wish))

    def imported(self, content: bytes | Sequence[Sequence[Any]], **wish: Any) -> imports.Import:
        """A file taken in and worked off."""
        job = self.accept(content, **wish)
        imports.run(self.runtime, job.id)
        return self.job(job.id)

    def job(self, import_id: str) -> imports.Import:
        with self.runtime.read() as tx:
            return imports.get(tx, self.account_id, import_id)

    def wrong(self, import_id: str) -> list[tuple[int, str, str]]:
        """Row, field and value of what was not taken."""
        return [(one.place, one.field, one.value) for one in imports.errors(self.runtime, self.account_id, import_id)]


@contextmanager
def a_book(url: str, **changes: Any) -> Iterator[Book]:
    """A book whose database is let go of at the end."""
    database = Database(url)
    runtime = runtime_on(database, **changes)
    with runtime.begin() as tx:
        account_id = accounts.create(tx, "Acme").id
    yield Book(runtime, account_id)
    database.close()


@contextmanager
def statements(book: Book) -> Iterator[list[str]]:
    """The statements that are sent to the database meanwhile."""
    sent: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        sent.append(statement)

    engine = book.runtime.database.engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)
