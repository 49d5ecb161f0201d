"""What is looked at again and again: campaigns that are over, counters to be folded, rows that are old enough to go."""

from typing import Final

from sqlalchemy import delete, func, select, update

from core import events
from core.runtime import Runtime, Tx
from core.schema import campaign_counts, campaigns, outbox, quotes, receipts, send_counts, windows

DAY_MS: Final = 24 * 3_600_000
KEPT_MS: Final = {"outbox": 7 * DAY_MS, "receipts": 30 * DAY_MS, "windows": 2 * DAY_MS, "quotes": 7 * DAY_MS}
FOLD_ROWS: Final = 50  # fold what has more rows than this
PAGE: Final = 200
PURGE_PAGE: Final = 10_000


def finish_campaigns(runtime: Runtime) -> int:
    """Campaigns of which nothing is scheduled, queued or sending are finished, and their accounts are told."""
    with runtime.begin() as tx:
        open_ = select(campaigns.c.id, campaigns.c.account_id).where(campaigns.c.status == "sending")
        rows = tx.all(open_.order_by(campaigns.c.id).limit(PAGE).with_for_update(skip_locked=True))
        if not rows:
            return 0
        busy = _busy(tx, [row.id for row in rows])
        over = [row for row in rows if row.id not in busy]
        for row in over:
            tx.execute(update(campaigns).where(campaigns.c.id == row.id).values(status="finished", finished_at=tx.now))
            events.emit(tx, row.account_id, "campaign.finished", [{"campaign_id": row.id, "at": tx.now}])
    return len(over)


def _busy(tx: Tx, campaign_ids: list[str]) -> set[str]:
    waiting = campaign_counts.c.status.in_(("scheduled", "queued", "sending"))
    these = tx.among(campaign_counts.c.campaign_id, campaign_ids)
    sums = select(campaign_counts.c.campaign_id).where(these, waiting).group_by(campaign_counts.c.campaign_id)
    return {row.campaign_id for row in tx.all(sums.having(func.sum(campaign_counts.c.messages) > 0))}


def fold(runtime: Runtime) -> int:
    """Put the differences of the counters together where there are many; how many counters."""
    return _fold_campaigns(runtime) + _fold_sends(runtime)


def _fold_campaigns(runtime: Runtime) -> int:
    counts = campaign_counts
    with runtime.begin() as tx:
        many = select(counts.c.campaign_id).group_by(counts.c.campaign_id).having(func.count() > FOLD_ROWS).limit(PAGE)
        found = [row.campaign_id for row in tx.all(many)]
        for campaign_id in found:
            gone = tx.all(delete(counts).where(counts.c.campaign_id == campaign_id).returning(*counts.c))
            sums: dict[tuple[str, str], list[int]] = {}
            for row in gone:
                line = sums.setdefault((row.status, row.country), [0, 0])
                line[0] += row.messages
                line[1] += row.millicredits
            rows = [(tx.new_id(), campaign_id, *key, *line) for key, line in sums.items() if any(line)]
            tx.insert(counts, ("id", "campaign_id", "status", "country", "messages", "millicredits"), rows)
    return len(found)


def _fold_sends(runtime: Runtime) -> int:
    counts = send_counts
    with runtime.begin() as tx:
        many = select(counts.c.account_id, counts.c.hour).group_by(counts.c.account_id, counts.c.hour)
        found = tx.all(many.having(func.count() > FOLD_ROWS).limit(PAGE))
        for account_id, hour in ((row.account_id, row.hour) for row in found):
            mine = delete(counts).where(counts.c.account_id == account_id, counts.c.hour == hour)
            sums: dict[tuple[str, str], list[int]] = {}
            for row in tx.all(mine.returning(*counts.c)):
                line = sums.setdefault((row.country, row.purpose), [0, 0, 0])
                line[0] += row.messages
                line[1] += row.segments
                line[2] += row.millicredits
            rows = [(tx.new_id(), account_id, hour, *key, *line) for key, line in sums.items()]
            columns = ("id", "account_id", "hour", "country", "purpose", "messages", "segments", "millicredits")
            tx.insert(counts, columns, rows)
    return len(found)


def purge(runtime: Runtime) -> int:
    """Delete a page of what is old enough and done with; messages, transfers and the audit trail stay."""
    with runtime.begin() as tx:
        old = {
            outbox: outbox.c.relayed_at < tx.now - KEPT_MS["outbox"],
            receipts: receipts.c.applied_at < tx.now - KEPT_MS["receipts"],
            windows: windows.c.closed_at < tx.now - KEPT_MS["windows"],
            quotes: quotes.c.created_at < tx.now - KEPT_MS["quotes"],
        }
        gone = 0
        for table, condition in old.items():
            page = select(table.c.id).where(condition).order_by(table.c.id).limit(PURGE_PAGE).scalar_subquery()
            gone += tx.execute(delete(table).where(table.c.id.in_(page)))
    return gone
