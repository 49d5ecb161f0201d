"""A process from its start to its end, whatever its role: loops, perhaps a web server, and a clean way out."""

import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from socket import socket
from typing import Final

import structlog

from core import lanes
from hub import metrics
from hub.roles import stopping
from hub.roles.loops import beat, owner_of
from hub.roles.supervisor import Loop, Supervisor
from hub.roles.web import WebServer
from hub.wiring import Extras, Hub, web

WEB_STOP_S: Final = 3.0
LOOPS_STOP_S: Final = 6.0

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Role:
    """What a process does: the loops of an owner, and whether it answers on a socket. `name` is what it beats as."""

    name: str
    loops: Callable[[Hub, str], Sequence[Loop]]
    listening: socket | None = field(default=None)


def run(hub: Hub, role: Role, ready: Callable[[], None]) -> int:
    """Work until a signal says to stop; the exit code. `ready` is called once connections are taken and loops run."""
    owner = owner_of(hub.runtime)
    supervisor = Supervisor(hub.bell, role.loops(hub, owner))
    server = WebServer(web(hub, _extras(supervisor)), role.listening) if role.listening else None
    beat(hub.runtime, role.name, owner)  # before anybody asks whether it is alive
    stopping.hold_back()
    if server:
        server.start()
    supervisor.start()
    ready()
    told = stopping.until_told(lambda: server is None or server.alive)
    log.info("stopping", role=role.name)
    left = _stop(hub, supervisor, server, owner)
    if left:  # they hang in a network or a long transaction: what they hold is found abandoned, or rolled back
        log.warning("stopped.unfinished", loops=left)
        sys.stdout.flush()
        os._exit(0 if told else 1)
    hub.close()
    return 0 if told else 1


def _extras(supervisor: Supervisor) -> Extras:
    failures = metrics.Gauge(
        "smshub_loop_failures", "Turns of this process's loops that failed.", "loop", lambda _tx: supervisor.failures()
    )
    return Extras(gauges=(failures,), checks=(supervisor.reasons,))


def _stop(hub: Hub, supervisor: Supervisor, server: WebServer | None, owner: str) -> Sequence[str]:
    """First nobody is let in, then what is under way is finished, then what was leased is given back."""
    if server:
        server.stop(WEB_STOP_S)
    left = supervisor.stop(LOOPS_STOP_S)
    lanes.give_back(hub.runtime, owner)
    return left
