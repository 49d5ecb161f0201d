"""What workers do, as loops: each is the whole of one kind of work, and any number of processes may run it on PostgreSQL."""

import os
import socket
from collections.abc import Callable, Collection, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from core import Runtime, beats, idempotency, jobs, lanes, receipts, replies, steps, sweeps
from hub.hooks import queue, relay
from hub.hooks.aside import Aside
from hub.hooks.deliver import deliver
from hub.hooks.triggers import TRIGGERS
from hub.installations import sinks, tasks
from hub.installations.listeners import Ear, ears
from hub.oauth.tidy import tidy as tidy_grants
from hub.optout.tables import optout_codes
from hub.people import tidy
from hub.roles.supervisor import ON, POLL, Loop, Rest
from hub.wiring import Hub, every_handler

RENEW_MS: Final = lanes.LEASE_MS // 3
BEAT: Final = Rest(5.0)
LATE: Final = Rest(0.25)  # answers that their lane did not wait to write
PUMP: Final = Rest(0.25)  # carriers that are asked for what came in
MINUTE: Final = Rest(60.0)
LINGER: Final = Rest(0.05, deaf=True)  # what comes meanwhile is done in one transaction
BATCH_S: Final = 0.05  # a lane without tokens waits for this much of its rate: better some at once than each alone
JOB_THREADS: Final = 2  # of each line of the hub's own jobs
OWN: Final = frozenset({"campaign", "import", "quote", "mail"})
# Of how many jobs of a line one account may have leased: one, so that none has all threads. Campaigns give way to each other instead.
AT_ONCE: Final = {"campaign": jobs.AS_MANY}
HOOK_THREADS: Final = 4
POSTS_A_TURN: Final = 20


def worker(hub: Hub, owner: str) -> tuple[Loop, ...]:
    """Everything but the web, for all carriers. `owner` names this process in leases: unique."""
    return (*carrying(hub, owner, hub.runtime.carriers), *working(hub, owner))


def apart_worker(hub: Hub, owner: str) -> tuple[Loop, ...]:
    """The same where `listen` serves the carriers that live on connections."""
    alone = hub.runtime.carriers.keys() - connected(hub.runtime)
    return (*carrying(hub, owner, alone), *working(hub, owner), *by_themselves(hub, owner))


def listen(hub: Hub, owner: str) -> tuple[Loop, ...]:
    """Long-lived connections: of carriers here; a server of ours (SMPP, mail) is one more loop in `listeners`."""
    return (*carrying(hub, owner, connected(hub.runtime)), *listeners(hub))


def listeners(hub: Hub) -> Iterator[Loop]:
    """Servers and long-lived connections of connectors. A turn lasts until it is told to end; one that ends before has failed."""
    for ear in ears(hub.lender):
        yield Loop(f"listener-{ear.name}", partial(_listen, ear), end=ear.end)


def _listen(ear: Ear) -> Rest:
    ear.run()
    return ON


def by_themselves(hub: Hub, owner: str) -> Iterator[Loop]:
    """What connectors do again and again, each in a loop of its own: one that hangs holds up no other."""
    for turns in tasks.of(hub.lender, owner):
        yield Loop(f"task-{turns.name}", partial(_take_turn, turns))


def _take_turn(turns: tasks.Turns) -> Rest:
    return Rest(turns.take())


def connected(runtime: Runtime) -> frozenset[str]:
    """The carriers that live on connections."""
    return frozenset(name for name, carrier in runtime.carriers.items() if carrier.traits.connected)


def carrying(hub: Hub, owner: str, carriers: Collection[str]) -> Iterator[Loop]:
    """Two loops for each lane of each of these carriers, one that fetches what came in, and one that asks what became of messages."""
    runtime = hub.runtime
    store = receipts.inbox(runtime)
    for name in sorted(carriers):
        carrier = runtime.carriers[name]
        count = carrier.traits.lanes
        for number in range(count):
            turn = LaneTurn(runtime, number, lanes.open_lane(runtime, name, owner, count))
            yield Loop(f"lane-{name}-{number}", turn, "dispatch")
            yield Loop(f"late-{name}-{number}", while_busy(partial(lanes.catch_up, runtime, turn.lane), LATE))
        yield Loop(f"pump-{name}", while_busy(partial(carrier.pump, store), PUMP), "inbound")
        yield Loop(f"lookup-{name}", while_busy(partial(steps.ask, runtime, owner, name)))


def working(hub: Hub, owner: str) -> Iterator[Loop]:
    """All that is done in the database and towards receivers of hooks."""
    # What falls due: starts, ends of validity.
    yield Loop("steps", while_busy(lambda: steps.take_own(hub.runtime, owner)))
    yield from inbound(hub)
    yield from jobs_of(hub)
    yield from hooks_of(hub)
    yield from sweeping(hub)


def inbound(hub: Hub) -> Iterator[Loop]:
    """Apply receipts and replies."""
    runtime = hub.runtime
    yield Loop("receipts", lambda: _heard(receipts.apply(runtime)), "inbound")
    yield Loop("replies", while_busy(lambda: replies.apply(runtime)), "inbound")


