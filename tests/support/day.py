"""A day of the engine's work, each part of it named: what is measured, explained and shown."""

from typing import Any

from sqlalchemy import select

from core import jobs
from core.accounts import Account
from core.audience import contacts
from core.blacklist import entries
from core.carriers.contract import Accepted, Ambiguous, Attempt, Busy, Found, Inbound, Outcome, Receipt, Rejected
from core.credits import ledger
from core.schema import campaigns as campaign_rows
from core.schema import messages
from core.sending import campaigns, quotes, receipts, replies, singles, steps, sweeps
from core.sending.drafts import Draft
from core.sending.message import STATUSES
from core.sending.singles import Filters
from core.statistics import report, sends
from tests.support.engine import Engine
from tests.support.plans import Caught
from tests.support.scripted import Scripted, that

HOUR_MS = 3_600_000


def answers(attempt: Attempt) -> Outcome:
    """Each kind of answer, by the number."""
    kinds: dict[int, Outcome] = {
        1: Busy(attempt.reference, 1_000),
        2: Rejected(attempt.reference, "E1"),
        3: Ambiguous(attempt.reference, "timeout"),
    }
    return kinds.get(attempt.number % 10) or Accepted(attempt.reference, f"c-{attempt.reference}")


def carrier() -> Scripted:
    return Scripted(traits=that(looks_up=True), answer=answers)


def work(engine: Engine, account: Account, caught: Caught) -> None:
    """Everything once."""
    with caught.doing("submit"):
        engine.send_all(account, [Draft(f"+336123456{n}", "a", validity_minutes=1) for n in range(20, 40)])
        engine.send(account, "+33612345650", send_at=engine.clock.now + 1_000)
    with caught.doing("claim, record, close"):
        while engine.serve():
            pass
    _receipts(engine, caught)
    _lists(engine, account, caught)
    _campaigns(engine, account, caught)
    _time(engine, account, caught)
    _book(engine, account, caught)


def _receipts(engine: Engine, caught: Caught) -> None:
    sent = [row for row in engine.all(messages) if row.status == "sent"][-10:]
    with caught.doing("receipts"):
        came = [Receipt("failed_permanent", "E", 1, row.id) for row in sent[:5]]
        came += [Receipt("received", None, 1, None, row.carrier_id) for row in sent[5:]]
        receipts.inbox(engine.runtime)("scripted", came, [])
        receipts.apply(engine.runtime)
    with caught.doing("replies"):
        said = [Inbound(f"r{n}", sent[n].number, "36034", text, 1) for n, text in enumerate(("Oui", "STOP"))]
        receipts.inbox(engine.runtime)("scripted", [], [*said, Inbound("r9", 33699999999, "36034", "STOP", 1)])
        replies.apply(engine.runtime)


def _lists(engine: Engine, account: Account, caught: Caught) -> None:
    asked: tuple[dict[str, Any], ...] = (
        {},
        *({"status": status} for status in sorted(STATUSES)),
        {"reference": "r10"},
        {"number": 33600000007},
        {"created_after": engine.clock.now - 48 * HOUR_MS},
        {"created_before": engine.clock.now - 24 * 24 * HOUR_MS},
    )
    with engine.runtime.read() as tx:
        some = tx.one(select(campaign_rows.c.id).where(campaign_rows.c.account_id == account.id).limit(1))
        assert some is not None
        within = ({"campaign_id": some.id, "status": status} for status in ("received", "failed_permanent", "sending"))
        for filters in (*asked, {"campaign_id": some.id}, *within, {"number": 33600000007, "status": "received"}):
            with caught.doing(f"list of messages {sorted(filters)} {filters.get('status', '')}"):
                singles.page(tx, account.id, 50, None, Filters(**filters))
        (newest,) = singles.page(tx, account.id, 1).rows
        with caught.doing("search of contacts"):
            for q in ("dup", "zoe dupont", "06", None):
                contacts.page(tx, account.id, 50, None, q=q, look=100)
            contacts.page(tx, account.id, 50, None, archived=True)
            contacts.duplicates(tx, account.id, 50)
        with caught.doing("search of replies"):
            replies.page(tx, account.id, 50, None, replies.Filters(q="oui merci"))
            replies.page(tx, account.id, 50, None, replies.Filters(q="o", campaign_id=some.id), few=0)
        with caught.doing("one message"):
            singles.get(tx, account.id, newest.id)
        with caught.doing("list of campaigns"):
            found = campaigns.listing(tx, account.id, 50)
            campaigns.counted(tx, [row.id for row in found])
        with caught.doing("report"):
            report.report(tx, account.id, some.id)
            report.recipients(tx, account.id, some.id, 50)
            report.dropped(tx, some.id, 50)
        with caught.doing("statistics"):
            sends.sends(tx, account.id, account.zone, 0, engine.clock.now, "day")
        with caught.doing("ledger history"):
            ledger.history(tx, account.id, 50, None)


def _campaigns(engine: Engine, account: Account, caught: Caught) -> None:
    with caught.doing("campaign"):
        group_id = engine.group(account, *(f"+336123457{n}" for n in range(20, 40)))
        draft = campaigns.CampaignDraft("a", recipients=[{"to": "+33612345860"}], groups=[group_id])
        with engine.runtime.begin() as tx:
            quotes.size(tx, draft)
            quotes.quote(tx, account, draft)
            made = campaigns.create(tx, account, "api", draft)
        jobs.work(engine.runtime, engine.handlers)
    with caught.doing("resend"), engine.runtime.begin() as tx:
        campaigns.resend(tx, account, "api", made.id)
        campaigns.copy(tx, account, "api", made.id)
    with caught.doing("resend"):
        while jobs.work(engine.runtime, engine.handlers):
            pass
    with caught.doing("cancel"):
        with engine.runtime.begin() as tx:
            campaigns.cancel(tx, account.id, made.id)
        jobs.work(engine.runtime, engine.handlers)


def _time(engine: Engine, account: Account, caught: Caught) -> None:
    with caught.doing("claim, record, close"):
        engine.serve()
    engine.clock.forward(seconds=5)
    assert isinstance(engine.carrier, Scripted)
    unknown = [row.id for row in engine.all(messages) if row.status == "unknown"]
    engine.carrier.told = {id_: Found(id_, "c") for id_ in unknown[::2]}
    for days in (0, 1, 2, 1):
        engine.clock.forward(days=days)
        with caught.doing("steps"):
            while steps.take(engine.runtime, "test"):
                pass
        with caught.doing("sweeps"):
            steps.sweep_abandoned(engine.runtime)
            steps.sweep_overdue(engine.runtime)
            sweeps.finish_campaigns(engine.runtime)
            sweeps.fold(engine.runtime)
            sweeps.purge(engine.runtime)


def _book(engine: Engine, account: Account, caught: Caught) -> None:
    with caught.doing("blacklist"), engine.runtime.begin() as tx:
        entries.add(tx, account.id, 33612345678, "test", "api")
        entries.listed(tx, account.id, 50)
        entries.get(tx, account.id, 33612345678)
