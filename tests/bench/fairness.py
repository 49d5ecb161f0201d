"""A single otp of one account while a campaign of a million by another is expanded and sent: how long until the carrier has it, at worst."""

import time
from collections.abc import Iterator
from typing import Final

from sqlalchemy import func, select

from core.schema import messages
from tests.bench import crowd
from tests.bench.campaign import begin, counted, queued
from tests.bench.figure import Bench, Figure, Measured
from tests.bench.place import Hub, Place, hub_on, wait
from tests.support.serving import Api

PEOPLE: Final = 1_000_000
PER_SECOND: Final = 2_000
EVERY_S: Final = 0.5
AFTERWARDS_S: Final = 20.0  # while the campaign is sent
FIRST_OTP: Final = 33_688_000_020


def _measure(place: Place) -> Iterator[Measured]:
    with hub_on(place, per_second=PER_SECOND) as hub:
        account, key = hub.account()
        _, other = hub.account("Bank", "notification", otp=True)
        place.say("  filling")
        group = crowd.gather(hub.runtime, account.id, place.count(PEOPLE))
        hub.start("web", "worker")
        with hub.watched("fairness"):
            campaign_id = begin(hub, key, group)
            asked = _ask(hub, other, campaign_id, AFTERWARDS_S * min(1.0, place.scale * 10))
            wait(lambda: _left(hub) == 0, 60)
        waits = [_taken_at(hub, number) - began for number, began in asked.items()]
        place.say(
            f"  {len(waits)} otp messages; the campaign had sent {counted(hub, campaign_id, 'sent', 'delivered_operator', 'received'):,}"
        )
        yield {"otp_wait_s": max(waits), "otp_wait_median_s": sorted(waits)[len(waits) // 2]}


def _ask(hub: Hub, key: str, campaign_id: str, afterwards: float) -> dict[int, float]:
    """An otp every half second until the campaign has been sending for a while; when each was asked for, by its number."""
    api, asked = Api(hub.port, key), dict[int, float]()
    ends = None
    while ends is None or time.monotonic() < ends:
        number = FIRST_OTP + len(asked) % 80 + 100 * (len(asked) // 80)
        asked[number] = time.time()
        made = api.post("/messages", {"to": f"+{number}", "text": "Votre code est 1234", "purpose": "otp"})
        if made.get("status") != "queued":
            raise AssertionError(made)
        if ends is None and queued(hub, campaign_id):
            ends = time.monotonic() + afterwards
        time.sleep(EVERY_S)
    return asked


def _left(hub: Hub) -> int:
    waiting = (messages.c.purpose == "otp") & messages.c.sent_at.is_(None)
    with hub.runtime.read() as tx:
        return int(tx.scalar(select(func.count()).select_from(messages).where(messages.c.number >= FIRST_OTP, waiting)))


def _taken_at(hub: Hub, number: int) -> float:
    """When the carrier was given it, by the carrier's own log."""
    (taken,) = hub.carrier.sent(number)
    return float(taken.at) / 1000


FAIRNESS: Final = Bench(
    "fairness",
    (
        Figure(
            "otp_wait_s",
            "an otp beside a campaign of 1,000,000, until the carrier has it, at worst",
            "s",
            2,
            higher_is_better=False,
        ),
        Figure("otp_wait_median_s", "the same, half of them", "s", higher_is_better=False),
    ),
    _measure,
)
