"""The report of a campaign."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Refused
from core.sending import singles
from core.statistics import report
from core.statistics.report import rates
from tests.support.engine import Engine
from tests.support.world import NOON


def reported(engine: Engine, account_id: str, campaign_id: str) -> report.Report:
    with engine.runtime.read() as tx:
        return report.report(tx, account_id, campaign_id)


def test_the_groups_sum_to_a_hundred_per_cent_and_the_rest_is_shown_apart(engine: Engine) -> None:
    account = engine.account()
    engine.block(account, 33612345621)
    endings = ("01", "03", "06", "07", "13", "20", "21")
    made = engine.campaign(account, *(f"+336123456{ending}" for ending in endings), "+33612345620", "123")
    engine.later(rounds=3, seconds=5)
    told = reported(engine, account.id, made.id)
    assert {group: count for group, (count, _) in told.groups.items()} == {
        "success": 2,
        "waiting": 1,
        "temporary": 1,
        "permanent": 2,
        "blacklisted": 1,
    }
    assert round(sum(rate for _, rate in told.groups.values()), 2) == 100.00
    assert told.by_status == {
        "failed_temporary": 1,
        "failed_permanent": 1,
        "rejected": 1,
        "sent": 1,
        "unknown": 1,
        "received": 1,
        "blacklisted": 1,
    }
    assert (told.contacts, told.by_country, told.dropped) == (7, {"FR": 7}, {"duplicate": 1, "invalid_number": 1})
    assert told.millicredits == 5_000


def test_the_counters_are_what_a_recount_finds(engine: Engine) -> None:
    account = engine.account()
    for _ in range(2):
        engine.campaign(account, *(f"+336123456{ending:02d}" for ending in range(1, 15)))
    engine.later(rounds=5, seconds=5)
    assert engine.faults() == []


def test_a_scheduled_campaign_waits_with_its_known_recipients(engine: Engine) -> None:
    account = engine.account()
    made = engine.campaign(account, "+33612345620", "+33612345621", send_at=NOON + 60_000)
    told = reported(engine, account.id, made.id)
    assert (told.by_status, told.groups["waiting"], told.millicredits) == ({"scheduled": 2}, (2, 100.0), 0)


def test_a_campaign_with_nobody_has_rates_of_nought(engine: Engine) -> None:
    account = engine.account()
    made = engine.campaign(account, groups=[engine.group(account)])
    engine.settle()
    told = reported(engine, account.id, made.id)
    assert (told.contacts, set(told.groups.values())) == (0, {(0, 0.0)})


def test_a_deleted_message_is_kept_in_the_report(engine: Engine) -> None:
    account = engine.account()
    made = engine.campaign(account, "+33612345620", "+33612345621", "123")
    engine.settle()
    first, second = engine.messages(account)
    with engine.runtime.begin() as tx:
        singles.cancel(tx, account.id, first.id)
        rows = report.recipients(tx, account.id, made.id, 10)
        assert [row.id for row in rows] == [first.id, second.id]
        assert [row.id for row in report.recipients(tx, account.id, made.id, 10, first.id)] == [second.id]
        (drop,) = report.dropped(tx, made.id, 10)
        assert (drop.given, report.dropped(tx, made.id, 10, drop.id)) == ("123", [])
    assert reported(engine, account.id, made.id).contacts == 2


def test_the_report_of_another_account_is_not_found(engine: Engine) -> None:
    made, other = engine.campaign(engine.account(), "+33612345620"), engine.account("Other")
    with pytest.raises(Refused, match="not_found"):
        reported(engine, other.id, made.id)


def test_rates_are_rounded_so_that_they_sum_to_a_hundred() -> None:
    assert rates([1, 1, 1]) == [33.34, 33.33, 33.33]
    assert rates([2, 1]) == [66.67, 33.33]
    assert rates([1, 0]) == [100.0, 0.0]
    assert rates([0, 0]) == [0.0, 0.0]


@given(st.lists(st.integers(min_value=0, max_value=10**7), min_size=1, max_size=5))
def test_rates_always_sum_to_a_hundred_and_are_near_the_share(counts: list[int]) -> None:
    shares = rates(counts)
    if sum(counts):
        assert sum(round(share * 100) for share in shares) == 10_000
        assert all(abs(share - 100 * count / sum(counts)) < 0.01 for share, count in zip(shares, counts, strict=True))
