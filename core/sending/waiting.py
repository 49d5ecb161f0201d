"""What of an account is queued, newest first. No index knows who is queued, so that no move of a message has to change one: whoever
asks finds them in the chunks that are still open.
"""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, select

from core.runtime import Tx
from core.schema import campaigns, chunks, messages


def queued(
    tx: Tx,
    account_id: str,
    limit: int,
    wanted: Sequence[ColumnElement[bool]],
    campaign_id: str | None,
    above: str,
    below: str,
) -> Sequence[Row[Any]]:
    """The newest `limit` queued messages of the account, or of its campaign, with ids between two others; `wanted` says what else."""
    found: list[Row[Any]] = []
    for chunk_id, newest in _open(tx, account_id, campaign_id, below):
        if newest <= above or (len(found) == limit and found[-1].id > newest):
            break
        found += tx.all(_in_chunk(chunk_id, wanted, above, below).limit(limit))
        found = sorted(found, key=lambda row: str(row.id), reverse=True)[:limit]
    return found


def _in_chunk(chunk_id: str, wanted: Sequence[ColumnElement[bool]], above: str, below: str) -> Select[Any]:
    mine = select(messages).where(messages.c.chunk_id == chunk_id, messages.c.status == "queued", *wanted)
    between = mine.where(messages.c.id > above, messages.c.id < below)
    return between.order_by(messages.c.chunk_id.desc(), messages.c.id.desc())


def _open(tx: Tx, account_id: str, campaign_id: str | None, below: str) -> list[tuple[str, str]]:
    """The chunks that may hold queued messages, and the newest message of each before `below`; the newest first."""
    before = select(messages.c.id).where(messages.c.chunk_id == chunks.c.id, messages.c.id < below)
    newest = (
        before.order_by(messages.c.chunk_id.desc(), messages.c.id.desc()).limit(1).correlate(chunks).scalar_subquery()
    )
    found = select(chunks.c.id, newest.label("newest")).where(chunks.c.step == "send")
    rows = [row for which in _whose(account_id, campaign_id) for row in tx.all(found.where(*which))]
    return sorted(((row.id, row.newest) for row in rows if row.newest), key=lambda pair: str(pair[1]), reverse=True)


def _whose(account_id: str, campaign_id: str | None) -> list[tuple[ColumnElement[bool], ...]]:
    """Each has its own index: chunks that are ready, and those of campaigns that are being expanded."""
    if campaign_id is not None:
        return [(chunks.c.campaign_id == campaign_id, chunks.c.status != "done")]
    expanding = select(campaigns.c.id).where(campaigns.c.status == "expanding", campaigns.c.account_id == account_id)
    building = (chunks.c.campaign_id.in_(expanding), chunks.c.status == "building")
    return [(chunks.c.account_id == account_id, chunks.c.status == "ready"), building]
