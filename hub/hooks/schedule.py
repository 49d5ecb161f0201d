"""When to try again, pure: the schedule of one delivery, and how long its receiver is left alone meanwhile.

Ten attempts over about 75 hours, as the Standard Webhooks rules suggest. A failure holds back the whole receiver for a moment that
doubles with each one in a row: a dead receiver with a million deliveries waiting is asked once in five minutes, not a million times.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

SECOND: Final = 1000
MINUTE: Final = 60 * SECOND
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

# After the first attempt, which is made at once.
WAITS: Final = (
    *(5 * SECOND, 5 * MINUTE, 30 * MINUTE),
    *(2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR),
)
ATTEMPTS: Final = len(WAITS) + 1
JITTER: Final = 0.1  # of the wait, so that what failed together does not come back together
SLOW_MS: Final = 2 * SECOND
FIRST_HOLD: Final = SECOND
LONGEST_HOLD: Final = 5 * MINUTE
THROTTLED: Final = frozenset({429, 502, 503, 504})
THROTTLE_HOLD: Final = 5 * SECOND
LONGEST_RETRY_AFTER: Final = DAY
LONGEST_ASKED_HOLD: Final = HOUR
GIVE_UP_AFTER: Final = 3 * DAY
GONE: Final = 410


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one attempt: an HTTP status, or the reason why there is none. `retry_after` is in ms."""

    status: int | None
    error: str | None
    took_ms: int
    retry_after: int | None = None

    @property
    def ok(self) -> bool:
        """Only 2xx is taken; a redirect is a failure, and is not followed."""
        return self.status is not None and 200 <= self.status < 300

    @property
    def gone(self) -> bool:
        return self.status == GONE

    @property
    def prompt(self) -> bool:
        return self.ok and self.took_ms < SLOW_MS


def wait(made: int, outcome: Outcome, chance: float) -> int | None:
    """How long until the next attempt when `made` have failed, in ms; None: that was the last. `chance` is from 0 to 1."""
    if made > len(WAITS):
        return None
    planned = WAITS[made - 1]
    return max(planned + int(planned * JITTER * chance), min(outcome.retry_after or 0, LONGEST_RETRY_AFTER))


def hold(failures: int, outcome: Outcome) -> int:
    """How long the receiver is left alone after this many failures in a row, in ms."""
    doubled = min(FIRST_HOLD << min(failures - 1, 20), LONGEST_HOLD)
    if outcome.status not in THROTTLED:
        return doubled
    asked = THROTTLE_HOLD if outcome.retry_after is None else min(outcome.retry_after, LONGEST_ASKED_HOLD)
    return max(doubled, asked)


def retry_after(headers: Mapping[str, str], now: int) -> int | None:
    """The Retry-After header (RFC 9110 section 10.2.3: seconds, or a date) as ms from now; None if absent or unreadable."""
    given = headers.get("retry-after", "").strip()
    if given.isascii() and given.isdecimal():
        return min(int(given[:9]) * SECOND, LONGEST_RETRY_AFTER)
    try:
        at = parsedate_to_datetime(given)
    except (ValueError, IndexError, TypeError):
        return None
    return max(0, int(at.replace(tzinfo=at.tzinfo or UTC).timestamp() * 1000) - now)
