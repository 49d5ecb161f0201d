"""A whole hub as an operator runs it: PostgreSQL, Redis, web, workers and listen, each of which can be killed and started again."""

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

from core import Account, Database, Runtime, Simulator, accounts, ledger, routing, wall_clock
from core.carriers.simulator import SimulatorSettings
from core.carriers.simulator_endings import Taken
from hub import database
from hub.api.keys import new_secret
from tests.support.databases import branches
from tests.support.servers import PostgresServer, RedisServer
from tests.support.serving import SECRET, environment, free_port, wait_for
from tests.support.world import rules

ANSWER_MS: Final = 100  # long enough that a kill often meets a window in flight
RECEIPT_MS: Final = 1_000
READY: Final = {"web": " ready at ", "worker": " works for ", "listen": " listens for "}
ORPHANS_END_S: Final = 60
# A small machine: two of these processes share its cores with everything else.
POSTGRES: Final = {"shared_buffers": "128MB", "max_connections": "200", "jit": "off"}


@dataclass(frozen=True, slots=True)
class Plan:
    """Which hub: how many workers, whether `listen` serves a carrier of its own, and the carriers' rate in segments a second."""

    workers: int = 2
    listen: bool = True
    per_second: float | None = None

    def carriers(self) -> list[dict[str, Any]]:
        """One that workers serve, for marketing; and one with a connection, for what is urgent."""
        plain = {"kind": "simulator", "answer_ms": ANSWER_MS, "receipt_ms": RECEIPT_MS}
        paced = {"per_second": self.per_second} if self.per_second else {}
        connected = {"name": "connected", "connected": True, **plain}
        return [{"name": "simulator", **plain, **paced}, *([connected] if self.listen else [])]


