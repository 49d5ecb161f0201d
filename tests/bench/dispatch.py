"""A queued campaign through an instant carrier: from `resume` until the last message is `received`, all receipts applied."""

import time
from collections.abc import Iterator
from typing import Final

from tests.bench import crowd
from tests.bench.campaign import begin, counted, hold, let_go, queued
from tests.bench.figure import SIZES, Bench, Figure, Measured, at, sized
from tests.bench.place import Hub, Place, hub_on, wait

KEY: Final = "dispatch_per_s"
USUAL: Final = 100_000
OVER: Final = ("received", "failed_temporary", "failed_permanent", "rejected")


def _measure(place: Place) -> Iterator[Measured]:
    with hub_on(place) as hub:
        account, key = hub.account()
        place.say("  filling")
        groups = {size: crowd.gather(hub.runtime, account.id, place.count(size)) for size in SIZES}
        hub.start("web", "worker")
        for usual in (USUAL,) if place.profile else SIZES:
            for _ in range(place.runs if usual <= USUAL else 1):
                rate = _once(hub, key, groups[usual], place.count(usual))
                yield {at(KEY, usual): rate} | ({KEY: rate} if usual == USUAL else {})


def _measure_sqlite(place: Place) -> Iterator[Measured]:
    with hub_on(place, "sqlite") as hub:
        account, key = hub.account()
        group = crowd.gather(hub.runtime, account.id, place.count(USUAL // 2))
        hub.start()
        for _ in range(place.runs):
            yield {"dispatch_sqlite_per_s": _once(hub, key, group, place.count(USUAL // 2))}


def _once(hub: Hub, key: str, group: str, size: int) -> float:
    hold(hub)
    campaign_id = begin(hub, key, group)
    wait(lambda: queued(hub, campaign_id))
    with hub.watched(f"dispatch on {hub.kind}"):
        let_go(hub)
        began = time.perf_counter()
        wait(lambda: counted(hub, campaign_id, *OVER) >= size, every_s=0.1)
        took = time.perf_counter() - began
    received = counted(hub, campaign_id, "received")
    if received != size:
        raise AssertionError(f"{received} of {size} were received")
    return size / took


DISPATCH: Final = Bench(
    "dispatch",
    (
        Figure(KEY, "messages through an instant carrier, receipts applied", "/s", 8_000, 20_000),
        *sized("dispatched", KEY),
    ),
    _measure,
)
DISPATCH_SQLITE: Final = Bench(
    "dispatch-sqlite",
    (
        Figure(
            "dispatch_sqlite_per_s", "messages through an instant carrier, receipts applied", "/s", database="SQLite"
        ),
    ),
    _measure_sqlite,
)
