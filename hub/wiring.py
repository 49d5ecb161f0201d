"""The composition: from settings to a hub. Nothing else in the house knows how the parts are put together."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from flask import Flask

from connectors.contract import Operation
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
from hub import health, mail, metrics, secret_keys, secrets
from hub.api import hooks
from hub.api.keyring import Identify
from hub.api.table import OPERATIONS
from hub.app import create_app
from hub.doorbell import Doorbell
from hub.guard import Guard
from hub.hooks import endpoints, queue
from hub.hooks.deliver import DISABLED_MAIL
from hub.hooks.triggers import TRIGGERS
from hub.outbound import Outbound
from hub.settings import Settings, check_real

if TYPE_CHECKING:
    from hub.bell import Bell

HANDLERS: Final[Mapping[str, jobs.Work]] = {
    "campaign": expansion.run,
    "quote": quotes.run,
    "import": imports.work,
    "mail.credits_low": lambda runtime, job: alerts.send_mail(runtime, job.account_id),
    "mail.campaign_unpaid": mail.campaign_unpaid,
    DISABLED_MAIL: lambda runtime, job: endpoints.send_mail(runtime, job.subject_id),
}

MARK: Final = "postgresql.mark"  # in the data folder


@dataclass(frozen=True, slots=True)
class Hub:
    """Everything one process of a hub runs on. `keys` seal secrets; `operations` is the whole table of what can be asked.

    witness: what this process has seen of its database. bell: what this process's loops hear. far: what rings in other processes too, where there is a Redis.
    """

    settings: Settings
    runtime: Runtime
    bell: Doorbell
    mail: mail.Smtp | mail.Folder
    keys: secrets.Keys
    outbound: Outbound
    operations: Sequence[Operation]
    witness: witness.Witness
    far: "Bell | None" = None

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
    gauges: Sequence[metrics.Gauge] = field(default_factory=tuple)
    checks: Sequence[health.Check] = ()
    counted_in: Path | None = None


def compose(settings: Settings, fault: Callable[[str], None] = lambda _point: None) -> Hub:
    """A hub out of its settings. Refuses carriers, tariffs and settings that can't be used; opens nothing before it is used."""
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
    return Hub(settings, runtime, bell, letters, keys, Outbound(guard), operations(keys, guard), seen, far)


def _far(settings: Settings, bell: Doorbell) -> "Bell | None":
    if settings.sqlite or not settings.redis_url:
        return None
    from hub.bell import Bell  # noqa: PLC0415 - Celery takes a third of a second to import, and `serve` needs none

    return Bell(settings.redis_url, bell)


def operations(keys: secrets.Keys, guard: Guard) -> Sequence[Operation]:
    """The whole table of what a hub can be asked, with what some of it needs."""
    return (*OPERATIONS, *hooks.operations(keys, guard, TRIGGERS))


def rules(settings: Settings) -> Rules:
    """What the operator decided."""
    mentions = Mentions(settings.short_code, settings.opt_out_address)
    return Rules(tariff.load(settings.tariff), mentions, settings.short_code, settings.sending_hours)


def web(hub: Hub, extras: Extras | None = None) -> Flask:
    """The web application of a hub."""
    more = extras or Extras()
    meter = metrics.Metrics(hub.runtime, more.counted_in)
    for gauge in (HOOKS, health.heard_ago(hub.runtime), *more.gauges):
        meter.register(gauge)
    return create_app(
        hub.runtime, hub.settings, hub.operations, identify=more.identify, counted=meter, checks=more.checks
    )


HOOKS: Final = metrics.Gauge(
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
