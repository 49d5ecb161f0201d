"""The composition: from settings to a hub. Nothing else in the house knows how the parts are put together."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from flask import Flask

from connectors.contract import Connector, Gauge, Operation, Post
from core import (
    Database,
    Fault,
    Mentions,
    Refused,
    Rules,
    Runtime,
    alerts,
    build_carriers,
    expansion,
    imports,
    jobs,
    quotes,
    tariff,
    wall_clock,
    witness,
)
from hub import health, mail, metrics, registry, secret_keys, secrets
from hub.api import events, hooks
from hub.api.keyring import Identify
from hub.api.paging import Cursors
from hub.api.perform import Performer
from hub.api.table import OPERATIONS
from hub.app import create_app
from hub.connections import book as connections
from hub.connections import notices
from hub.connections.refreshing import ASK_S, LOST_MAIL
from hub.connections.store import Store
from hub.connector_rules import Known
from hub.console import letters
from hub.doorbell import Doorbell
from hub.guard import Guard
from hub.hooks import endpoints, queue
from hub.hooks.deliver import DISABLED_MAIL
from hub.hooks.triggers import TRIGGERS
from hub.installations import operations as installations
from hub.installations import pages as installation_pages
from hub.installations import sinks, tasks
from hub.installations.book import Book
from hub.installations.catalogue import Catalogue
from hub.installations.contained import contained
from hub.installations.health import Checkup
from hub.installations.listeners import missed
from hub.installations.tools import Lender, http
from hub.oauth import ended
from hub.oauth import endpoints as oauth
from hub.oauth import pages as oauth_pages
from hub.oauth.identify import by_token
from hub.outbound import Outbound
from hub.people.links import LINK_MAIL
from hub.registry import Registry
from hub.settings import Settings, check_real

if TYPE_CHECKING:
    from hub.bell import Bell

MARK: Final = "postgresql.mark"  # in the data folder
ENDED: Final = "oauth.grant_ended"


@dataclass(frozen=True, slots=True)
class Hub:
    """Everything one process of a hub runs on. `keys` seal secrets; `operations` is the whole table of what can be asked.

    tokens: those that third parties gave us. lender: the connectors, and what they are lent. checkup: how their installations are.
    witness: what this process has seen of its database. bell: what this process's loops hear. far: what rings in other processes too, where there is a Redis.
    """

    settings: Settings
    runtime: Runtime
    bell: Doorbell
    mail: mail.Smtp | mail.Folder
    keys: secrets.Keys
    outbound: Outbound
    operations: Sequence[Operation]
    tokens: Store
    lender: Lender
    checkup: Checkup
    witness: witness.Witness
    far: "Bell | None" = None

    @property
    def missed(self) -> Sequence[str]:
        """What of connectors must be listened for just now, by name."""
        return missed(self.lender)

    def close(self) -> None:
        """Let go of the carriers and the database."""
        if self.far is not None:
            self.far.close()
        self.bell.close()
        for carrier in self.runtime.carriers.values():
            carrier.close()
        self.runtime.database.close()


@dataclass(frozen=True, slots=True)
class Extras:
    """What one process adds to its web application: ways to know a caller, gauges for /metrics, reasons for /healthz to fail.

    counted_in: a folder where it counts requests together with other processes.
    """

    identify: Sequence[Identify] = ()
    gauges: Sequence[Gauge] = field(default_factory=tuple)
    checks: Sequence[health.Check] = ()
    counted_in: Path | None = None


def compose(
    settings: Settings, fault: Callable[[str], None] = lambda _point: None, found: Registry | None = None
) -> Hub:
    """A hub out of its settings. Refuses carriers, tariffs and settings that can't be used; opens nothing before it is used.

    found: the connectors, where they are not looked for.
    """
    bell = Doorbell()
    far = _far(settings, bell)
    seen = witness.Witness(settings.data / MARK)
    database = Database(settings.database_url, greet=lambda raw: seen.greet(raw, wall_clock()))
    plain = Runtime(database, rules(settings), doorbell=far or bell, fault=fault)
    letters = mail.of(settings, plain.clock, plain.ids.new)
    carriers = _carriers(settings, plain)
    check_real(settings, [name for name, carrier in carriers.items() if carrier.traits.real])
    runtime = plain.as_of(carriers=carriers, mail=letters)
    keys = secrets.keys_from(secret_keys.of(settings))
    guard = Guard(allow=settings.hook_allow)
    tokens = Store(runtime, keys, Outbound(guard, seconds=ASK_S), clients(settings))
    outbound = Outbound(guard)
    book = Book(connectors() if found is None else found, keys, connections.forget)
    lender, checkup, table = lent(runtime, settings, book, outbound, tokens, letters.post)
    return Hub(settings, runtime, bell, letters, keys, outbound, table, tokens, lender, checkup, seen, far)


def lent(
    runtime: Runtime, settings: Settings, book: Book, outbound: Outbound, tokens: Store, post: Post
) -> tuple[Lender, Checkup, Sequence[Operation]]:
    """What connectors are lent; how their installations are; and the table of what can be asked, which shows that and is lent too."""
    performer = Performer(Cursors(secret_keys.of(settings)))
    catalogue = Catalogue(runtime, performer, TRIGGERS)
    lender = Lender(runtime, settings, book, performer, catalogue, http(outbound), tokens, post)
    checkup = Checkup(runtime, lender.visit, partial(_unwell, runtime, book))
    table = operations(book.keys, outbound.guard, book, checkup)
    catalogue.fill(table)
    return lender, checkup, table


def offline(settings: Settings) -> Lender:
    """The same where nothing is opened, sealed or sent: to tell what the code knows."""
    made_up = replace(settings, secret_keys=("nothing is sealed or signed with it",))
    keys, outbound = secrets.keys_from(made_up.secret_keys), Outbound()
    runtime = Runtime(Database("postgresql://nobody.invalid/never"), rules(settings))
    letters = mail.of(settings, runtime.clock, runtime.ids.new)
    return lent(runtime, made_up, Book(connectors(), keys), outbound, Store(runtime, keys, outbound), letters.post)[0]


def connectors() -> Registry:
    """The connectors that can be used."""
    nothing = operations(secrets.keys_from(["names are all that is wanted"]), Guard())
    return registry.load(Known({operation.name for operation in nothing}, TRIGGERS.keys()))


def _unwell(runtime: Runtime, book: Book, installation_id: str) -> Sequence[str]:
    """What is wrong with an installation that its connector does not know."""
    with runtime.read() as tx:
        return [*notices.of_installation(tx, installation_id), *book.lost(tx, installation_id)]


def clients(settings: Settings) -> Mapping[str, str]:
    """Secrets of the operator's own clients at third parties, by their ids."""
    given = {settings.eloqua_client_id: settings.eloqua_client_secret}
    return {client_id: secret for client_id, secret in given.items() if client_id and secret}


