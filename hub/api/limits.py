"""Rate limits: a bucket of tokens for each account. One request takes one token; they flow back steadily.

Buckets are in this process; with Redis they are brought into line with those of all others (`together`), so that the limit is one.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import islice
from typing import Final, Protocol

from hub.api.together import Teller, Together
from hub.settings import Settings

WINDOW_S: Final = 60
HEARD_MS: Final = 250  # for how long what was heard of the other processes is good enough
_MOST_BUCKETS: Final = 10_000


@dataclass(frozen=True, slots=True)
class Budget:
    """What is left: `remaining` of `quota` requests, the whole again in `reset_s`; `retry_after_s` when there was none left."""

    quota: int
    remaining: int
    reset_s: int
    retry_after_s: int | None

    def headers(self) -> dict[str, str]:
        """draft-ietf-httpapi-ratelimit-headers-11; Retry-After (RFC 9110 section 10.2.3) is the promise."""
        shown = {
            "RateLimit-Policy": f'"default";q={self.quota};w={WINDOW_S}',
            "RateLimit": f'"default";r={self.remaining};t={self.reset_s}',
        }
        return shown if self.retry_after_s is None else shown | {"Retry-After": str(self.retry_after_s)}


class Others(Protocol):
    """The other processes, in whatever way they are told."""

    def soon(self, teller: Teller) -> None:
        """There is something to tell; nobody waits for it."""
        ...


@dataclass(slots=True)
class _Bucket:
    """Tokens at a time; what was taken of them that was not handed out to be told; when the other processes were last heard of."""

    tokens: float
    at: int
    untold: int = 0
    heard_at: int | None = None

    def is_stale(self, now: int) -> bool:
        return self.heard_at is None or abs(now - self.heard_at) >= HEARD_MS


class Buckets:
    """`per_minute` tokens for each account at most, and that many a minute."""

    def __init__(self, per_minute: int, others: Others | None = None) -> None:
        """`others`: the processes that share this limit."""
        self._quota = per_minute
        self._per_ms = per_minute / (WINDOW_S * 1000)
        self._buckets: dict[str, _Bucket] = {}
        self._stale: set[str] = set()  # taken from, and not heard of for a while
        self._lock = threading.Lock()
        self._others = others

    @property
    def rate(self) -> tuple[int, float]:
        """Tokens of a full bucket, and how many flow back in a millisecond."""
        return self._quota, self._per_ms

    @property
    def size(self) -> int:
        """How many buckets are remembered."""
        return len(self._buckets)

    def take(self, account_id: str, now: int, price: int = 1) -> Budget:
        """Take a token of the account, or `price` of them, if there are so many, at `now` (ms; a clock that goes back gives nothing)."""
        with self._lock:
            bucket = self._buckets.get(account_id)
            if bucket is None:
                bucket = self._buckets[account_id] = _Bucket(float(self._quota), now)
            tokens = self._filled(bucket, now)
            taken = price if tokens >= price else 0
            bucket.tokens, bucket.at = tokens - taken, now
            bucket.untold += taken
            if len(self._buckets) > _MOST_BUCKETS:
                self._forget_full(now)
            stale = self._others is not None and bucket.is_stale(now)
            if stale:
                self._stale.add(account_id)
        if self._others is not None and stale:
            self._others.soon(self)
        return self._budget(tokens - taken, 0 if taken else price)

    def left(self, name: str, now: int) -> Budget:
        """What is left, with nothing taken."""
        with self._lock:
            bucket = self._buckets.get(name)
            tokens = float(self._quota) if bucket is None else self._filled(bucket, now)
        return self._budget(tokens, 0 if tokens >= 1 else 1)

    def untold(self, most: int) -> Mapping[str, int]:
        """For Redis: what was taken of buckets that were not told of lately, and has not flowed back since.

        It is handed out once: who loses it does not tell it again.
        """
        with self._lock:
            names = list(islice(self._stale, most))
            self._stale.difference_update(names)
            told = {}
            for name, bucket in ((name, self._buckets[name]) for name in names if name in self._buckets):
                told[name] = min(bucket.untold, _up(self._quota - bucket.tokens))
                bucket.untold = 0
            return told

    def hear(self, left: Mapping[str, float]) -> None:
        """From Redis: what is left for all processes, once it knew what was told; what was taken since is still to be told."""
        with self._lock:
            for name, tokens in left.items():
                bucket = self._buckets.get(name)
                if bucket is not None:
                    bucket.tokens = tokens - bucket.untold
                    bucket.heard_at = bucket.at

    def _filled(self, bucket: _Bucket, now: int) -> float:
        return min(self._quota, bucket.tokens + max(0, now - bucket.at) * self._per_ms)

    def _budget(self, tokens: float, wanted: int) -> Budget:
        """What is left; `wanted`: for how many tokens somebody waits."""
        reset_s = _up(((self._quota - tokens) / self._per_ms) / 1000)
        again_s = max(1, _up((wanted - tokens) / self._per_ms / 1000)) if wanted else None
        return Budget(self._quota, max(0, int(tokens)), reset_s, again_s)

    def _forget_full(self, now: int) -> None:
        """A bucket of long ago is full, as one that was never used; without any such, the oldest half is forgotten."""
        full = [name for name, bucket in self._buckets.items() if now - bucket.at > WINDOW_S * 1000]
        for name in full or list(self._buckets)[: _MOST_BUCKETS // 2]:
            del self._buckets[name]
            self._stale.discard(name)


def buckets_of(settings: Settings) -> Buckets:
    """Those of a hub's web: one limit over all processes where Redis tells them of each other."""
    shared = settings.redis_url if not settings.sqlite else None
    return Buckets(settings.rate_per_minute, Together(shared) if shared else None)


def _up(seconds: float) -> int:
    return int(-(-seconds // 1))
