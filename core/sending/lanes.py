"""A lane: a share of a carrier that one process serves, paced by a token bucket in segments."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from typing import Final

from core import broken
from core.carriers.contract import Outcome, held_up
from core.credits import ledger
from core.runtime import Runtime
from core.schema import lanes
from core.sending import late, receipts
from core.sending.heads import Heads
from core.sending.late import Answered, Late
from core.sending.windows import Window, claim

LEASE_MS: Final = 10_000
SUBMIT_WITHIN_MS: Final = 5_000  # of the claim, or of the last answers: later, the window may be somebody else's
QUICK_MS: Final = 250
TURN_MS: Final = 1_000
WINDOW_SECONDS: Final = 0.5  # a window is at most half a second of the lane's rate
TRIES: Final = 3
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
    heads: Heads = field(default_factory=Heads)
    late: Late = field(default_factory=Late)  # answers that it did not wait to write
    quick: bool = False  # whether its last window was sent and recorded in a moment

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
    taken = _take(runtime, lane)
    if taken is None:
        return False
    _deliver(runtime, lane, *taken)
    return True


def catch_up(runtime: Runtime, lane: Lane) -> bool:
    """Try to write the answers that the lane did not wait for, in a thread of its own; whether there were any. Raises what hinders it."""
    return late.write(runtime, lane.late)


def serve_on(runtime: Runtime, lane: Lane, other: Executor) -> bool:
    """The same for a while, where the carrier is quick: `other` claims the next window while one is sent and recorded.

    Nothing is left claimed at its end.
    """
    began = runtime.clock()
    taken = _take(runtime, lane)
    if taken is None:
        return False
    while taken is not None:
        ahead = lane.quick and runtime.clock() - began < TURN_MS
        following = other.submit(_take, runtime, lane) if ahead else None
        sending = runtime.clock()
        try:
            _deliver(runtime, lane, *taken)
        finally:  # who fails leaves the next window to the sweep, as his own; but two never claim at once
            taken = following.result() if following else None
        lane.quick = _goes_ahead(runtime, lane) and runtime.clock() - sending < QUICK_MS
    return True


def _goes_ahead(runtime: Runtime, lane: Lane) -> bool:
    """Whether a window may wait for the one before it: where nothing is paced, and what a kill leaves in doubt can be looked up."""
    return lane.bucket.per_second is None and runtime.carriers[lane.carrier].traits.looks_up


def _take(runtime: Runtime, lane: Lane) -> tuple[Window, int] | None:
    """The next window and when its claim began; None when there is nothing to do just now."""
    traits = runtime.carriers[lane.carrier].traits
    began = runtime.clock()
    room = lane.bucket.available(began, traits.window)
    if room < 1 or lane.late.full():
        return None
    window = _claim(runtime, lane, room)
    if window is None:
        return None
    runtime.fault("after_claim")
    if window.attempts:
        lane.account_for(window)
    return window, began


def _claim(runtime: Runtime, lane: Lane, room: int) -> Window | None:
    """A window of somebody whose rows nobody else has."""
    for _ in range(TRIES):
        lane.heads.left_alone = lane.late.left_alone(runtime.clock())
        try:
            return claim(runtime, lane.carrier, lane.owner, room, lane.served, lane.heads)
        except ledger.InUseError as found:
            lane.late.leave_alone(found.account_id, runtime.clock())
            lane.heads.reached.clear()  # it did not come so far
    return None


def _deliver(runtime: Runtime, lane: Lane, window: Window, claimed_at: int) -> None:
    if not window.attempts:
        return
    answered = Answered(runtime, window)
    _send(runtime, answered, claimed_at)
    if (kept := answered.end()) is not None:
        lane.late.keep(kept)


def _send(runtime: Runtime, answered: Answered, claimed_at: int) -> None:
    """The network, with no transaction open, until every message has its answer.

    A process that was held up sends no more: others may have taken its messages over. Its carrier knows until when any may leave.
    """
    window = answered.window
    until = claimed_at + SUBMIT_WITHIN_MS
    if runtime.clock() > until:  # none has left, whoever has them now
        answered.record([held_up(one.reference) for one in window.attempts])
        return
    for outcomes in _outcomes(runtime, window, until):
        if not answered.left:
            continue  # it has told of each, and tells on
        runtime.fault("after_submit")
        answered_at = runtime.clock()
        if not answered.record(outcomes):
            return  # it took too long, and the sweep gave its messages to a look-up: no more of them may leave
        if answered.left and runtime.clock() - answered_at > SUBMIT_WITHIN_MS:
            return


def _outcomes(runtime: Runtime, window: Window, until: int) -> Iterator[Sequence[Outcome]]:
    """What the carrier says. Whatever breaks in it leaves the rest of the window without an answer: unknown, never lost."""
    try:
        yield from runtime.carriers[window.carrier].send(window.attempts, receipts.inbox(runtime), until)
    except Exception as error:  # noqa: BLE001 - whatever it is
        broken.tell("carrier.broke", error, carrier=window.carrier)
