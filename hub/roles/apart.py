"""`smshub web`, `smshub worker` and `smshub listen`: the same web and the same loops, in processes of their own, on PostgreSQL."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from core import Refused
from hub import health, revisions
from hub.faults import crash_at
from hub.roles import loops, process
from hub.roles.celery_worker import CeleryWorker
from hub.roles.children import Children
from hub.roles.granian_web import GranianServer
from hub.roles.web import bound, shared
from hub.sealing import used
from hub.settings import Settings
from hub.wiring import Extras, Hub, compose
from hub.wiring import web as application

Say = Callable[[str], None]
# A worker's own loops see to what it rings of these. Not so of dispatch, as a lane may be another's, nor of jobs, as its own loops
# may all be at long ones.
ENOUGH_HERE: Final = frozenset({"events", "hooks", "inbound"})
NOTHING: Final = "has nothing to listen for yet: no carrier or connector with a long-lived connection is configured. It stays, ready for the next start."


def worker(settings: Settings, say: Say, crash: str | None = None) -> int:
    """Work until told to stop; the exit code. Any number of them may run."""
    hub = _composed(settings, "worker", crash)
    carriers = ", ".join(sorted(hub.runtime.carriers.keys() - loops.connected(hub.runtime)))
    told = f"smshub {health.VERSION} works for {carriers or 'no carrier of its own'}{_how_woken(settings)}"
    ears = _ears(one=True)
    role = process.Role("worker", loops.apart_worker, ears, enough=ENOUGH_HERE, switch_s=process.WORKER_SWITCH_S)
    return process.run(hub, role, lambda: say(told))


def listen(settings: Settings, say: Say, crash: str | None = None) -> int:
    """Hold long-lived connections until told to stop; the exit code. Several may run: a lane is one process's at a time."""
    hub = _composed(settings, "listen", crash)
    heard = ", ".join([*sorted(loops.connected(hub.runtime)), *hub.missed])
    what = f"listens for {heard}" if heard else NOTHING
    told = f"smshub {health.VERSION} {what}{_how_woken(settings) if heard else ''}"
    return process.run(hub, process.Role("listen", loops.listen, _ears(one=False)), lambda: say(told))


def web(settings: Settings, say: Say, crash: str | None = None) -> int:
    """Answer until told to stop, in several processes; the exit code."""
    _composed(settings, "web", crash).close()  # what can't be used is refused before there is a child
    place = bound(settings.host, settings.port)

    def child(ready: Callable[[], None], well: Callable[[], bool]) -> int:
        hub = _composed(settings, "web", crash)
        listening = shared(place)

        def server(hub: Hub, extras: Extras) -> process.Server:
            app = application(hub, replace(extras, counted_in=counts))
            return GranianServer(app, listening, settings.web_threads, app.wsgi_app.later)  # type: ignore[attr-defined]  # our Access

        role = process.Role("web", lambda _hub, _owner: (), server, well)
        return process.run(hub, role, ready)

    told = f"smshub {health.VERSION} is ready at {settings.public_url}"
    with TemporaryDirectory(prefix="smshub-counts-") as folder:
        counts = Path(folder)
        return Children(settings.web_processes, child, lambda: say(told)).run()


def _ears(*, one: bool) -> Callable[[Hub, Extras], process.Server | None]:
    """What hears other processes, where there is a Redis."""

    def made(hub: Hub, _extras: Extras) -> process.Server | None:
        return CeleryWorker(hub.settings.redis_url or "", hub.far, one=one) if hub.far else None

    return made


def _how_woken(settings: Settings) -> str:
    return "" if settings.redis_url else "; it looks for work each second, until SMSHUB_REDIS_URL is set"


def _composed(settings: Settings, role: str, crash: str | None) -> Hub:
    if settings.sqlite:
        detail = f"`smshub {role}` needs PostgreSQL, which several processes can share. With SQLite run `smshub serve`."
        raise Refused.at("SMSHUB_DATABASE_URL", "wrong_database", detail)
    hub = compose(settings, crash_at(crash))
    revisions.check(hub.runtime.database, hub.lender.book.registry)
    revisions.tell_strangers(hub.runtime.database, hub.lender.book.registry)
    used.start(hub.runtime, hub.keys)
    return hub
