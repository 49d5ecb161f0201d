"""`smshub serve`: everything in one process on SQLite. What `make run` starts."""

from collections.abc import Callable
from pathlib import Path
from typing import Final

from core import Refused, recovery, restored
from hub import database, demo, health, revisions
from hub.demo import Demo
from hub.faults import crash_at
from hub.mail import Folder
from hub.roles import loops, process
from hub.roles.alone import alone, database_path
from hub.roles.supervisor import Loop, Rest
from hub.roles.web import WebServer, bound
from hub.sealing import used
from hub.settings import Settings
from hub.wiring import Hub, compose, web

MARK: Final = Rest(1.0)
Say = Callable[[str], None]


def serve(settings: Settings, say: Say, crash: str | None = None) -> int:
    """Serve until told to stop; the exit code. Refuses PostgreSQL, a folder that is served already, and a port in use."""
    if not settings.sqlite:
        detail = "`smshub serve` is for SQLite, in one process. With PostgreSQL run `smshub web` and `smshub worker`."
        raise Refused.at("SMSHUB_DATABASE_URL", "wrong_database", detail)
    settings.data.mkdir(parents=True, exist_ok=True)
    with alone(settings):
        listening = bound(settings.host, settings.port)
        hub = compose(settings, crash_at(crash))
        database.upgrade(settings.database_url, hub.lender.book.registry.branches)
        revisions.tell_strangers(hub.runtime.database, hub.lender.book.registry)
        used.start(hub.runtime, hub.keys)
        waits = _was_restored(hub)
        found = recovery.recover(hub.runtime)
        made = demo.prepare(hub.runtime, settings)
        role = process.Role("worker", _loops, lambda hub, extras: WebServer(web(hub, extras), listening))
        words = [*_facts(hub), *_recovered(found), *([_RESTORED] if waits else []), *_first(settings, made)]
        code = process.run(hub, role, lambda: say("\n".join(words)))
        _mark(hub)  # of the last that was done
        hub.close()
        return code


def _loops(hub: Hub, owner: str) -> tuple[Loop, ...]:
    """All that workers do, what connectors do, and a mark beside the file, by which an older one that is brought back will be known."""
    of_connectors = (*loops.by_themselves(hub, owner), *loops.listeners(hub))
    return (*loops.worker(hub, owner), *of_connectors, Loop("mark", lambda: _mark(hub)))


def _mark(hub: Hub) -> Rest:
    with hub.runtime.read() as tx:
        restored.leave_mark(tx, _mark_path(hub.settings))
    return MARK


def _was_restored(hub: Hub) -> bool:
    with hub.runtime.begin() as tx:
        return restored.check_file(tx, database_path(hub.settings), _mark_path(hub.settings))


def _mark_path(settings: Settings) -> Path:
    return Path(f"{database_path(settings)}.mark")


_RESTORED: Final = """
  This database is another or an older one than was served here before: it may not know what was sent since.
  Nothing is sent until `smshub resume`; `smshub db restored` tells what waits, and asks the carriers."""


def _facts(hub: Hub) -> list[str]:
    settings = hub.settings
    kinds = ", ".join(f"{one['name']} ({one['kind']})" for one in settings.carriers)
    quiet = ": nothing leaves this machine" if settings.simulated else ""
    files = (
        f"{hub.mail.path}, as files, until SMSHUB_SMTP_URL is set" if isinstance(hub.mail, Folder) else "sent by SMTP"
    )
    return [
        f"smshub {health.VERSION} is ready at {settings.public_url} (Ctrl-C stops it)",
        "",
        f"  data      {settings.data}",
        f"  carriers  {kinds}{quiet}",
        f"  mail      {files}",
    ]


def _recovered(found: recovery.Recovered) -> list[str]:
    if not (found.windows or found.jobs):
        return []
    return [
        "",
        f"  The last process was killed: {found.windows} windows in flight are looked up, {found.jobs} jobs go on.",
    ]


def _first(settings: Settings, made: Demo | None) -> list[str]:
    if made is None:
        known = demo.kept(settings)
        return (
            ["", f"  The demo account's API key and password are in {settings.data / demo.FILE_NAME}."] if known else []
        )
    return [
        "",
        _WELCOME.format(
            key=made.api_key,
            owner=made.owner,
            password=made.password,
            file=settings.data / demo.FILE_NAME,
            group=made.group_id,
            url=settings.public_url,
        ),
    ]


_WELCOME: Final = """\
  This is the first start: there is a demo account with 1,000 credits, 200 contacts, a group and a template.
  Its API key, and how its owner signs in to {url}/console/, both kept in {file}:

    {key}
    {owner}  {password}

  Try, in another terminal:

    export KEY={key}
    curl {url}/api/v1/me -H "Authorization: Bearer $KEY"
    curl {url}/api/v1/messages -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" -d '{{"to": "0612345678", "text": "Bonjour"}}'
    curl {url}/api/v1/campaigns -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" -d '{{"name": "Essai", "text": "Bonjour $prenom", "groups": ["{group}"]}}'

  The last two digits of a number decide what becomes of a message; most are received. {url} says more."""