def _heard(count: int) -> Rest:
    """What comes one after the other is applied together, as long as it is not very much."""
    if count > receipts.BATCH // 2:
        return ON
    return LINGER if count else POLL


def jobs_of(hub: Hub) -> Iterator[Loop]:
    """Campaigns, imports, large quotes, mails: each line has threads of its own, and what takes long in one holds up no other.

    So has each connector, with one thread: work of its own that hangs is not begun again beside itself.
    """
    for line, works in lines(every_handler(hub)).items():
        work = partial(jobs.work, hub.runtime, works, AT_ONCE.get(line, 1))
        for number in range(JOB_THREADS if line in OWN else 1):
            yield Loop(f"jobs-{line}-{number}", while_busy(work), "jobs")


def lines(handlers: Mapping[str, jobs.Work]) -> Mapping[str, Mapping[str, jobs.Work]]:
    """Kinds of jobs by what stands before their dot: mails of all kinds are one line."""
    found: dict[str, dict[str, jobs.Work]] = {}
    for kind, work in handlers.items():
        found.setdefault(kind.partition(".")[0], {})[kind] = work
    return found


def hooks_of(hub: Hub) -> Iterator[Loop]:
    """From the outbox to the hooks, and from there to their receivers."""
    runtime, post, aside = hub.runtime, hub.outbound.send, Aside()
    heard_by = [queue.sink, sinks.listening(hub.lender.book)]
    yield Loop("relay", lambda: _after(relay.turn(runtime, TRIGGERS, heard_by)), "events")
    made = while_busy(lambda: deliver(runtime, hub.keys, post, POSTS_A_TURN, HOOK_THREADS // 2, aside))
    for number in range(HOOK_THREADS):
        yield Loop(f"hooks-{number}", made, "hooks")


def _after(turn: relay.Turn) -> Rest:
    """Facts that come one after the other are relayed together: a transaction for each would cost more than all else about them."""
    if turn.full:
        return ON
    return LINGER if turn.rows else POLL


def sweeping(hub: Hub) -> Iterator[Loop]:
    """What is looked at again and again: every second what somebody waits for, every minute what only grows."""
    yield Loop("sweeps", lambda: _sweep(hub.runtime))
    yield Loop("housekeeping", lambda: _keep_house(hub.runtime))


def heartbeat(hub: Hub, role: str, owner: str, trouble: Callable[[], str | None] = lambda: None) -> Loop:
    """Says that this process is alive, and what is wrong with it."""
    return Loop("heartbeat", lambda: beat(hub, role, owner, trouble()))


def beat(hub: Hub, role: str, owner: str, trouble: str | None = None) -> Rest:
    with hub.runtime.begin() as tx:
        beats.beat(tx, beat_name(role, owner), role, trouble)
        hub.witness.look(tx)
    return BEAT


def beat_name(role: str, owner: str) -> str:
    """What a process beats as."""
    return f"{role} {owner}"


def owner_of(runtime: Runtime) -> str:
    """A name for this process that no other has, now or later."""
    return f"{socket.gethostname()}-{os.getpid()}-{runtime.ids.new()[-8:]}"


def while_busy(work: Callable[[], object], idle: Rest = POLL) -> Callable[[], Rest]:
    """Again at once as long as there was something to do."""
    return lambda: ON if work() else idle


@dataclass(slots=True)
class LaneTurn:
    """One lane: leased and kept, then served window after window, at the carrier's pace."""

    runtime: Runtime
    number: int
    lane: lanes.Lane
    leased_at: int | None = None
    other: Executor = field(default_factory=lambda: ThreadPoolExecutor(1, "smshub-ahead"))

    def __call__(self) -> Rest:
        if not self._held():
            return POLL
        return ON if lanes.serve_on(self.runtime, self.lane, self.other) else pause(self.lane.bucket)

    def _held(self) -> bool:
        now = self.runtime.clock()
        if self.leased_at is not None and 0 <= now - self.leased_at < RENEW_MS:
            return True
        held = lanes.lease(self.runtime, self.lane.carrier, self.number, self.lane.owner)
        self.leased_at = now if held else None
        return held


def pause(bucket: lanes.Bucket) -> Rest:
    """After a window could not be sent: until there are tokens again, or a ring if it was not for want of them."""
    if bucket.per_second is None or bucket.level >= 1:
        return POLL
    missing = max(1.0, bucket.per_second * BATCH_S) - bucket.level
    return Rest(min(missing / bucket.per_second, POLL.seconds), deaf=True)


def _sweep(runtime: Runtime) -> Rest:
    done = [steps.sweep_abandoned(runtime), steps.sweep_overdue(runtime), sweeps.finish_campaigns(runtime)]
    return ON if any(done) else POLL


def _keep_house(runtime: Runtime) -> Rest:
    """A page of each at a time; folding is once a minute however much of it there is."""
    done = [sweeps.purge(runtime), _prune(runtime), queue.tidy(runtime), tidy.tidy(runtime), sinks.forget(runtime)]
    done += [tidy_grants(runtime), tidy.take_away(runtime, optout_codes)]
    if any(done):
        return ON
    sweeps.fold(runtime)
    return MINUTE


def _prune(runtime: Runtime) -> int:
    with runtime.begin() as tx:
        return idempotency.prune(tx)
