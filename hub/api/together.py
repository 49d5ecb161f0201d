"""Rate limits over all processes: what each gave away is told to Redis, which answers what is left for everybody.

Nobody waits for Redis: a thread tells it of all accounts at once, four times a second while there are requests, and at once of an account
that was not heard of for so long. What several processes gave away meanwhile, beyond what there was, is owed: the bucket in Redis goes below
zero, and nobody gives anything until it has flowed back. While Redis is away each process goes by what it gave away itself.

Nothing is told twice: what Redis was told and did not answer may have been counted, and told again it would be owed again. So it is dropped,
and nothing more is told before Redis has answered a ping.
"""

import threading
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final, Protocol

import structlog
from redis.exceptions import RedisError

if TYPE_CHECKING:
    import redis

GAP_S: Final = 0.02  # between two tellings
AGAIN_S: Final = 5.0  # after Redis did not answer
MOST_AT_ONCE: Final = 1_000  # accounts
FAILURES: Final = (RedisError, OSError)
AWAY: Final = (
    "Redis can't be reached: each process limits the requests that it answers itself, so all together let more through."
)

# KEYS: a bucket of each account. ARGV: the quota, tokens a millisecond, and of each bucket what was taken. What is left of each, as text;
# a debt is at most the quota. By the clock of Redis, which is the same for all.
_TELL: Final = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local quota, per_ms = tonumber(ARGV[1]), tonumber(ARGV[2])
local left = {}
for place, key in ipairs(KEYS) do
    local known = redis.call('HMGET', key, 'tokens', 'at')
    local since = math.max(0, now - (tonumber(known[2]) or now))
    local tokens = math.min(quota, (tonumber(known[1]) or quota) + since * per_ms) - tonumber(ARGV[place + 2])
    tokens = math.max(tokens, -quota)
    redis.call('HSET', key, 'tokens', string.format('%.6f', tokens), 'at', string.format('%.0f', now))
    redis.call('PEXPIRE', key, math.ceil(2 * quota / per_ms))
    left[place] = string.format('%.6f', tokens)
end
return left
"""

log = structlog.get_logger()


class Teller(Protocol):
    """Who gives away, and is told what is left."""

    @property
    def rate(self) -> tuple[int, float]:
        """Of each bucket: how many tokens it holds, and how many flow back in a millisecond."""
        ...

    def untold(self, most: int) -> Mapping[str, int]:
        """Some accounts that are to be told of, each with what was given away since the last time; it is handed out once."""
        ...

    def hear(self, left: Mapping[str, float]) -> None:
        """What is left for everybody, now that what was handed out is counted."""
        ...


class Together:
    """The thread that tells. `soon` never waits, and never fails."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._some = threading.Event()
        self._closing = threading.Event()
        self._starting = threading.Lock()
        self._thread: threading.Thread | None = None
        self._client: redis.Redis | None = None
        self._away = False
        self._answers = False

    def soon(self, teller: Teller) -> None:
        """There is something to tell."""
        self._some.set()
        if self._thread is None:
            with self._starting:
                if self._thread is None:
                    self._start(teller)

    def close(self) -> None:
        """No more is told."""
        self._closing.set()
        self._some.set()
        if self._thread is not None:
            self._thread.join(1.0)
        if self._client is not None:
            self._client.close()

    def tell(self, teller: Teller) -> None:
        """Tell now, all there is. Raises one of FAILURES: what was under way just then is dropped, the rest is told the next time."""
        client = self._reached()
        if not self._answers:
            client.ping()
        self._answers = False  # until it did
        while told := teller.untold(MOST_AT_ONCE):
            teller.hear(self._told(client, told, *teller.rate))
            if len(told) < MOST_AT_ONCE:
                break
        self._answers = True

    def _start(self, teller: Teller) -> None:
        thread = threading.Thread(target=self._run, args=(teller,), name="smshub-limits", daemon=True)
        with suppress(
            RuntimeError
        ):  # the machine has no more threads: this process limits by itself until one can be started
            thread.start()
            self._thread = thread

    def _run(self, teller: Teller) -> None:
        while not self._closing.is_set():
            self._some.wait()
            self._some.clear()
            self._closing.wait(GAP_S if self._tried(teller) else AGAIN_S)

    def _tried(self, teller: Teller) -> bool:
        try:
            self.tell(teller)
        except FAILURES as error:
            if not self._away:
                log.warning("limits.apart", error=type(error).__name__, detail=AWAY)
            self._away = True
            return False
        self._away = False
        return True

    def _told(self, client: "redis.Redis", told: Mapping[str, int], quota: int, per_ms: float) -> Mapping[str, float]:
        keys = [f"smshub:limit:{account_id}" for account_id in told]
        answer: Any = client.eval(_TELL, len(keys), *keys, *map(str, (quota, per_ms, *told.values())))
        return dict(zip(told, map(float, answer), strict=True))

    def _reached(self) -> "redis.Redis":
        if self._client is None:
            from hub import wakes  # noqa: PLC0415 - Celery takes a third of a second to import, and `serve` needs none

            self._client = wakes.client(self._url)
        return self._client
