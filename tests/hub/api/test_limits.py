import select
import socket
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, strategies

from hub.api.limits import Buckets, buckets_of
from hub.api.together import FAILURES, Teller, Together
from hub.settings import Settings
from tests.support.servers import RedisServer
from tests.support.serving import wait_for


@pytest.fixture(scope="module")
def redis_server() -> Iterator[RedisServer]:
    with RedisServer() as server:
        yield server


def test_a_full_bucket_gives_its_quota_and_then_says_when_to_come_back() -> None:
    buckets = Buckets(60)
    assert [buckets.take("a", 0).retry_after_s for _ in range(61)] == [None] * 60 + [1]
    assert buckets.take("a", 999).retry_after_s == 1
    assert buckets.take("a", 1000).retry_after_s is None


def test_each_account_has_a_bucket_of_its_own() -> None:
    buckets = Buckets(1)
    assert [buckets.take(name, 0).retry_after_s for name in ("a", "b", "a")] == [None, None, 60]


def test_the_headers_say_what_is_left() -> None:
    buckets = Buckets(60)
    assert buckets.take("a", 0).headers() == {
        "RateLimit-Policy": '"default";q=60;w=60',
        "RateLimit": '"default";r=59;t=1',
    }


def test_a_clock_that_goes_back_gives_nothing() -> None:
    buckets = Buckets(1)
    buckets.take("a", 60_000)
    assert buckets.take("a", 0).retry_after_s == 60


def test_to_ask_what_is_left_takes_nothing() -> None:
    buckets = Buckets(2)
    assert [buckets.left("a", 0).remaining for _ in range(3)] == [2, 2, 2]
    assert buckets.size == 0
    for _ in range(2):
        buckets.take("a", 0)
    assert (buckets.left("a", 0).remaining, buckets.left("a", 0).retry_after_s) == (0, 30)
    assert (buckets.left("a", 30_000).remaining, buckets.left("a", 30_000).retry_after_s) == (1, None)


@given(strategies.lists(strategies.integers(min_value=0, max_value=5000), max_size=200))
def test_no_more_than_quota_and_what_flowed_back_is_ever_given(pauses: list[int]) -> None:
    buckets, now, given_away = Buckets(30), 0, 0
    for pause in pauses:
        now += pause
        given_away += buckets.take("a", now).retry_after_s is None
    assert given_away <= 30 + 30 * now / 60_000


def test_memory_is_bounded_however_many_accounts_come() -> None:
    buckets = Buckets(60)
    for number in range(30_000):
        buckets.take(str(number), 0)
    assert buckets.size <= 10_000


class ByHand:
    """Tells when a test says so."""

    def __init__(self, url: str) -> None:
        self.together = Together(url)
        self.buckets = Buckets(60, self)
        self.wanted = 0

    def soon(self, _teller: Teller) -> None:
        self.wanted += 1

    def tell(self) -> None:
        self.together.tell(self.buckets)


@pytest.fixture
def processes(redis_server: RedisServer) -> Iterator[tuple[ByHand, ByHand]]:
    with redis_server.client() as client:
        client.flushall()
    one, two = ByHand(redis_server.url), ByHand(redis_server.url)
    yield one, two
    one.together.close()
    two.together.close()


def test_two_processes_share_one_limit_through_redis(processes: tuple[ByHand, ByHand]) -> None:
    one, two = processes
    for _ in range(40):
        one.buckets.take("a", 0)
    one.tell()
    assert two.buckets.take("a", 0).remaining == 59  # it has not heard yet
    two.tell()
    assert 17 <= two.buckets.take("a", 0).remaining <= 30  # and what flowed back while the test ran
    assert two.buckets.take("b", 0).remaining == 59


def test_what_was_given_away_beyond_the_limit_is_owed(processes: tuple[ByHand, ByHand]) -> None:
    for process in processes:
        for _ in range(55):
            process.buckets.take("a", 0)
        process.tell()
    budget = processes[1].buckets.take("a", 0)
    assert (budget.remaining, budget.headers()["RateLimit"].split(";")[1]) == (0, "r=0")
    assert 30 <= (budget.retry_after_s or 0) <= 51


def test_redis_is_told_at_once_of_an_account_that_was_not_heard_of_and_then_four_times_a_second(
    processes: tuple[ByHand, ByHand],
) -> None:
    one, _ = processes
    one.buckets.take("a", 0)
    assert one.wanted == 1
    one.tell()
    one.buckets.take("a", 249)
    assert one.wanted == 1
    one.buckets.take("a", 250)
    assert one.wanted == 2


def test_a_thread_tells_without_being_waited_for(processes: tuple[ByHand, ByHand], redis_server: RedisServer) -> None:
    one, _ = processes
    for _ in range(60):
        one.buckets.take("a", 0)
    one.tell()
    together = Together(redis_server.url)
    another = Buckets(60, together)
    first = another.take("a", 0).remaining
    wait_for(lambda: another.take("a", 0).remaining < first - 25)
    together.close()


