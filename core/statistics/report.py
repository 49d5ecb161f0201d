"""The report of a campaign: five groups that sum to 100 %, from the counters, however many messages there are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Row, func, select

from core.ranges import within
from core.runtime import Tx
from core.schema import campaign_counts, campaign_drops, messages
from core.sending import campaigns
from core.sending.message import GROUPS

HUNDREDTHS: Final = 10_000  # of the whole: rates are per cent with two places


@dataclass(frozen=True, slots=True)
class Report:
    """A campaign and its figures. `groups` has (count, rate in per cent) by group; `dropped` counts by reason."""

    campaign: Row[Any]
    by_status: Mapping[str, int]
    groups: Mapping[str, tuple[int, float]]
    by_country: Mapping[str, int]
    millicredits: int
    contacts: int
    dropped: Mapping[str, int]


def report(tx: Tx, account_id: str, campaign_id: str) -> Report:
    """The report as of now. Refuses with `not_found`."""
    row = campaigns.get(tx, account_id, campaign_id)
    sums = select(
        campaign_counts.c.status,
        campaign_counts.c.country,
        func.sum(campaign_counts.c.messages).label("messages"),
        func.sum(campaign_counts.c.millicredits).label("millicredits"),
    )
    lines = tx.all(
        sums.where(campaign_counts.c.campaign_id == campaign_id).group_by(
            campaign_counts.c.status, campaign_counts.c.country
        )
    )
    by_status: dict[str, int] = {}
    by_country: dict[str, int] = {}
    for line in lines:
        by_status[line.status] = by_status.get(line.status, 0) + int(line.messages)
        by_country[line.country] = by_country.get(line.country, 0) + int(line.messages)
    by_status = {status: count for status, count in by_status.items() if count}
    if row.status == "scheduled":  # its explicit recipients wait, though they are no messages yet
        by_status["scheduled"] = campaigns.known_recipients(tx, campaign_id)
    counts = {group: sum(by_status.get(status, 0) for status in statuses) for group, statuses in GROUPS.items()}
    reasons = select(campaign_drops.c.reason, func.count().label("drops")).where(
        campaign_drops.c.campaign_id == campaign_id
    )
    return Report(
        campaign=row,
        by_status=by_status,
        groups={
            group: (count, rate)
            for (group, count), rate in zip(counts.items(), rates(list(counts.values())), strict=True)
        },
        by_country={country: count for country, count in by_country.items() if count},
        millicredits=sum(int(line.millicredits) for line in lines),
        contacts=sum(by_status.values()),
        dropped={line.reason: line.drops for line in tx.all(reasons.group_by(campaign_drops.c.reason))},
    )


def rates(counts: Sequence[int]) -> list[float]:
    """Shares in per cent with two places that sum to exactly 100 (0 each of nothing): what rounding leaves goes to the largest rests."""
    total = sum(counts)
    if not total:
        return [0.0] * len(counts)
    shares = [divmod(count * HUNDREDTHS, total) for count in counts]
    missing = HUNDREDTHS - sum(whole for whole, _ in shares)
    largest = sorted(range(len(counts)), key=lambda place: -shares[place][1])[:missing]
    return [(whole + (place in largest)) / 100 for place, (whole, _) in enumerate(shares)]


def recipients(tx: Tx, account_id: str, campaign_id: str, limit: int, after: str | None = None) -> Sequence[Row[Any]]:
    """One row a message of the campaign, in the order they were made; deleted ones too: a report keeps them."""
    campaigns.get(tx, account_id, campaign_id)
    mine = within(messages.c.campaign_id, campaign_id, messages.c.id, above=after)
    return tx.all(select(messages).where(mine).order_by(messages.c.campaign_id, messages.c.id).limit(limit))


def dropped(tx: Tx, campaign_id: str, limit: int, after: str | None = None) -> Sequence[Row[Any]]:
    """The recipients that became no message, each with its reason."""
    mine = within(campaign_drops.c.campaign_id, campaign_id, campaign_drops.c.id, above=after)
    ordered = select(campaign_drops).where(mine).order_by(campaign_drops.c.campaign_id, campaign_drops.c.id)
    return tx.all(ordered.limit(limit))
