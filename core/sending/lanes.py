"""A lane: a share of a carrier that one process serves, paced by a token bucket in segments."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

from core import broken
from core.carriers.contract import Outcome
from core.runtime import Runtime
from core.schema import lanes
from core.sending import answers, receipts
from core.sending.windows import Window, claim

LEASE_MS: Final = 15_000
WINDOW_SECONDS: Final = 0.5  # a window is at most half a second of the lane's rate
FADE_SEGMENTS: Final = 10_000  # above this the memory of who was served is halved


@dataclass(slots=True)
class Bucket:
    """A token bucket in segments: filled at `per_second`, holding at most half a second of it. No rate: never empty."""

    per_second: float | None
    level: float = 0.0
    filled_at: int = 0

    def available(self, now: int, most: int) -> int:
        """How many segments may go now, at most `most`."""
        if self.per_second is None:
            return most
        size = max(1.0, self.per_second * WINDOW_SECONDS)
        self.level = min(size, self.level + self.per_second * (now - self.filled_at) / 1000)
        self.filled_at = now
        return min(most, int(self.level))

    def take(self, segments: int) -> None:
        """They went. A message longer than the bucket leaves a debt, paid before the next window."""
        self.level -= segments


@dataclass(slots=True)
class Lane:
    """One lane as its process sees it: its bucket, and how much each account was served lately."""

    carrier: str
    owner: str
    bucket: Bucket
    served: dict[str, int] = field(default_factory=lambda: defaultdict(int))

    def account_for(self, window: Window) -> None:
        """Remember who was served; old service fades, so a newcomer does not wait for an account's whole past."""
        self.bucket.take(window.segments)
        self.served[window.account_id] += window.segments
        if sum(self.served.values()) > FADE_SEGMENTS:
            for account_id in list(self.served):
                self.served[account_id] //= 2
                if not self.served[account_id]:
                    del self.served[account_id]


def open_lane(runtime: Runtime, carrier: str, owner: str, share: int = 1) -> Lane:
    """A lane with its share (one of `share` equal ones) of the carrier's rate."""
    rate = runtime.carriers[carrier].traits.per_second
    return Lane(carrier, owner, Bucket(None if rate is None else rate / share, filled_at=runtime.clock()))


def lease(runtime: Runtime, carrier: str, lane: int, owner: str) -> bool:
    """Take or keep a lane for this process; False while another one has it. Call it again well within LEASE_MS."""
    with runtime.begin() as tx:
        row = {"carrier": carrier, "lane": lane, "owner": owner, "lease_until": tx.now + LEASE_MS}
        taken = tx.upsert(lanes).values(**row)
        free = (lanes.c.owner == owner) | (lanes.c.lease_until <= tx.now)
        mine = {"owner": owner, "lease_until": tx.now + LEASE_MS}
        return tx.execute(taken.on_conflict_do_update(index_elements=["carrier", "lane"], set_=mine, where=free)) == 1


def give_back(runtime: Runtime, owner: str) -> None:
    """This process stops: its lanes are free at once."""
    with runtime.begin() as tx:
        tx.execute(lanes.update().where(lanes.c.owner == owner).values(lease_until=0))


def serve(runtime: Runtime, lane: Lane) -> bool:
    """Send one window if there is one; False when there is nothing to do just now."""
    traits = runtime.carriers[lane.carrier].traits
    room = lane.bucket.available(runtime.clock(), traits.window)
    if room < 1:
        return False
    window = claim(runtime, lane.carrier, lane.owner, room, lane.served)
    if window is None:
        return False
    runtime.fault("after_claim")
    if window.attempts:
        lane.account_for(window)
        _send(runtime, window)
        answers.close(runtime, window)
    return True


def _send(runtime: Runtime, window: Window) -> None:
    """The network, with no transaction open."""
    for outcomes in _outcomes(runtime, window):
        runtime.fault("after_submit")
        if not answers.record(runtime, window, outcomes):
            return  # it took too long, and the sweep gave its messages to a look-up: no more of them may leave


def _outcomes(runtime: Runtime, window: Window) -> Iterator[Sequence[Outcome]]:
    """What the carrier says. Whatever breaks in it leaves the rest of the window without an answer: unknown, never lost."""
    try:
        yield from runtime.carriers[window.carrier].send(window.attempts, receipts.inbox(runtime))
    except Exception as error:  # noqa: BLE001 - whatever it is
        broken.tell("carrier.broke", error, carrier=window.carrier)
