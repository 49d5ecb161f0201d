"""Where it is measured: a folder, a durable PostgreSQL and a Redis of our own, and hubs in processes as operators start them."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Final, Self

import requests
from sqlalchemy import func, select

import hub.hooks.tables  # noqa: F401 - its tables are part of a database
from core import Account, Runtime, accounts, ledger
from core.carriers.simulator import Simulator
from core.schema import beats
from hub.api.keys import new_secret
from tests.bench import sampler
from tests.support import serving
from tests.support.databases import create_tables
from tests.support.servers import PostgresServer, RedisServer, cpu_seconds, memory_mb

INJECTED: Final = Path(__file__).parent / "injected"
RICH: Final = 1_000_000_000_000  # millicredits
PATIENCE_S: Final = 900
LOOK_S: Final = 0.25
STOP_S: Final = 20


@dataclass(frozen=True, slots=True)
class Held:
    """Proportional set size of one kind of process in MB: when it had nothing to do, and at most."""

    idle: float
    peak: float


@dataclass
class Place:
    """`runs` of each figure, on `scale` of the usual amount of work; `profile` names a folder when what costs is looked for."""

    runs: int = 3
    scale: float = 1.0
    profile: Path | None = None
    say: Callable[[str], None] = print
    memory: dict[str, dict[str, Held]] = field(default_factory=dict)
    _open: ExitStack = field(default_factory=ExitStack)
    _made: int = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    @cached_property
    def home(self) -> Path:
        made = Path(tempfile.mkdtemp(prefix="smshub-bench-"))
        self._open.callback(shutil.rmtree, made, ignore_errors=True)
        return made

    @cached_property
    def postgres(self) -> PostgresServer:
        return self._open.enter_context(PostgresServer())

    @cached_property
    def redis(self) -> RedisServer:
        return self._open.enter_context(RedisServer())

    def folder(self) -> Path:
        self._made += 1
        made = self.home / str(self._made)
        made.mkdir()
        return made

    def count(self, usual: int, least: int = 20) -> int:
        """So much of the usual amount as the scale says."""
        return max(least, round(usual * self.scale))

    def database(self, kind: str = "postgresql") -> str:
        """An empty database with its tables, at the newest revision."""
        folder = self.folder()
        url = (
            f"sqlite:///{folder / 'hub.db'}"
            if kind == "sqlite"
            else self.postgres.url(f"bench_{folder.name}_{os.getpid()}")
        )
        create_tables(url)
        serving.stamp(url)
        return url

    def remember(self, bench: str, held: Mapping[str, Held]) -> None:
        """Keep the most of what each kind of process held."""
        kept = self.memory.setdefault(bench, {})
        for name, one in held.items():
            before = kept.get(name, one)
            kept[name] = Held(min(before.idle, one.idle), max(before.peak, one.peak))


class Hub:
    """One hub on one database, seen from outside, and its processes while they run."""

    def __init__(self, place: Place, kind: str = "postgresql", **simulator: Any) -> None:
        self.place, self.kind, self.folder = place, kind, place.folder()
        self.url = place.database(kind)
        self.simulator = {"answer_ms": 0, "receipt_ms": 0} | simulator
        self.site = serving.Site(self.url, self.folder, **self.simulator)
        self.port = serving.free_port()
        self.running: dict[str, serving.Process] = {}
        self.more: dict[str, str] = {}  # settings besides the usual

    @property
    def runtime(self) -> Runtime:
        return self.site.runtime

    @property
    def carrier(self) -> Simulator:
        return self.site.simulator

    def close(self) -> None:
        for process in self.running.values():
            _end(process)
        self.running.clear()
        self.site.close()

    def account(self, name: str = "Acme", kind: str = "marketing", *, otp: bool = False) -> tuple[Account, str]:
        """A rich account and its key."""
        secret = new_secret(self.runtime)
        with self.runtime.begin() as tx:
            made = accounts.create(tx, name, kind=kind)
            ledger.grant(tx, made.id, RICH, "bench", "operator")
            accounts.create_key(tx, made.id, "bench", accounts.SCOPES, secret, "operator")
            if otp:
                accounts.grant_otp(tx, made.id, granted=True, actor="operator")
            return accounts.get(tx, made.id), secret

    def start(self, *roles: str) -> None:
        """Start these roles; on SQLite there is `serve` alone, which is all of them."""
        for role in ("serve",) if self.kind == "sqlite" else roles:
            self.running[role] = serving.Process(role, self.folder, **self._environment())
            wait(partial(self._ready, role), 60)
        time.sleep(min(1.0, self.place.scale * 10))  # what a start leaves to do is not what is measured
        if self.place.profile:
            (self.place.profile / sampler.BEGIN).touch()

    def _environment(self) -> dict[str, str]:
        carrier = {"name": "simulator", "kind": "simulator"} | self.simulator
        found = {
            "SMSHUB_DATABASE_URL": self.url,
            "SMSHUB_SECRET_KEYS": serving.SECRET,
            "SMSHUB_CARRIERS": json.dumps([carrier]),
            "SMSHUB_HOOK_ALLOW": "127.0.0.0/8",
            "SMSHUB_RATE_PER_MINUTE": "1000000000",
            "SMSHUB_LOG_LEVEL": "warning",
            "PORT": str(self.port),
            **self.more,
        }
        if self.kind != "sqlite":
            found["SMSHUB_REDIS_URL"] = self.place.redis.url
        if self.place.profile:
            found |= {"BENCH_PROFILE": str(self.place.profile), "PYTHONPATH": f"{INJECTED}:{serving.ROOT}"}
        return found

    def _ready(self, role: str) -> bool:
        process = self.running[role]
        if process.process.poll() is not None:
            said = process.out.read_text()[-1000:] + process.err.read_text()[-2000:]
            raise RuntimeError(f"smshub {role} ended: {said}")
        return self._answers() if role in {"web", "serve"} else self._beats()

    def _answers(self) -> bool:
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"http://127.0.0.1:{self.port}/healthz", timeout=5).status_code in {200, 503}
        return False

    def _beats(self) -> bool:
        with self.runtime.read() as tx:
            return bool(tx.scalar(select(func.count()).where(beats.c.role == "worker")))

    def pids(self) -> dict[str, list[int]]:
        """The processes of each role, and those of the database and of Redis."""
        found = {role: tree(process.process.pid) for role, process in self.running.items()}
        if self.kind != "sqlite":
            found |= {"PostgreSQL": self.place.postgres.processes(), "Redis": [self.place.redis.pid]}
        return found

    def cpu(self) -> dict[str, float]:
        """Seconds of CPU so far, by role."""
        return {role: cpu_seconds(pids) for role, pids in self.pids().items()}

    @contextmanager
    def watched(self, bench: str) -> Iterator[dict[str, Held]]:
        """The memory of every process meanwhile; filled in at the end."""
        found: dict[str, Held] = {}
        idle = {role: memory_mb(pids) for role, pids in self.pids().items()}
        peak = dict(idle)
        over = threading.Event()

        def look() -> None:
            while not over.wait(LOOK_S):
                for role, pids in self.pids().items():
                    peak[role] = max(peak.get(role, 0.0), memory_mb(pids))

        thread = threading.Thread(target=look, daemon=True)
        thread.start()
        try:
            yield found
        finally:
            over.set()
            thread.join()
            found |= {role: Held(before, peak[role]) for role, before in idle.items()}
            self.place.remember(bench, found)


@contextmanager
def hub_on(place: Place, kind: str = "postgresql", **simulator: Any) -> Iterator[Hub]:
    made = Hub(place, kind, **simulator)
    try:
        yield made
    finally:
        made.close()


def wait(done: Callable[[], Any], patience_s: float = PATIENCE_S, every_s: float = 0.02) -> None:
    """Until it is done; a bench that would wait for ever fails instead."""
    ends = time.monotonic() + patience_s
    while not done():
        if time.monotonic() > ends:
            raise TimeoutError(f"it was not done in {patience_s:.0f} s")
        time.sleep(every_s)


def tree(pid: int) -> list[int]:
    """A process and its descendants."""
    below: list[int] = []
    for path in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            below += [int(word) for word in path.read_text().split()]
    return [pid, *(one for child in below for one in tree(child))]


def _end(process: serving.Process) -> None:
    everyone: Sequence[int] = tree(process.process.pid)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.process.send_signal(signal.SIGTERM)
        process.process.wait(STOP_S)
    for pid in everyone:
        if (
            serving.ROOT.name
            and Path(f"/proc/{pid}/cmdline").exists()
            and b"hub" in Path(f"/proc/{pid}/cmdline").read_bytes()
        ):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
    process.process.wait()
