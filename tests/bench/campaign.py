"""A campaign with merge fields and STOP mentions to a stored group, against a blacklist as large: from the request until it is queued."""

import time
from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import func, select

from core.schema import campaign_counts, campaigns
from core.sending import chunks
from tests.bench import crowd
from tests.bench.figure import SIZES, Bench, Figure, Measured, at, sized
from tests.bench.place import Hub, Place, hub_on, wait
from tests.support.serving import Api

TEXT: Final = "Bonjour $prenom $nom, -20 % sur tout le magasin ce samedi."
ON_SQLITE: Final = 100_000
QUEUED: Final = "campaign_queued_per_s"
HUB: Final = ("web", "worker", "serve")


def begin(hub: Hub, key: str, group_id: str) -> str:
    """Ask for it; its id."""
    made: Any = Api(hub.port, key).post("/campaigns", {"name": "bench", "text": TEXT, "groups": [group_id]})
    return str(made["id"])


def queued(hub: Hub, campaign_id: str) -> bool:
    """The last page is in, and its chunks may be claimed."""
    with hub.runtime.read() as tx:
        return bool(
            tx.scalar(select(campaigns.c.status).where(campaigns.c.id == campaign_id)) in {"sending", "finished"}
        )


def counted(hub: Hub, campaign_id: str, *statuses: str) -> int:
    """How many of its messages are in these statuses."""
    theirs = (campaign_counts.c.campaign_id == campaign_id) & campaign_counts.c.status.in_(statuses)
    with hub.runtime.read() as tx:
        return int(tx.scalar(select(func.coalesce(func.sum(campaign_counts.c.messages), 0)).where(theirs)))


def hold(hub: Hub) -> None:
    """Nothing is sent: what is measured is not disturbed by what comes after it."""
    with hub.runtime.begin() as tx:
        chunks.pause(tx, "carrier", "simulator", "bench")


def let_go(hub: Hub) -> None:
    with hub.runtime.begin() as tx:
        chunks.resume(tx, "carrier", "simulator")


def _measure(place: Place) -> Iterator[Measured]:
    sizes = [place.count(size) for size in SIZES]
    with hub_on(place) as hub:
        account, key = hub.account()
        place.say("  filling")
        groups = [crowd.gather(hub.runtime, account.id, size) for size in sizes]
        crowd.stop(hub.runtime, account.id, sizes[-1])
        hold(hub)
        hub.start("web", "worker")
        for usual, size, group in zip(SIZES, sizes, groups, strict=True) if not place.profile else ():
            for _ in range(place.runs if usual < SIZES[-1] else 0):
                yield {at(QUEUED, usual): _once(hub, key, group, size)}
        for _ in range(place.runs):
            with hub.watched("campaign") as held:
                rate = _once(hub, key, groups[-1], sizes[-1])
            extra = sum(one.peak - one.idle for role, one in held.items() if role in HUB)
            yield {QUEUED: rate, at(QUEUED, SIZES[-1]): rate, "campaign_extra_mb": extra}


def _measure_sqlite(place: Place) -> Iterator[Measured]:
    size = place.count(ON_SQLITE)
    with hub_on(place, "sqlite") as hub:
        account, key = hub.account()
        group = crowd.gather(hub.runtime, account.id, size)
        crowd.stop(hub.runtime, account.id, size)
        hold(hub)
        hub.start()
        for _ in range(place.runs):
            with hub.watched("campaign on SQLite"):
                yield {"campaign_queued_sqlite_per_s": _once(hub, key, group, size)}


def _once(hub: Hub, key: str, group: str, size: int) -> float:
    began = time.perf_counter()
    campaign_id = begin(hub, key, group)
    wait(lambda: queued(hub, campaign_id))
    took = time.perf_counter() - began
    made, expected = counted(hub, campaign_id, "queued"), crowd.texted(size)
    if made != expected:
        raise AssertionError(f"{made} messages are queued, not {expected}")
    return size / took


CAMPAIGN: Final = Bench(
    "campaign",
    (
        Figure(QUEUED, "a campaign to 1,000,000, from the request until it is queued", "/s", 50_000, 80_000),
        Figure(
            "campaign_extra_mb", "memory of the hub's processes above idle meanwhile", "MB", 100, higher_is_better=False
        ),
        *sized("campaign queued", QUEUED),
    ),
    _measure,
)
CAMPAIGN_SQLITE: Final = Bench(
    "campaign-sqlite",
    (
        Figure(
            "campaign_queued_sqlite_per_s", "a campaign to 100,000, until it is queued", "/s", 20_000, database="SQLite"
        ),
    ),
    _measure_sqlite,
)
