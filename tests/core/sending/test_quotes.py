"""What a campaign would cost."""

from typing import Any

import pytest
from sqlalchemy import event

from core import jobs
from core.accounts import Account
from core.errors import Refused
from core.schema import jobs as table
from core.sending import quotes
from core.sending.campaigns import CampaignDraft
from tests.support.engine import Engine

ONE, TWO, LONDON = "+33612345620", "+33612345621", "+447400123456"


def quote(engine: Engine, account: Account, draft: CampaignDraft) -> dict[str, Any]:
    with engine.runtime.read() as tx:
        return quotes.quote(tx, account, draft)


def to(*numbers: str) -> list[dict[str, str]]:
    return [{"to": number} for number in numbers]


def test_a_quote_counts_what_would_be_sent_and_why_the_rest_would_not(engine: Engine) -> None:
    account = engine.account(credits=0)
    engine.block(account, 33612345621)
    told = quote(engine, account, CampaignDraft("Bonjour", recipients=to(ONE, ONE, TWO, LONDON, "123", "+85251234567")))
    assert (told["credits"], told["messages"], told["segments"]) == (2.1, 2, 2)
    assert (told["duplicates"], told["blacklisted"], told["invalid_count"]) == (1, 1, 2)
    assert {one["to"]: one["code"] for one in told["invalid"]} == {
        "123": "invalid_number",
        "+85251234567": "unpriced_country",
    }
    assert [(line["country"], line["messages"], line["credits"]) for line in told["by_country"]] == [
        ("FR", 1, 1),
        ("GB", 1, 1.1),
    ]
    assert engine.messages(account) == []


def test_the_mention_is_never_dropped_for_length_the_quote_shows_the_second_segment(engine: Engine) -> None:
    account = engine.account()
    assert quote(engine, account, CampaignDraft("a" * 149, recipients=to(ONE)))["segments"] == 1
    assert quote(engine, account, CampaignDraft("a" * 150, recipients=to(ONE)))["segments"] == 2


def test_a_saved_euro_stands_in_the_quote(engine: Engine) -> None:
    told = quote(engine, engine.account(), CampaignDraft("€" + "a" * 148, recipients=to(ONE)))
    assert told["substitutions"] == {"euro_to_e": 1}
    assert told["samples"][0]["substitutions"] == ["euro_to_e"]


def test_one_time_passwords_are_quoted_past_opt_outs(engine: Engine) -> None:
    account = engine.account(otp=True)
    engine.block(account, 33612345620)
    told = quote(engine, account, CampaignDraft("1234", purpose="otp", recipients=to(ONE)))
    assert (told["messages"], told["blacklisted"]) == (1, 0)


def test_a_quote_obeys_the_rules_of_a_campaign(engine: Engine) -> None:
    with pytest.raises(Refused, match="stop_required"):
        quote(engine, engine.account(), CampaignDraft("a", stop=False, recipients=to(ONE)))
    with pytest.raises(Refused, match="no_recipients"):
        quote(engine, engine.account(), CampaignDraft("a"))


def test_lists_are_capped_and_counts_are_not(engine: Engine) -> None:
    told = quote(engine, engine.account(), CampaignDraft("a", recipients=to(*(str(n) for n in range(150)))))
    assert (len(told["invalid"]), told["invalid_count"]) == (100, 150)


def test_the_size_of_a_draft_is_known_without_walking_it(engine: Engine) -> None:
    account = engine.account()
    group_id = engine.group(account, ONE, TWO)
    with engine.runtime.read() as tx:
        assert quotes.size(tx, CampaignDraft("a", recipients=to(ONE), groups=[group_id], contacts=["x"])) == 4
        assert quotes.size(tx, CampaignDraft("a", recipients=to(ONE))) == 1


def test_a_large_quote_is_made_behind(engine: Engine) -> None:
    account = engine.account()
    with engine.runtime.begin() as tx:
        quote_id = quotes.ask(tx, account, CampaignDraft("Bonjour", recipients=to(ONE)))
        assert quotes.get(tx, account.id, quote_id) == {"id": quote_id, "status": "queued"}
    engine.settle()
    with engine.runtime.read() as tx:
        told = quotes.get(tx, account.id, quote_id)
        with pytest.raises(Refused, match="not_found"):
            quotes.get(tx, engine.account("Other").id, quote_id)
    assert (told["status"], told["credits"]) == ("finished", 1)


def test_a_large_quote_that_takes_long_stays_with_its_worker(engine: Engine) -> None:
    account = engine.account()
    group_id = engine.group(account, *(f"+336{12_000_000 + place}" for place in range(40)))
    asked = CampaignDraft("Bonjour", groups=[group_id])
    with engine.runtime.begin() as tx:
        quote_id = quotes.ask(tx, account, asked)
    job = jobs.claim(engine.runtime, engine.handlers)
    assert job is not None
    others: list[jobs.Job | None] = []

    def slow(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        if "FROM blacklist" in statement:
            engine.clock.forward(ms=jobs.LEASE_MS // 2)
            others.append(jobs.claim(engine.runtime, engine.handlers))

    event.listen(engine.database.engine, "after_cursor_execute", slow)
    quotes.run(engine.runtime, job, page=10)
    event.remove(engine.database.engine, "after_cursor_execute", slow)
    assert len(others) >= 4
    assert set(others) == {None}
    with engine.runtime.read() as tx:
        assert quotes.get(tx, account.id, quote_id)["status"] == "finished"


def test_a_worker_that_lost_a_large_quote_writes_nothing(engine: Engine) -> None:
    account = engine.account()
    with engine.runtime.begin() as tx:
        quote_id = quotes.ask(tx, account, CampaignDraft("Bonjour", recipients=to(ONE)))
    lost = jobs.claim(engine.runtime, engine.handlers)
    assert lost is not None
    engine.clock.forward(ms=jobs.LEASE_MS)
    assert jobs.claim(engine.runtime, engine.handlers) is not None
    quotes.run(engine.runtime, lost)
    with engine.runtime.read() as tx:
        assert quotes.get(tx, account.id, quote_id)["status"] == "queued"


def test_a_large_quote_that_is_refused_says_why(engine: Engine) -> None:
    account = engine.account()
    with engine.runtime.begin() as tx:
        quote_id = quotes.ask(tx, account, CampaignDraft("Bonjour", groups=[account.id]))
    engine.settle()
    with engine.runtime.read() as tx:
        told = quotes.get(tx, account.id, quote_id)
    assert (told["status"], told["problem"]["code"]) == ("failed", "unknown_group")


def test_a_quote_that_is_gone_is_nobodys_work(engine: Engine) -> None:
    account = engine.account()
    with engine.runtime.begin() as tx:
        jobs.add(tx, account.id, quotes.JOB, account.id)
    engine.settle()
    assert all(row.done_at for row in engine.all(table))
