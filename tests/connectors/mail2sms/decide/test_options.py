"""What addresses and lines before the text say of how to send."""

from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from connectors.mail2sms.decide import options
from connectors.mail2sms.mail import Options, Wrong
from core import accounts
from tests.support.databases import SqliteFiles
from tests.support.mail2sms import NUMBER, OTHER, Shop
from tests.support.plugged import Plugged

PARIS = ZoneInfo("Europe/Paris")
AT_NINE = 1_798_099_200_000  # 2026-12-24 09:00 in Paris


@pytest.fixture
def database_url(sqlite_files: SqliteFiles, tmp_path: Path) -> str:
    """What is shown here is decided by pure functions: one kind of database is enough."""
    return sqlite_files.fresh(tmp_path)


@pytest.mark.parametrize(
    "text",
    ["20261224T0900", "2026-12-24T09:00", "2026-12-24 09:00:00", "2026-12-24T08:00:00Z", "2026-12-24T03:00:00-05:00"],
)
def test_a_time_is_read_on_the_accounts_clock_unless_it_has_an_offset(text: str) -> None:
    assert options.moment(text, PARIS) == AT_NINE


@pytest.mark.parametrize(
    "text", ["", "tomorrow", "20261324T0900", "2026-12-24T25:00", "99999999T9999", "0001-01-01T00:00+23:59"]
)
def test_what_is_no_time_is_told_with_its_cure(text: str) -> None:
    wrong = options.moment(text, PARIS)
    assert isinstance(wrong, Wrong) or wrong < 0
    if isinstance(wrong, Wrong):
        assert (wrong.code, wrong.facts["value"]) == ("option_invalid", text)


def test_the_address_goes_before_the_lines_field_by_field() -> None:
    said = options.together(
        [Options(purpose="marketing"), Options(purpose="notification", max_segments=2), Options(test=True)]
    )
    assert said == Options(purpose="marketing", max_segments=2, test=True)


def test_a_sender_is_known_by_its_slug() -> None:
    assert options.sender("acme-shop", ("Acme Shop", "36034")) == "Acme Shop"
    assert options.sender("Acme Shop", ()) == "Acme Shop"
    assert options.sender("acme-shop", ()) == "acme shop"


def test_a_mail_says_how_it_is_sent(hub: Plugged) -> None:
    shop = Shop(hub, purpose="notification")
    with hub.runtime.begin() as tx:
        accounts.change(tx, shop.account_id, {"default_sender": "Acme Shop"}, "test")
    text = "#sender: Acme Shop\n#at: 2026-12-24T09:00\n\nJoyeux Noël"
    assert shop.take(shop.mail(text, to=[f"{NUMBER}.m", f"{OTHER}.d-20261224t1000"])).state == "accepted"
    rows = {row.number: (row.purpose, row.sender, row.status, row.send_at) for row in shop.messages}
    assert rows[int(NUMBER)] == ("marketing", "Acme Shop", "scheduled", AT_NINE)
    assert rows[int(OTHER)] == ("notification", "Acme Shop", "scheduled", AT_NINE + 3_600_000)
    assert shop.letters[0][1]["send_at"] == AT_NINE
    assert shop.funds.held == 0


def test_on_a_marketing_account_a_mail_is_marketing(hub: Plugged) -> None:
    shop = Shop(hub, kind="marketing")
    shop.take(shop.mail())
    assert [row.purpose for row in shop.messages] == ["marketing"]


def test_a_test_tells_its_price_and_sends_nothing_as_often_as_it_is_asked(shop: Shop) -> None:
    shop.hub.engine.block(shop.hub.account(shop.visitor), int(OTHER))
    raw = shop.mail("Bonjour $nom", to=[f"{NUMBER}.test", OTHER], Message_ID="<a@b>")
    for place in range(2):
        assert shop.take(b"Received: %d\n" % place + raw).state == "done"
    assert (shop.messages, shop.funds.held, len(shop.letters)) == ([], 0, 2)
    _, told = shop.letters[0]
    assert (told["test"], told["text"], told["credits"]) == (True, "Bonjour $nom STOP 36034", 1)
    assert [(one["number"], one["status"]) for one in told["people"]] == [
        (int(NUMBER), "queued"),
        (int(OTHER), "blacklisted"),
    ]
    assert shop.take(shop.mail("Bonjour", Message_ID="<a@b>")).state == "accepted"


def test_what_waits_is_sent_at_its_time_or_at_once_where_that_is_over(shop: Shop) -> None:
    text = "#at: 2026-09-22T09:00\n\nBonjour"
    shop.take(shop.mail(text), envelope=(shop.to(OTHER),))
    shop.hub.engine.group(shop.hub.account(shop.visitor), f"+{NUMBER}", name="Clients")
    assert shop.take(shop.mail(text, to="g-clients")).state == "accepted"
    shop.hub.work()
    assert shop.messages == []
    shop.hub.engine.clock.forward(days=1)
    shop.hub.work()
    assert shop.numbers == [int(NUMBER)]
    shop.take(shop.mail("OK", to=shop.question()))
    assert [(row.number, row.status) for row in shop.messages][1:] == [(int(OTHER), "queued")]


def test_a_text_is_told_to_be_too_long_with_its_mention(hub: Plugged) -> None:
    shop = Shop(hub, max_segments=1)
    assert shop.take(shop.mail("a" * 149)).state == "accepted"
    assert shop.take(shop.mail("a" * 150)).code == "text_too_long"
    assert shop.letters[-1][1]["facts"] == {"segments": 2, "most": 1}
    wide = Shop(hub, "wide", max_segments=10)
    assert wide.take(wide.mail("a" * 1525)).code == "text_too_long"
    assert wide.letters[-1][1]["facts"] == {"segments": 11, "most": 10}
    assert wide.take(wide.mail("a" * 5000)).code == "text_too_long"
    assert wide.letters[-1][1]["facts"]["most"] == 10
    assert wide.messages == []


@pytest.mark.parametrize(
    "to, text, code",
    [
        (NUMBER, "#sender: +33612345678\n\nBonjour", "option_invalid"),
        (f"{NUMBER}.s-much-too-long-a-name", "Bonjour", "refused"),
        (NUMBER, "#at: demain\n\nBonjour", "option_invalid"),
        (NUMBER, "#sender: Acme\n\n", "text_empty"),
    ],
)
def test_what_cannot_be_done_is_refused_and_never_left_out(shop: Shop, to: str, text: str, code: str) -> None:
    assert shop.take(shop.mail(text, to=to)).code == code
    assert shop.messages == []
