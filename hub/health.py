"""Is the hub well? Asked by whatever restarts it or sends it requests; 503 with the reasons when it is not."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Final

from sqlalchemy.exc import SQLAlchemyError

from core import Runtime, beats
from hub.api.show import iso

SILENT_MS: Final = 30_000  # workers beat every few seconds
VERSION: Final = version("smshub")

Check = Callable[[Runtime], Sequence[str]]


@dataclass(frozen=True, slots=True)
class Health:
    """What was found: `reasons` says what is wrong, in sentences for the operator."""

    version: str
    database: str
    workers: Mapping[str, int]
    reasons: tuple[str, ...]

    @property
    def status(self) -> int:
        return 503 if self.reasons else 200

    def body(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "status": "failing" if self.reasons else "ok",
            "version": self.version,
            "database": self.database,
            "workers": {role: iso(at) for role, at in sorted(self.workers.items())},
            "reasons": list(self.reasons),
        }


def look(runtime: Runtime, checks: Sequence[Check] = ()) -> Health:
    """Look after the database, the workers and what else is to be checked. Never raises for what it looks for."""
    try:
        with runtime.read() as tx:
            heard = beats.latest(tx)
    except SQLAlchemyError as error:
        return Health(VERSION, "unreachable", {}, (f"The database can't be reached ({type(error).__name__}).",))
    reasons = (*_silent(heard, runtime.clock()), *(reason for check in checks for reason in check(runtime)))
    return Health(VERSION, "ok", heard, reasons)


def _silent(heard: Mapping[str, int], now: int) -> Iterator[str]:
    """Nothing is sent while no worker works; other roles are told of when they were there and went."""
    if "worker" not in heard:
        yield "No worker has been heard of: start one (smshub worker, or smshub serve)."
    for role, at in sorted(heard.items()):
        if now - at > SILENT_MS:
            yield f"No {role} has been heard of for {(now - at) // 1000} s."
