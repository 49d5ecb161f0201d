"""Which connectors there are: the built-in ones, and what other packages bring (entry points of the group `smshub.connectors`).

One that can't be used is told, with the cure, and left out: it never takes the hub down.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Final

import structlog

from connectors.contract import Connector
from core import Refused, Runtime
from hub import connector_rules
from hub.connector_rules import Known
from hub.health import Degraded

GROUP: Final = "smshub.connectors"
# By name, so that one that breaks as it is imported breaks alone. A package without a CONNECTOR is not there yet.
BUILT_IN: Final = ("connectors.zapier", "connectors.adobe", "connectors.eloqua", "connectors.mail2sms")
VALUE: Final = "CONNECTOR"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something that may be a connector: where it comes from, and what reads it (None where nothing is there yet)."""

    name: str
    origin: str
    load: Callable[[], object]


@dataclass(frozen=True, slots=True)
class Broken:
    """A connector that was left out: what is wrong with it, and what to do."""

    name: str
    origin: str
    reason: str
    cure: str

    @property
    def sentence(self) -> str:
        return f"The connector {self.name} ({self.origin}) is left out: {self.reason}. {self.cure}"


@dataclass(frozen=True, slots=True)
class Registry:
    """The connectors of this process, and those that were left out."""

    connectors: tuple[Connector, ...] = ()
    broken: tuple[Broken, ...] = ()

    def find(self, name: str) -> Connector | None:
        return next((one for one in self.connectors if one.name == name), None)

    def get(self, name: str) -> Connector:
        """The connector of this name. Refuses with `not_found`."""
        found = self.find(name)
        if found is None:
            known = ", ".join(one.name for one in self.connectors) or "none"
            raise Refused("not_found", f"There is no connector {name!r} here; installed are: {known}.")
        return found

    @property
    def branches(self) -> Sequence[Path]:
        """Folders of revisions beside the hub's own."""
        return [one.migrations for one in self.connectors if one.migrations is not None]

    def check(self, _runtime: Runtime) -> Sequence[Degraded]:
        """For /healthz: what was left out. The hub does all the rest."""
        return [Degraded(one.sentence) for one in self.broken]


def candidates() -> Iterator[Candidate]:
    """The built-in ones, then those of other packages by name."""
    for module in BUILT_IN:
        yield Candidate(module.rpartition(".")[2], "built in", partial(_built_in, module))
    for point in sorted(entry_points(group=GROUP), key=lambda point: point.name):
        yield Candidate(point.name, _package(point), point.load)


def load(known: Known, found: Sequence[Candidate] | None = None) -> Registry:
    """All that can be used. Each that can't is logged; of two with one name the first one stays."""
    connectors: dict[str, Connector] = {}
    broken: list[Broken] = []
    for candidate in candidates() if found is None else found:
        one = _loaded(candidate, known, connectors)
        if isinstance(one, Broken):
            broken.append(one)
            log.error("connector.left_out", connector=one.name, origin=one.origin, reason=one.reason, cure=one.cure)
        elif one is not None:
            connectors[one.name] = one
    return Registry(tuple(connectors.values()), tuple(broken))


def _loaded(candidate: Candidate, known: Known, before: Collection[str]) -> Connector | Broken | None:
    try:
        value = candidate.load()
    except (Exception, SystemExit) as error:  # noqa: BLE001 - whatever it is, the others are not to blame
        reason = f"it can't be imported ({type(error).__name__}: {error})"
        return _broken(candidate, reason, "Install a version of it that fits, or uninstall it.")
    if value is None:
        return None
    if not isinstance(value, Connector):
        return _broken(candidate, f"it is a {type(value).__name__}", f"Let its entry point name its {VALUE}.")
    if value.name != candidate.name:
        return _broken(candidate, f"it calls itself {value.name!r}", "Let its entry point have the same name.")
    if value.name in before:
        return _broken(candidate, "another one has this name already", "Uninstall one of the two.")
    faults = "; ".join(connector_rules.faults(value, known))
    return _broken(candidate, faults, "Tell its author, or uninstall it.") if faults else value


def _broken(candidate: Candidate, reason: str, cure: str) -> Broken:
    return Broken(candidate.name, candidate.origin, reason, cure)


def _built_in(module: str) -> object:
    return getattr(import_module(module), VALUE, None)


def _package(point: EntryPoint) -> str:
    return f"{point.dist.name} {point.dist.version}" if point.dist else point.value
