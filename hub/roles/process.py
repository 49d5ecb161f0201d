"""A process from its start to its end, whatever its role: loops, perhaps a web server, and a clean way out."""

import gc
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from connectors.contract import Gauge
from core import beats, lanes
from hub import health
from hub.roles import stopping, troubles
from hub.roles.loops import beat, beat_name, heartbeat, owner_of
from hub.roles.supervisor import Loop, Supervisor
from hub.wiring import Extras, Hub

WEB_STOP_S: Final = 3.0
LOOPS_STOP_S: Final = 6.0
SWITCH_S: Final = 0.0005  # Python's own 5 ms are long for a thread that has the answer of the database already
WORKER_SWITCH_S: Final = (
    0.005  # but a worker's threads wait for nobody outside, and changing places often costs them a quarter
)

log = structlog.get_logger()


class Server(Protocol):
    """What answers on a socket, or hears other processes, beside the loops."""

    def start(self) -> None:
        """Listen, in the background."""

    @property
    def alive(self) -> bool:
        """Whether it still does."""
        ...

    def stop(self, seconds: float) -> None:
        """Accept nothing more, answer what was asked, for at most `seconds`."""


@dataclass(frozen=True, slots=True)
class Role:
    """What a process does: the loops of an owner, and what listens beside them.

    name: what it beats as. well: it need not end. enough: topics whose rings from this process need no others than its own loops.
    switch_s: after how long a thread that works gives way to one that could.
    """

    name: str
    loops: Callable[[Hub, str], Sequence[Loop]]
    server: Callable[[Hub, Extras], Server | None] = lambda _hub, _extras: None
    well: Callable[[], bool] = lambda: True
    enough: frozenset[str] = frozenset()
    switch_s: float = SWITCH_S


def run(hub: Hub, role: Role, ready: Callable[[], None]) -> int:
    """Work until a signal says to stop; the exit code. `ready` is called once connections are taken and loops run."""
    _settle(role.switch_s)
    owner = owner_of(hub.runtime)
    supervisor = Supervisor(hub.bell, role.loops(hub, owner))
    supervisor.add(heartbeat(hub, role.name, owner, lambda: troubles.of(supervisor, hub.runtime)))
    server = role.server(hub, _extras(hub, supervisor, beat_name(role.name, owner)))
    beat(hub, role.name, owner)  # before anybody asks whether it is alive
    stopping.hold_back()
    if server:
        server.start()
    supervisor.start()
    if hub.far is not None:
        hub.far.start(role.enough)
    ready()
    told = stopping.until_told(lambda: role.well() and (server is None or server.alive))
    log.info("stopping", role=role.name)
    left = _stop(hub, supervisor, server, owner, beat_name(role.name, owner))
    if left:  # they hang in a network or a long transaction: what they hold is found abandoned, or rolled back
        log.warning("stopped.unfinished", loops=left)
        sys.stdout.flush()
        os._exit(0 if told else 1)
    hub.close()
    return 0 if told else 1


def _settle(switch_s: float) -> None:
    """What was made until now stays: the collector need not look at it again."""
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(switch_s)


def _extras(hub: Hub, supervisor: Supervisor, name: str) -> Extras:
    failures = Gauge(
        "smshub_loop_failures",
        "Turns of loops that failed: of this process since its start, and of others that tell of any.",
        "loop",
        lambda tx: troubles.counted(tx, supervisor, name),
    )
    checks = (supervisor.reasons, troubles.elsewhere(name), lambda _runtime: _unheard(hub))
    return Extras(gauges=(failures,), checks=checks)


def _unheard(hub: Hub) -> Sequence[health.Degraded]:
    trouble = hub.far.trouble if hub.far else None
    return [health.Degraded(trouble)] if trouble else []


def _stop(hub: Hub, supervisor: Supervisor, server: Server | None, owner: str, name: str) -> Sequence[str]:
    """First nobody is let in, then what is under way is finished, then what was leased is given back."""
    if server:
        server.stop(WEB_STOP_S)
    left = supervisor.stop(LOOPS_STOP_S)
    lanes.give_back(hub.runtime, owner)
    with hub.runtime.begin() as tx:
        beats.leave(tx, name)
    return left