def _far(settings: Settings, bell: Doorbell) -> "Bell | None":
    if settings.sqlite or not settings.redis_url:
        return None
    from hub.bell import Bell  # noqa: PLC0415 - Celery takes a third of a second to import, and `serve` needs none

    return Bell(settings.redis_url, bell)


def operations(
    keys: secrets.Keys, guard: Guard, book: Book | None = None, checkup: Checkup | None = None
) -> Sequence[Operation]:
    """The whole table of what a hub can be asked, with what some of it needs; without a book, to be looked at only."""
    known = book or Book(Registry(), keys)
    asked = checkup.of if checkup else (lambda _asked: {})
    return (
        *OPERATIONS,
        *hooks.operations(keys, guard, TRIGGERS),
        *events.operations(TRIGGERS),
        *installations.operations(known, asked),
    )


def rules(settings: Settings) -> Rules:
    """What the operator decided."""
    mentions = Mentions(settings.short_code, settings.opt_out_address)
    return Rules(tariff.load(settings.tariff), mentions, settings.short_code, settings.sending_hours)


def every_handler(hub: Hub) -> Mapping[str, jobs.Work]:
    """Who does a job, by its kind; those of connectors among them."""
    lent = hub.lender
    own = {sinks.JOB: sinks.again(lent.book), ENDED: ended.work(_told_of_ends(lent))}
    kept = {kind: tasks.at_length(work) for kind, work in own.items()}
    return {**handlers(hub.settings), **kept, **tasks.handlers(lent)}


def _told_of_ends(lent: Lender) -> Mapping[str, ended.Tell]:
    """The connectors, each told of the ends of grants to its client."""

    def telling(connector: Connector) -> ended.Tell:
        return lambda _runtime, gone: connector.ended(lent.visit(connector), gone.urls)

    return {connector.name: telling(connector) for connector in lent.book.registry.connectors}


def handlers(settings: Settings) -> Mapping[str, jobs.Work]:
    """Who does a job of the hub itself, by its kind."""
    return {
        "campaign": expansion.run,
        "quote": quotes.run,
        "import": imports.work,
        "mail.credits_low": lambda runtime, job: alerts.send_mail(runtime, job.account_id),
        "mail.campaign_unpaid": mail.campaign_unpaid,
        DISABLED_MAIL: lambda runtime, job: endpoints.send_mail(runtime, job.subject_id),
        LINK_MAIL: lambda runtime, job: letters.write(runtime, job, settings),
        LOST_MAIL: lambda runtime, job: notices.send_mail(runtime, job.subject_id),
        ENDED: ended.work({}),
        "mail.grant_reused": lambda runtime, job: ended.send_mail(runtime, job.subject_id, settings.public_url),
    }


def web(hub: Hub, extras: Extras | None = None) -> Flask:
    """The web application of a hub."""
    more = extras or Extras()
    meter = metrics.Metrics(hub.runtime, more.counted_in)
    for gauge in (
        HOOKS,
        notices.UNWELL,
        health.heard_ago(hub.runtime, partial(missed, hub.lender)),
        *_of_connectors(hub),
        *more.gauges,
    ):
        meter.register(gauge)
    app = create_app(
        hub.runtime,
        hub.settings,
        hub.operations,
        identify=(by_token(hub.runtime), *more.identify),
        counted=meter,
        checks=(hub.lender.book.registry.check, *more.checks),
        lender=hub.lender,
        more_pages=(
            *oauth_pages.ROUTES,
            *installation_pages.routes(hub.lender.book, hub.checkup.of, hub.lender.catalogue),
        ),
    )
    oauth.register(app, hub.runtime, hub.settings)
    return app


def _of_connectors(hub: Hub) -> Iterator[Gauge]:
    for connector in hub.lender.book.registry.connectors:
        yield from (replace(gauge, read=contained()(gauge.read)) for gauge in connector.gauges)


HOOKS: Final = Gauge(
    "smshub_hooks",
    "Webhooks since the beginning: taken, failed attempts, given up; and the age of the oldest that waits, in ms.",
    "kind",
    lambda tx: asdict(queue.measure(tx)),
)


def _carriers(settings: Settings, runtime: Runtime) -> Mapping[str, Any]:
    try:
        return build_carriers(
            json.dumps(list(settings.carriers)),
            settings.data,
            runtime.clock,
            runtime.random,
            short_code=settings.short_code,
        )
    except Refused as refusal:
        faults = tuple(Fault(f"SMSHUB_CARRIERS{fault.pointer}", fault.message) for fault in refusal.faults)
        raise Refused(refusal.code, refusal.detail, faults) from None
