"""`smshub serve`: everything in one process on SQLite. What `make run` starts."""

from collections.abc import Callable
from typing import Final

from core import Refused, recovery
from hub import database, demo, health
from hub.demo import Demo
from hub.faults import crash_at
from hub.mail import Folder
from hub.roles import loops, process
from hub.roles.alone import alone
from hub.roles.web import bound
from hub.settings import Settings
from hub.wiring import Hub, compose

Say = Callable[[str], None]


def serve(settings: Settings, say: Say, crash: str | None = None) -> int:
    """Serve until told to stop; the exit code. Refuses PostgreSQL, a folder that is served already, and a port in use."""
    if not settings.sqlite:
        detail = "`smshub serve` is for SQLite, in one process. With PostgreSQL run `smshub web` and `smshub worker`."
        raise Refused.at("SMSHUB_DATABASE_URL", "wrong_database", detail)
    settings.data.mkdir(parents=True, exist_ok=True)
    with alone(settings):
        listening = bound(settings.host, settings.port)
        database.upgrade(settings.database_url)
        hub = compose(settings, crash_at(crash))
        found = recovery.recover(hub.runtime)
        made = demo.prepare(hub.runtime, settings)
        role = process.Role("worker", loops.worker, listening)
        return process.run(hub, role, lambda: _tell(hub, found, made, say))


def _tell(hub: Hub, found: recovery.Recovered, made: Demo | None, say: Say) -> None:
    say("\n".join([*_facts(hub), *_recovered(found), *_first(hub.settings, made)]))


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
        return ["", f"  The demo account's API key is in {settings.data / demo.FILE_NAME}."] if known else []
    return [
        "",
        _WELCOME.format(
            key=made.api_key, file=settings.data / demo.FILE_NAME, group=made.group_id, url=settings.public_url
        ),
    ]


_WELCOME: Final = """\
  This is the first start: there is a demo account with 1,000 credits, 200 contacts, a group and a template.
  Its API key, kept in {file}:

    {key}

  Try, in another terminal:

    export KEY={key}
    curl {url}/api/v1/me -H "Authorization: Bearer $KEY"
    curl {url}/api/v1/messages -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" -d '{{"to": "0612345678", "text": "Bonjour"}}'
    curl {url}/api/v1/campaigns -H "Authorization: Bearer $KEY" -H "Content-Type: application/json" -d '{{"name": "Essai", "text": "Bonjour $prenom", "groups": ["{group}"]}}'

  The last two digits of a number decide what becomes of a message; most are received. {url} says more."""
