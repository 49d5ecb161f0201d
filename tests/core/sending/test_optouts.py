"""Whom an opt-out on the public page binds."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from core.schema import blacklist
from core.sending import optouts
from tests.support.engine import Engine

NUMBER = 33612345678


@pytest.fixture
def engine(database_url: str, tmp_path: Path) -> Iterator[Engine]:
    made = Engine(database_url, tmp_path)
    yield made
    made.close()


def opted_out(engine: Engine) -> dict[str, str | None]:
    """Who is bound after the number came to the page, each with the message that it had sent."""
    with engine.runtime.begin() as tx:
        optouts.by_page(tx, NUMBER)
    return {row.scope: row.message_id for row in engine.all(blacklist) if row.number == NUMBER}


def test_the_newest_message_of_each_account_is_named(engine: Engine) -> None:
    both = [engine.account("Acme"), engine.account("Bolt")]
    sent = {}
    for account in (both[0], both[1], both[0]):
        engine.clock.forward(minutes=1)
        sent[account.id] = engine.send(account, f"+{NUMBER}").id
        engine.settle()
    assert opted_out(engine) == sent


def test_messages_without_a_way_out_and_those_that_never_left_bind_nobody(engine: Engine) -> None:
    quiet = engine.account("Quiet", kind="notification", otp=True)
    engine.send(quiet, f"+{NUMBER}", sender="Quiet", stop=False)
    engine.send(quiet, f"+{NUMBER}", "1234", purpose="otp", sender="Quiet")
    later = engine.account("Later")
    engine.send(later, f"+{NUMBER}", send_at=engine.clock.now + 3_600_000)
    other = engine.account("Other")
    engine.send(other, "+33612345679")
    engine.settle()
    assert opted_out(engine) == {"36034": None}


def test_a_notice_from_the_shared_code_can_be_answered_and_so_binds(engine: Engine) -> None:
    account = engine.account(kind="notification")
    sent = engine.send(account, f"+{NUMBER}", stop=False)
    engine.settle()
    assert opted_out(engine) == {account.id: sent.id}


def test_again_changes_nothing_and_tells_nobody(engine: Engine) -> None:
    account = engine.account()
    engine.send(account, f"+{NUMBER}")
    engine.settle()
    assert opted_out(engine) == opted_out(engine)
    assert len(engine.facts(account, "optout.created")) == 1
