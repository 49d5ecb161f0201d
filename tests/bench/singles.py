"""POST /messages, sixty-four at a time over connections that are kept; each durable before its 201."""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from sqlalchemy import func, select

from core.schema import messages
from tests.bench import load
from tests.bench.campaign import hold
from tests.bench.figure import Bench, Figure, Measured
from tests.bench.place import Hub, Place, hub_on

AT_ONCE: Final = 64
USUAL: Final = 40_000
WARM: Final = 2_000


def stored(hub: Hub) -> int:
    """How many messages the database has."""
    with hub.runtime.read() as tx:
        return int(tx.scalar(select(func.count()).select_from(messages)))


def _measure(place: Place) -> Iterator[Measured]:
    with hub_on(place) as hub:
        yield from ({"single_per_s": rate} for rate in _rates(place, hub, ("web",), place.count(USUAL)))


def _measure_sqlite(place: Place) -> Iterator[Measured]:
    with hub_on(place, "sqlite") as hub:
        yield from ({"single_sqlite_per_s": rate} for rate in _rates(place, hub, (), place.count(USUAL // 10)))


def _rates(place: Place, hub: Hub, roles: tuple[str, ...], count: int) -> Iterator[float]:
    _, key = hub.account()
    hold(hub)
    hub.start(*roles)
    _post(hub, key, place.count(WARM))
    for _ in range(place.runs):
        with hub.watched(f"singles on {hub.kind}"):
            yield _post(hub, key, count)


def _post(hub: Hub, key: str, count: int) -> float:
    """Requests a second; every one of them is in the database then."""
    before = stored(hub)
    bodies = iter(list(islice(load.singles(before), count)))
    found = load.posts("127.0.0.1", hub.port, "/api/v1/messages", key, bodies, concurrency=AT_ONCE)
    if found.statuses != {201: count} or stored(hub) - before != count:
        raise AssertionError(f"{stored(hub) - before} of {count} are in the database; {found.statuses}")
    return found.per_s


SINGLES: Final = Bench(
    "singles",
    (
        Figure(
            "single_per_s", f"POST /messages at concurrency {AT_ONCE}, each durable before its 201", "/s", 4_000, 8_000
        ),
    ),
    _measure,
)
SINGLES_SQLITE: Final = Bench(
    "singles-sqlite",
    (Figure("single_sqlite_per_s", f"POST /messages at concurrency {AT_ONCE}", "/s", database="SQLite"),),
    _measure_sqlite,
)