def test_without_redis_each_process_limits_by_itself() -> None:
    together = Together("redis://127.0.0.1:1/0")
    lonely = Buckets(2, together)
    assert [lonely.take("a", 0).retry_after_s for _ in range(3)] == [None, None, 30]
    with pytest.raises(FAILURES):
        together.tell(lonely)
    assert lonely.take("a", 30_000).retry_after_s is None
    together.close()


class Wire:
    """Between a process and Redis: a socket that passes on what comes, and may lose an answer, or be away."""

    def __init__(self, home: Path, server: RedisServer) -> None:
        self._path, self._to = home / "wire.sock", server.home / "redis.sock"
        self._listener: socket.socket | None = None
        self.loses = False
        self.lost = threading.Event()

    @property
    def url(self) -> str:
        return f"redis+socket://{self._path}"

    def open(self) -> None:
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self._path))
        self._listener.listen()
        threading.Thread(target=self._accept, args=(self._listener,), daemon=True).start()

    def close(self) -> None:
        if self._listener is not None:
            self._listener.shutdown(socket.SHUT_RDWR)
            self._listener.close()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._pass, args=(near,), daemon=True).start()

    def _pass(self, near: socket.socket) -> None:
        with near, socket.socket(socket.AF_UNIX) as far, suppress(OSError):  # either end may go
            far.connect(str(self._to))
            while True:
                for come in select.select([near, far], [], [])[0]:
                    data = come.recv(65_536)
                    if not data:
                        return
                    if come is near:
                        far.sendall(data)
                    elif self.loses:
                        self.lost.set()  # it stays silent: whoever asked waits until its patience ends
                    else:
                        near.sendall(data)


@pytest.fixture
def wire(tmp_path: Path, redis_server: RedisServer) -> Iterator[Wire]:
    with redis_server.client() as client:
        client.flushall()
    made = Wire(tmp_path, redis_server)
    yield made
    made.close()


def test_what_redis_counted_but_did_not_answer_in_time_is_not_told_again(wire: Wire) -> None:
    wire.open()
    process = ByHand(wire.url)
    take(process, 10, 0)
    process.tell()
    wire.loses = True
    take(process, 20, 250)
    with pytest.raises(FAILURES):
        process.tell()
    assert wire.lost.is_set()
    wire.loses = False
    take(process, 1, 500)
    process.tell()
    assert 28 <= process.buckets.take("a", 500).remaining <= 45  # 60 less 32, and what flowed back while the test ran
    process.together.close()


def take(process: ByHand, count: int, now: int) -> None:
    for _ in range(count):
        process.buckets.take("a", now)


def test_what_could_not_be_told_because_redis_was_away_is_told_once_it_is_there(
    wire: Wire, processes: tuple[ByHand, ByHand]
) -> None:
    process = ByHand(wire.url)
    for _ in range(40):
        process.buckets.take("a", 0)
    for _ in range(3):
        with pytest.raises(FAILURES):
            process.tell()
    wire.open()
    process.tell()
    processes[0].buckets.take("a", 0)
    processes[0].tell()
    assert processes[0].buckets.take("a", 0).remaining <= 30
    process.together.close()


def test_where_no_thread_can_be_started_requests_are_answered_and_a_later_one_starts_it(
    redis_server: RedisServer,
) -> None:
    together = Together(redis_server.url)
    buckets = Buckets(60, together)

    def refuse(_thread: threading.Thread) -> None:
        raise RuntimeError

    with pytest.MonkeyPatch.context() as machine:
        machine.setattr(threading.Thread, "start", refuse)
        assert [buckets.take("threads", 0).remaining for _ in range(2)] == [59, 58]
        together.close()  # there is no thread to wait for
    together = Together(redis_server.url)
    buckets = Buckets(60, together)
    with pytest.MonkeyPatch.context() as machine:
        machine.setattr(threading.Thread, "start", refuse)
        buckets.take("threads", 0)
    buckets.take("threads", 0)
    with redis_server.client() as client:
        wait_for(lambda: client.exists("smshub:limit:threads"))
    together.close()


def test_memory_is_bounded_while_nobody_is_told(processes: tuple[ByHand, ByHand]) -> None:
    one, _ = processes
    for number in range(12_000):
        one.buckets.take(str(number), 0)
    assert one.buckets.size <= 10_000
    one.tell()
    assert one.buckets.untold(10) == {}


def test_sqlite_has_one_process_and_tells_nobody() -> None:
    settings = Settings(database_url="sqlite:///x", redis_url="redis://127.0.0.1:1/0", rate_per_minute=7)
    assert buckets_of(settings).take("a", 0).quota == 7


class Deaf:
    """Other processes that nobody can tell anything."""

    def soon(self, _teller: Teller) -> None:
        """Nobody hears it."""


def test_what_has_flowed_back_since_is_told_to_nobody() -> None:
    """Redis was away for long: what was given away an hour ago is nobody's debt."""
    buckets = Buckets(60, Deaf())
    for minute in range(60):
        for _ in range(60):
            assert buckets.take("a", minute * 60_000).retry_after_s is None
    assert buckets.take("a", 60 * 60_000).remaining == 59
    assert buckets.untold(10) == {"a": 1}
