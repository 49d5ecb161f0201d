"""`smshub worker` and `smshub web`: the same loops and the same web, in processes of their own, on PostgreSQL."""

from collections.abc import Callable, Sequence

from core import Refused
from hub import health, revisions
from hub.faults import crash_at
from hub.roles import loops, process
from hub.roles.supervisor import Loop
from hub.roles.web import bound
from hub.settings import Settings
from hub.wiring import Hub, compose

Say = Callable[[str], None]


def worker(settings: Settings, say: Say, crash: str | None = None) -> int:
    """Work until told to stop; the exit code. Any number of them may run."""
    hub = _composed(settings, "worker", crash)
    carriers = ", ".join(hub.runtime.carriers)
    return process.run(
        hub, process.Role("worker", loops.worker), lambda: say(f"smshub {health.VERSION} works for {carriers}")
    )


def web(settings: Settings, say: Say, crash: str | None = None) -> int:
    """Answer until told to stop; the exit code."""
    hub = _composed(settings, "web", crash)
    listening = bound(settings.host, settings.port)
    role = process.Role("web", _only_beat, listening)
    return process.run(hub, role, lambda: say(f"smshub {health.VERSION} is ready at {settings.public_url}"))


def _only_beat(hub: Hub, owner: str) -> Sequence[Loop]:
    return (loops.heartbeat(hub, "web", owner),)


def _composed(settings: Settings, role: str, crash: str | None) -> Hub:
    if settings.sqlite:
        detail = f"`smshub {role}` needs PostgreSQL, which several processes can share. With SQLite run `smshub serve`."
        raise Refused.at("SMSHUB_DATABASE_URL", "wrong_database", detail)
    hub = compose(settings, crash_at(crash))
    revisions.check(hub.runtime.database)
    return hub
