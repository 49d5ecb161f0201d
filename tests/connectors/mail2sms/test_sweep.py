"""What is kept for how long, and what waits too long."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.mail2sms import sweep
from connectors.mail2sms.connector import CONNECTOR
from connectors.mail2sms.tables import letters, mails, sendings, tokens
from tests.support.mail2sms import ANNE, NOTHING, NUMBER, Shop
from tests.support.plugged import Plugged, plugged


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Iterator[Plugged]:
    with plugged(database_url, tmp_path, CONNECTOR) as made:
        yield made


@pytest.fixture
def shop(hub: Plugged) -> Shop:
    return Shop(hub)


def swept(shop: Shop, *, days: int = 0) -> None:
    shop.hub.engine.clock.forward(days=days)
    sweep.SWEEP.run(shop.visit, "")


def test_mails_and_letters_are_kept_for_ninety_days(shop: Shop) -> None:
    shop.take(shop.mail())
    shop.take(shop.mail(), NOTHING)
    shop.hub.work()
    for _ in range(2):  # the second look, a day later, is the last one
        shop.hub.engine.clock.forward(days=1)
        shop.hub.work()
    assert {row.state for row in shop.mails} == {"done", "rejected"}
    swept(shop, days=87)
    assert len(shop.mails) == 2
    assert shop.rows(letters)
    swept(shop, days=3)
    assert (shop.mails, shop.rows(letters)) == ([], [])


def test_that_something_was_sent_is_known_for_four_hundred_days_and_by_whom_and_to_whom_for_ninety(
    shop: Shop,
) -> None:
    raw = shop.mail()
    shop.take(raw)
    swept(shop, days=89)
    (row,) = shop.rows(sendings)
    assert (row.sender, row.number) == (ANNE, int(NUMBER))
    swept(shop, days=2)
    (row,) = shop.rows(sendings)
    assert (row.sender, row.number) == ("", None)
    assert shop.take(b"Received: again\n" + raw).state == "duplicate"
    swept(shop, days=310)
    assert shop.rows(sendings) == []


def test_a_mail_that_nobody_confirms_in_a_week_is_dropped(shop: Shop) -> None:
    elsewhere = shop.take(shop.mail(to="0687654321@elsewhere.example"), envelope=(shop.to(),))
    assert (elsewhere.state, shop.mails[0].draft is not None) == ("held", True)
    question = shop.question()
    swept(shop, days=6)
    assert shop.mails[0].state == "held"
    swept(shop, days=2)
    (mail,) = shop.mails
    assert (mail.state, mail.code, mail.draft) == ("rejected", "confirm_over", None)
    assert [row.status for row in shop.rows(sendings)] == ["cancelled"]
    late = shop.take(shop.mail("OK", to=question))
    assert late.state == "rejected"
    assert shop.messages == []


def test_tokens_are_told_to_be_over_for_a_month_and_are_unknown_then(shop: Shop) -> None:
    token = shop.token(expires_at="2026-09-22T00:00:00Z", recipients=[f"+{NUMBER}"])
    shop.token()
    swept(shop, days=29)
    assert shop.take(shop.mail(to=f"{NUMBER}+{token}"), NOTHING).code == "token_expired"
    swept(shop, days=3)
    assert shop.take(shop.mail(to=f"{NUMBER}+{token}"), NOTHING).code == "token_wrong"
    assert [row.expires_at for row in shop.rows(tokens)] == [None]


def test_many_rows_go_a_page_after_the_other(shop: Shop) -> None:
    with shop.hub.runtime.begin() as tx:
        values = {"account_id": shop.account_id, "installation_id": shop.installation.id, "intake": "smtp"}
        counts = {"attempts": 1, "recipients": 0, "created_at": tx.now, "state_at": tx.now}
        rows = [
            {"id": tx.new_id(), "digest": str(n), "state": "ignored"} | values | counts for n in range(sweep.PAGE + 1)
        ]
        tx.connection.execute(mails.insert(), rows)
    swept(shop, days=91)
    assert shop.mails == []