class Resident:
    """A process of the hub, in one life after the other; what each said is kept in files of its own."""

    def __init__(self, name: str, role: str, folder: Path, settings: Mapping[str, str]) -> None:
        self.name, self.role, self.folder = name, role, folder
        self._settings = settings
        self._lives = 0
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        assert self.process
        return self.process.pid

    def start(self) -> None:
        """Begin a life; `ready` waits for it."""
        self._lives += 1
        with self._said("out").open("wb") as out, self._said("err").open("wb") as err:
            line = [sys.executable, "-P", "-m", "hub.cli", self.role]
            everything = environment(self.folder, **self._settings)
            self.process = subprocess.Popen(line, env=everything, cwd=self.folder, stdout=out, stderr=err)

    def ready(self) -> None:
        """Wait until it says that it is; fails with its own words when it ended instead."""
        wait_for(lambda: self._says() or (self.process is not None and self.process.poll() is not None))
        assert self._says(), self._said("err").read_text()[-2000:]

    def kill(self) -> None:
        """Kill -9; the processes that it had started must end by themselves."""
        children = self.children()
        if self.process is not None:
            self.process.kill()
            self.process.wait()
        ends = time.monotonic() + ORPHANS_END_S
        while orphans := [pid for pid in children if _runs(pid)]:
            if time.monotonic() > ends:
                for pid in orphans:
                    os.kill(pid, signal.SIGKILL)
                raise AssertionError(f"{self.name} was killed and left {len(orphans)} processes behind")
            time.sleep(0.05)

    def kill_child(self, pid: int) -> None:
        """Kill -9 of one of them: who started it must start another."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def children(self) -> list[int]:
        """Processes that it started."""
        path = Path(f"/proc/{self.pid}/task/{self.pid}/children")
        return [int(pid) for pid in path.read_text().split()] if path.exists() else []

    def ended(self) -> bool:
        """Whether it is there no more, by itself."""
        return self.process is not None and self.process.poll() is not None

    def met_no_database(self) -> bool:
        """Whether it gave up in this life because there was no database to begin with."""
        return not self._says() and "The database can't be reached" in self._said("err").read_text(errors="replace")

    def words(self) -> str:
        """Everything that it logged in all its lives."""
        return "".join(path.read_text(errors="replace") for path in sorted(self.folder.glob(f"{self.name}-*.*")))

    def _says(self) -> bool:
        return READY[self.role] in self._said("out").read_text(errors="replace")

    def _said(self, what: str) -> Path:
        return self.folder / f"{self.name}-{self._lives:03}.{what}"


class House:
    """All of it, for the length of a `with`."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.folder = Path(tempfile.mkdtemp(prefix="smshub-house-"))
        self.postgres, self.redis = PostgresServer(settings=POSTGRES), RedisServer()
        self.port = free_port()
        self.residents: dict[str, Resident] = {}
        self._stack = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
            stack.enter_context(self.postgres)
            stack.enter_context(self.redis)
            self.url = self.postgres.url()
            database.upgrade(self.url, branches())
            self.simulators = [self._simulator(each) for each in self.plan.carriers()]
            known = {simulator.name: simulator for simulator in self.simulators}
            self.runtime = Runtime(Database(self.url), rules(), known)
            stack.callback(self._close)
            self.account, self.key = self._account()
            self._move_in()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def settings(self) -> dict[str, str]:
        """What every process is told."""
        return {
            "SMSHUB_DATA": str(self.folder),
            "SMSHUB_DATABASE_URL": self.url,
            "SMSHUB_REDIS_URL": self.redis.url,
            "SMSHUB_SECRET_KEYS": SECRET,
            "SMSHUB_WEB_PROCESSES": "2",  # what is killed has a brother
            "SMSHUB_CARRIERS": json.dumps(self.plan.carriers()),
            "SMSHUB_HOOK_ALLOW": "127.0.0.0/8",
            "PORT": str(self.port),
        }

    def log(self) -> list[Taken]:
        """What all carriers took."""
        return [one for simulator in self.simulators for one in simulator.sent(limit=10_000_000)]

    def again(self, name: str) -> None:
        """Start what was killed, and what could not live without it."""
        if name in self.residents:
            self.residents[name].start()
        elif name == "postgres":
            self.postgres.start()
        else:
            self.redis.start()

    def kill(self, name: str) -> None:
        """Kill -9."""
        if name in self.residents:
            self.residents[name].kill()
        elif name == "postgres":
            self.postgres.kill()
        else:
            self.redis.kill()

    def fallen(self) -> list[str]:
        """Residents that ended though nobody killed them."""
        return [name for name, one in self.residents.items() if one.ended()]

    def _simulator(self, settings: Mapping[str, Any]) -> Simulator:
        known = {key: value for key, value in settings.items() if key != "kind"}
        path = self.folder / f"simulator-{settings['name']}.db"
        return Simulator(SimulatorSettings(**known), path, wall_clock, lambda _bits: 7)

    def _account(self) -> tuple[Account, str]:
        secret = new_secret(self.runtime)
        with self.runtime.begin() as tx:
            account = accounts.create(tx, "Acme")
            accounts.grant_otp(tx, account.id, granted=True, actor="operator")
            ledger.grant(tx, account.id, 1_000_000_000, "chaos", "operator")
            accounts.create_key(tx, account.id, "chaos", accounts.SCOPES, secret, "operator")
            if self.plan.listen:
                for purpose in ("otp", "notification"):
                    routing.set_route(tx, routing.ANY, purpose, ["connected"])
        return account, secret

    def _move_in(self) -> None:
        roles = [
            "web",
            *(f"worker-{n + 1}" for n in range(self.plan.workers)),
            *(["listen"] if self.plan.listen else []),
        ]
        for name in roles:
            self.residents[name] = Resident(name, name.partition("-")[0], self.folder, self.settings())
        for one in self.residents.values():
            one.start()
        for one in self.residents.values():
            one.ready()

    def _close(self) -> None:
        for one in self.residents.values():
            with contextlib.suppress(AssertionError):
                one.kill()
        for simulator in self.simulators:
            simulator.close()
        self.runtime.database.close()


def _runs(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
