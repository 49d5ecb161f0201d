"""What is looked at again and again."""

from core.schema import (
    campaign_counts,
    campaigns,
    carrier_ids,
    chunks,
    jobs,
    outbox,
    quotes,
    receipt_batches,
    receipts,
    send_counts,
    windows,
)
from core.sending import sweeps
from tests.support import rows
from tests.support.engine import Engine

ONE, TWO = "+33612345620", "+33612345621"


def test_a_campaign_is_finished_when_nothing_is_scheduled_queued_or_sending(engine: Engine) -> None:
    account = engine.account()
    made = engine.campaign(account, ONE, "+33612345613")  # the answer and the receipt of the second are lost
    assert sweeps.finish_campaigns(engine.runtime) == 0
    engine.settle()
    assert sorted(engine.statuses(account).values()) == ["received", "unknown"]
    assert engine.campaign_row(made.id).status == "finished"
    assert len(engine.facts(account, "campaign.finished")) == 1


def test_many_that_are_busy_do_not_hide_one_that_is_over(engine: Engine) -> None:
    account = engine.account()
    with engine.runtime.begin() as tx:
        for _ in range(sweeps.PAGE):
            busy = rows.campaign(tx, account.id, status="sending")
            counted = {
                "id": tx.new_id(),
                "campaign_id": busy,
                "status": "queued",
                "country": "FR",
                "messages": 1,
                "millicredits": 0,
            }
            tx.execute(campaign_counts.insert().values(**counted))
        over = rows.campaign(tx, account.id, status="sending")
    assert sweeps.finish_campaigns(engine.runtime) == 1
    assert engine.one(campaigns, over).status == "finished"


def test_folding_the_counters_changes_no_sum(engine: Engine) -> None:
    account = engine.account()
    made = engine.campaign(account, ONE, TWO)
    engine.settle()
    with engine.runtime.begin() as tx:
        for _ in range(sweeps.FOLD_ROWS):
            row = {"campaign_id": made.id, "country": "FR", "status": "queued"}
            tx.execute(campaign_counts.insert().values(id=tx.new_id(), **row, messages=1, millicredits=1))
            tx.execute(campaign_counts.insert().values(id=tx.new_id(), **row, messages=-1, millicredits=-1))
            hour = {"account_id": account.id, "hour": 0, "country": "FR", "purpose": "marketing"}
            tx.execute(send_counts.insert().values(id=tx.new_id(), **hour, messages=1, segments=2, millicredits=3))
            tx.execute(send_counts.insert().values(id=tx.new_id(), **hour, messages=1, segments=2, millicredits=3))
    assert sweeps.fold(engine.runtime) == 2
    assert engine.faults() == []
    assert [(row.status, row.messages, row.millicredits) for row in engine.all(campaign_counts)] == [
        ("received", 2, 2000)
    ]
    (folded,) = [row for row in engine.all(send_counts) if row.hour == 0]
    assert (folded.messages, folded.segments, folded.millicredits) == (100, 200, 300)
    assert sweeps.fold(engine.runtime) == 0


def test_what_is_old_and_done_with_goes_and_what_waits_stays(engine: Engine) -> None:
    with engine.runtime.begin() as tx:
        for done in (None, tx.now):
            tx.execute(
                outbox.insert().values(
                    due_at=0, id=tx.new_id(), account_id=tx.new_id(), type="x", payload="[]", at=1, relayed_at=done
                )
            )
            receipt = {"carrier": "c", "status": "received", "at": 1, "received_at": 1, "due_at": 1}
            tx.execute(receipts.insert().values(id=tx.new_id(), **receipt, applied_at=done))
            window = {
                "chunk_id": tx.new_id(),
                "carrier": "c",
                "owner": "o",
                "size": 1,
                "claimed_at": 1,
                "lease_until": 1,
            }
            tx.execute(windows.insert().values(id=tx.new_id(), **window, closed_at=done))
            batch = {"carrier": "c", "size": 0, "raw": "[]", "received_at": 1}
            tx.execute(receipt_batches.insert().values(id=tx.new_id(), **batch, applied_at=done))
            chunk = {"carrier": "c", "purpose": "otp", "step": "send", "due_at": 1, "expires_at": 1, "lease_until": 0}
            status = "ready" if done is None else "done"
            account_id = tx.new_id()
            tx.execute(
                chunks.insert().values(id=tx.new_id(), account_id=account_id, status=status, created_at=1, **chunk)
            )
            job = {"kind": "k", "subject_id": tx.new_id(), "due_at": 1, "failures": 0, "attempt": 0, "done_at": done}
            tx.execute(jobs.insert().values(id=tx.new_id(), account_id=account_id, **job))
            named = {"carrier_id": "c-1", "carrier": "c", "message_id": tx.new_id()}
            tx.execute(carrier_ids.insert().values(**named, at=tx.now if done else tx.now + 60 * sweeps.DAY_MS))
        tx.execute(quotes.insert().values(id=tx.new_id(), account_id=tx.new_id(), status="x", draft="{}", created_at=1))
    gone = []
    for days in (1, 2, 5, 1, 30, 60):
        engine.clock.forward(days=days)
        gone.append(sweeps.purge(engine.runtime))
    # windows after two days; events, chunks and quotes after a week; receipts, both kinds, and jobs after a month
    assert gone == [0, 1, 3, 0, 3, 1]
    kept = (outbox, receipt_batches, receipts, windows, chunks, jobs, carrier_ids, quotes)
    assert [len(engine.all(table)) for table in kept] == [1, 1, 1, 1, 1, 1, 1, 0]
