"""What was sent, by day, weekday, hour, country or purpose: the account's own barometer."""

from collections import defaultdict
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from sqlalchemy import func, select

from core.runtime import Tx
from core.schema import send_counts

BY: Final = ("day", "weekday", "hour", "country", "purpose")
WEEKDAYS: Final = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def sends(tx: Tx, account_id: str, zone: ZoneInfo, since: int, until: int, by: str) -> list[dict[str, Any]]:
    """Messages, segments and millicredits that left between two times (ms), by hours of the account's zone, in natural order."""
    sums = [func.sum(send_counts.c[name]).label(name) for name in ("messages", "segments", "millicredits")]
    mine = (send_counts.c.account_id == account_id, send_counts.c.hour >= since, send_counts.c.hour < until)
    keys = (send_counts.c.hour, send_counts.c.country, send_counts.c.purpose)
    totals: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0])
    bucket = _bucket(by, zone)
    for row in tx.all(select(*keys, *sums).where(*mine).group_by(*keys)):
        line = totals[bucket(row)]
        for place, value in enumerate((row.messages, row.segments, row.millicredits)):
            line[place] += int(value)
    ordered = sorted(totals.items(), key=lambda item: WEEKDAYS.index(item[0]) if by == "weekday" else item[0])
    return [{by: key, "messages": line[0], "segments": line[1], "millicredits": line[2]} for key, line in ordered]


def _bucket(by: str, zone: ZoneInfo) -> Callable[[Any], str]:
    def local(row: Any) -> datetime:
        return datetime.fromtimestamp(row.hour / 1000, UTC).astimezone(zone)

    buckets: dict[str, Callable[[Any], str]] = {
        "day": lambda row: local(row).date().isoformat(),
        "weekday": lambda row: WEEKDAYS[local(row).weekday()],
        "hour": lambda row: f"{local(row).hour:02d}",
        "country": lambda row: str(row.country),
        "purpose": lambda row: str(row.purpose),
    }
    return buckets[by]
