"""/console/: what an account has, and how its campaigns went."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import accounts
from core.sending.message import GROUPS
from core.statistics.report import rates
from hub.console import home
from hub.people import passwords
from tests.support.browser import Browser
from tests.support.engine import Engine
from tests.support.pages import PASSWORD
from tests.support.web import application, settings


@pytest.fixture
def engine(database_url: str, tmp_path: Path) -> Iterator[Engine]:
    made = Engine(database_url, tmp_path)
    yield made
    made.close()


def test_an_account_sees_its_credits_and_its_newest_campaigns(engine: Engine) -> None:
    account = engine.account("Acme", credits=20)
    with engine.runtime.begin() as tx:
        accounts.create_user(tx, account.id, "ann@example.com", "viewer", passwords.hashed(PASSWORD), "test")
    for name in ("first", "second", "third", "fourth", "fifth", "sixth"):
        engine.campaign(account, "0612345678", "0612345603", name=name)
        engine.later(minutes=5)
    browser = Browser(application(engine.runtime, settings=settings()))
    browser.open("/console/sign-in")
    said = browser.send(email="ann@example.com", password=PASSWORD).said
    assert "Credits 8 Credits held 0" in said
    assert [name for name in ("first", "second", "fifth", "sixth") if name in said] == ["second", "fifth", "sixth"]
    assert "2 messages · 2 credits Delivered 1 50% Failed for good 1 50%" in said
    assert browser.page.text.count("<rect") == 10
    assert "/stop" in browser.page.links


@given(st.lists(st.integers(0, 10**7), min_size=len(home.SHOWN), max_size=len(home.SHOWN)))
def test_a_bar_is_full_and_has_no_gaps(counts: list[int]) -> None:
    groups = dict(zip(home.SHOWN, zip(counts, rates(counts), strict=True), strict=True))
    parts = home.bar(groups)
    assert sum(part.width for part in parts) == (home.BAR if any(counts) else 0)
    assert [part.x for part in parts] == [sum(one.width for one in parts[:place]) for place in range(len(parts))]
    assert [part.count for part in parts] == [count for count in counts if count]


def test_every_group_of_a_report_is_drawn() -> None:
    assert set(home.SHOWN) == set(GROUPS)
