"""What is checked is checked as of one moment, whatever is done meanwhile."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from core import check
from core.schema import ledger_accounts, messages
from tests.support.engine import Engine

PARIS = "+33612345620"


@contextmanager
def at_work(engine: Engine) -> Iterator[list[str]]:
    """A campaign is sent after every statement of who reads meanwhile; the statements."""
    account = engine.account()
    seen: list[str] = []
    working = False

    def work(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        nonlocal working
        if working or not statement.startswith("SELECT"):
            return
        working = True
        seen.append(statement)
        engine.campaign(account, PARIS)
        engine.settle()
        working = False

    event.listen(engine.database.engine, "after_cursor_execute", work)
    yield seen
    event.remove(engine.database.engine, "after_cursor_execute", work)


def test_a_sound_ledger_is_sound_while_it_works(engine: Engine) -> None:
    with at_work(engine) as statements:
        assert check.everything(engine.runtime) == []
    assert len(statements) > 5
    assert len(engine.all(messages)) == len(statements)
    assert engine.faults() == []


def test_a_fault_is_found(engine: Engine) -> None:
    account = engine.account(credits=10)
    with engine.runtime.begin() as tx:
        mine = (ledger_accounts.c.account_id == account.id) & (ledger_accounts.c.kind == "available")
        tx.execute(ledger_accounts.update().where(mine).values(balance=9_999))
    found = engine.faults()
    assert [(one.subject, one.expected, one.found) for one in found] == [
        ("hub", 0, -1),
        (account.id, 10_000, 9_999),
    ]
