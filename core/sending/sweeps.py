"""What is looked at again and again: campaigns that are over, counters to be folded, rows that are old enough to go."""

from typing import Any, Final

from sqlalchemy import (
    Column,
    ColumnElement,
    Exists,
    Subquery,
    Table,
    any_,
    delete,
    func,
    literal_column,
    select,
    true,
    update,
)

from core import events
from core.runtime import Runtime, Tx
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
from core.sending.singles import id_at

DAY_MS: Final = 24 * 3_600_000
KEPT_MS: Final = {
    "outbox": 7 * DAY_MS,
    "receipt_batches": 30 * DAY_MS,
    "receipts": 30 * DAY_MS,
    "carrier_ids": 60 * DAY_MS,  # no receipt is waited for that long
    "windows": 2 * DAY_MS,
    "chunks": 7 * DAY_MS,
    "jobs": 30 * DAY_MS,
    "quotes": 7 * DAY_MS,
}
FOLD_ROWS: Final = 50  # fold what got more rows than this in the last day
# The index is of those that are open; SQLite takes it where its condition is said word for word, and not with parameters.
OPEN: Final = campaigns.c.status.in_([literal_column(f"'{status}'") for status in ("expanding", "sending")])
WAITING: Final = ("scheduled", "queued", "sending")
PAGE: Final = 200
FOLD_PAGE: Final = 100_000
PURGE_PAGE: Final = 2_000  # some rows are of 100 kB


def finish_campaigns(runtime: Runtime) -> int:
    """Campaigns of which nothing is scheduled, queued or sending are finished, and their accounts are told."""
    with runtime.begin() as tx:
        idle = select(campaigns.c.id, campaigns.c.account_id).where(OPEN, campaigns.c.status == "sending", ~_busy())
        over = tx.all(idle.limit(PAGE).with_for_update(skip_locked=True))
        ended = update(campaigns).where(tx.among(campaigns.c.id, [row.id for row in over]))
        tx.execute(ended.values(status="finished", finished_at=tx.now, updated_at=tx.now))
        for row in over:
            events.emit(tx, row.account_id, "campaign.finished", [{"campaign_id": row.id, "at": tx.now}])
    return len(over)


def _busy() -> Exists:
    """Whether something of a campaign is still to be sent, by its counters."""
    theirs = select(campaign_counts.c.campaign_id).where(
        campaign_counts.c.campaign_id == campaigns.c.id, campaign_counts.c.status.in_(WAITING)
    )
    return theirs.group_by(campaign_counts.c.campaign_id).having(func.sum(campaign_counts.c.messages) > 0).exists()


def fold(runtime: Runtime) -> int:
    """Put the differences of the counters together where there are many; how many counters."""
    return _fold_campaigns(runtime) + _fold_sends(runtime)


def _fold_campaigns(runtime: Runtime) -> int:
    counts = campaign_counts
    with runtime.begin() as tx:
        lately = _lately(counts, tx.now)
        many = select(lately.c.campaign_id).group_by(lately.c.campaign_id).having(func.count() > FOLD_ROWS).limit(PAGE)
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


def _lately(counts: Table, now: int) -> Subquery:
    """The differences of the last day: what is older was folded. The limit also keeps SQLite from walking another index, all of it."""
    return select(counts).where(counts.c.id >= id_at(now - DAY_MS)).order_by(counts.c.id).limit(FOLD_PAGE).subquery()


def _fold_sends(runtime: Runtime) -> int:
    counts = send_counts
    with runtime.begin() as tx:
        lately = _lately(counts, tx.now)
        many = select(lately.c.account_id, lately.c.hour).group_by(lately.c.account_id, lately.c.hour)
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
    """Delete a page of what is old enough and done with; messages, transfers and the audit trail stay. Ids tell the age."""
    with runtime.begin() as tx:
        done = {
            outbox: outbox.c.relayed_at.is_not(None),
            receipt_batches: receipt_batches.c.applied_at.is_not(None),
            receipts: receipts.c.applied_at.is_not(None),
            windows: windows.c.closed_at.is_not(None),
            chunks: chunks.c.status == "done",
            jobs: jobs.c.done_at.is_not(None),
            quotes: true(),
        }
        gone = _delete(tx, carrier_ids, carrier_ids.c.at, carrier_ids.c.at < tx.now - KEPT_MS["carrier_ids"])
        for table, condition in done.items():
            old = table.c.id < id_at(tx.now - KEPT_MS[table.name])
            gone += _delete(tx, table, table.c.id, old & condition)
    return gone


def _delete(tx: Tx, table: Table, order: Column[Any], old: ColumnElement[bool]) -> int:
    """A page of the oldest, by where they lie: a page's ids would be joined with the whole of a table that is not very large."""
    place: ColumnElement[Any] = literal_column("ctid" if tx.postgresql else "rowid")
    page = select(place).select_from(table).where(old).order_by(order).limit(PURGE_PAGE).scalar_subquery()
    return tx.execute(delete(table).where(place == any_(func.array(page)) if tx.postgresql else place.in_(page)))
