"""Is the hub well? Asked by whatever restarts it or sends it requests; 503 with the reasons when it is not."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from math import inf
from typing import Any, Final

from connectors.contract import Gauge
from core import Runtime, Tx, beats, outages
from hub.api.show import iso

SILENT_MS: Final = 30_000  # workers beat every few seconds
VERSION: Final = version("smshub")


@dataclass(frozen=True, slots=True)
class Degraded:
    """Something is wrong, and all work is done nevertheless, more slowly: told, and no reason to fail."""

    sentence: str


Check = Callable[[Runtime], Sequence[str | Degraded]]
Ears = Callable[[], Sequence[str]]


def nobody() -> Sequence[str]:
    """Nothing of connectors needs to be listened for."""
    return ()


@dataclass(frozen=True, slots=True)
class Health:
    """What was found: `reasons` says what is wrong, in sentences for the operator; `degraded` what only slows it."""

    version: str
    database: str
    workers: Mapping[str, int]
    reasons: tuple[str, ...]
    degraded: tuple[str, ...] = ()

    @property
    def status(self) -> int:
        return 503 if self.reasons else 200

    def body(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "status": "failing" if self.reasons else "degraded" if self.degraded else "ok",
            "version": self.version,
            "database": self.database,
            "workers": {role: iso(at) for role, at in sorted(self.workers.items())},
            "reasons": [*self.reasons, *self.degraded],
        }


def look(runtime: Runtime, checks: Sequence[Check] = (), ears: Ears = nobody) -> Health:
    """Look after the database, the workers and what else is to be checked. Never raises for what it looks for.

    ears: what of connectors must be listened for just now, in the role `listen`.
    """
    try:
        with runtime.read() as tx:
            heard = beats.latest(tx)
    except outages.ERRORS as error:
        return Health(VERSION, *_out(error))
    found = [
        *_silent(heard, needed(runtime, ears), runtime.clock()),
        *(one for check in checks for one in check(runtime)),
    ]
    reasons = tuple(one for one in found if isinstance(one, str))
    return Health(VERSION, "ok", heard, reasons, tuple(one.sentence for one in found if isinstance(one, Degraded)))


def _out(error: Exception) -> tuple[str, Mapping[str, int], tuple[str, ...]]:
    outage = outages.of(error)
    if outage is None:  # it answers, and not as it should: its tables are not there
        return "unreachable", {}, (f"The database can't be read ({type(error).__name__}): run `smshub db upgrade`.",)
    return _STATES[outage.kind], {}, (outage.cure,)


_STATES: Final[Mapping[outages.Kind, str]] = {
    "gone": "unreachable",
    "exhausted": "unreachable",
    "full": "full",
    "busy": "busy",
}


def needed(runtime: Runtime, asked: Ears = nobody) -> Mapping[str, str]:
    """The roles without which something stands still: what that is, and the cure. On SQLite `serve` is all of them, as a worker."""
    held = sorted(name for name, carrier in runtime.carriers.items() if carrier.traits.connected)
    cures = {"worker": "start one (smshub worker, or smshub serve)"}
    ears = asked() if runtime.database.dialect != "sqlite" else ()
    if (held or ears) and runtime.database.dialect != "sqlite":
        stands = [f"nothing is sent through {', '.join(held)} and no receipt or reply comes from there"] if held else []
        stands += [f"nobody listens for {', '.join(ears)}"] if ears else []
        cures["listen"] = f"{'; '.join(stands)}; start one (smshub listen, or systemctl start smshub-listen)"
    return cures


def heard_ago(runtime: Runtime, ears: Ears = nobody) -> Gauge:
    """For metrics: seconds since each role that is needed was heard of, infinite for one that never was."""

    def read(tx: Tx) -> Mapping[str, float]:
        heard = beats.latest(tx)
        return {role: max(0, tx.now - heard[role]) / 1000 if role in heard else inf for role in needed(runtime, ears)}

    return Gauge("smshub_heard_seconds_ago", "Since a process of each needed role was heard of.", "role", read)


def _silent(heard: Mapping[str, int], cures: Mapping[str, str], now: int) -> Iterator[str | Degraded]:
    """What stands still because nobody does it. A role that nothing needs, and that was there and went, is told of, and no more:
    somebody stopped it, and whoever sends requests by /healthz would send none.
    """
    for role, cure in cures.items():
        if role not in heard:
            yield f"No {role} has been heard of: {cure}."
    for role, at in sorted(heard.items()):
        if now - at > SILENT_MS:
            silence = f"No {role} has been heard of for {(now - at) // 1000} s"
            yield f"{silence}: {cures[role]}." if role in cures else Degraded(f"{silence}; nothing needs it.")
