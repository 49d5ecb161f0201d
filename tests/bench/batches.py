"""POST /messages/batch of a thousand, four at a time; each durable before its answer."""

from collections.abc import Iterator
from typing import Final

from tests.bench import load
from tests.bench.campaign import hold
from tests.bench.figure import SIZES, Bench, Figure, Measured, at, sized
from tests.bench.place import Hub, Place, hub_on
from tests.bench.singles import stored

KEY: Final = "batch_per_s"
A_REQUEST: Final = 1_000
AT_ONCE: Final = 4
USUAL: Final = 100_000


def _measure(place: Place) -> Iterator[Measured]:
    with hub_on(place) as hub:
        _, key = hub.account()
        hold(hub)
        hub.start("web")
        _post(hub, key, place.count(10_000))  # what a first request makes (compiled schemas, connections) is made
        for usual in (USUAL,) if place.profile else SIZES:
            for _ in range(place.runs if usual <= USUAL else 1):
                with hub.watched("batches"):
                    rate = _post(hub, key, place.count(usual))
                yield {at(KEY, usual): rate} | ({KEY: rate} if usual == USUAL else {})


def _measure_sqlite(place: Place) -> Iterator[Measured]:
    with hub_on(place, "sqlite") as hub:
        _, key = hub.account()
        hold(hub)
        hub.start()
        for _ in range(place.runs):
            yield {"batch_sqlite_per_s": _post(hub, key, place.count(USUAL // 2))}


def _post(hub: Hub, key: str, count: int) -> float:
    """Messages a second; every one of them is in the database then."""
    before = stored(hub)
    sizes = [A_REQUEST] * (count // A_REQUEST) + [count % A_REQUEST] * bool(count % A_REQUEST)
    bodies = iter([next(load.batches(size, before + place * A_REQUEST)) for place, size in enumerate(sizes)])
    found = load.posts("127.0.0.1", hub.port, "/api/v1/messages/batch", key, bodies, concurrency=AT_ONCE)
    if found.statuses != {200: len(sizes)} or stored(hub) - before != count:
        raise AssertionError(f"{stored(hub) - before} of {count} were accepted; {found.statuses}")
    return count / found.seconds


BATCHES: Final = Bench(
    "batches",
    (
        Figure(KEY, f"messages through POST /messages/batch of {A_REQUEST:,}", "/s", 40_000, 75_000),
        *sized("messages in batches", KEY),
    ),
    _measure,
)
BATCHES_SQLITE: Final = Bench(
    "batches-sqlite",
    (Figure("batch_sqlite_per_s", f"messages through POST /messages/batch of {A_REQUEST:,}", "/s", database="SQLite"),),
    _measure_sqlite,
)
