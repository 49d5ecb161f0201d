"""The hub as processes: `smshub serve` and `smshub worker` as people start them, killed as machines kill them."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import requests
from alembic import command

from core import Account, Database, Runtime, Simulator, accounts, check, ledger, wall_clock
from core.carriers.simulator import SimulatorSettings
from hub import database
from hub.api.keys import new_secret
from tests.support.databases import branches
from tests.support.world import rules

ROOT = Path(__file__).parents[2]
PATIENCE_S = 120  # a loaded machine takes its time to start a process; nobody waits that long when all is well
SECRET = "a secret of the operator for tests that is long enough"


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def environment(folder: Path, **more: str) -> dict[str, str]:
    """What a process of the hub sees: nothing of the settings of whoever runs the tests."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SMSHUB_") and name != "PORT"}
    return kept | {"SMSHUB_DATA": str(folder), "PYTHONPATH": str(ROOT)} | more


def smshub(*arguments: str, folder: Path, stdin: str = "", **more: str) -> subprocess.CompletedProcess[str]:
    """A command to its end."""
    line = [sys.executable, "-P", "-m", "hub.cli", *arguments]
    options: dict[str, Any] = {"env": environment(folder, **more), "cwd": folder, "input": stdin, "timeout": PATIENCE_S}
    return subprocess.run(line, capture_output=True, text=True, check=False, **options)


class Process:
    """A role, from its start; `ready` waits for what it prints then. Its words are kept in files: a full pipe would stop it."""

    def __init__(self, role: str, folder: Path, **more: str) -> None:
        self.out, self.err = folder / f"{role}.out", folder / f"{role}.err"
        with self.out.open("w") as out, self.err.open("w") as err:
            line = [sys.executable, "-P", "-m", "hub.cli", role]
            self.process = subprocess.Popen(line, env=environment(folder, **more), cwd=folder, stdout=out, stderr=err)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    def ready(self, *, word: str = " ready at ") -> str:
        """What it printed."""
        wait_for(lambda: word in self.out.read_text() or self.process.poll() is not None)
        assert word in self.out.read_text(), self.err.read_text()
        return self.out.read_text()

    def stop(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(PATIENCE_S)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def ends(self) -> int:
        return self.process.wait(PATIENCE_S)


def wait_for(done: Callable[[], Any], patience_s: float = PATIENCE_S) -> Any:
    """What `done` says once it says something; a test that waits for ever fails instead."""
    ends = time.monotonic() + patience_s
    while not (found := done()):
        if time.monotonic() > ends:
            raise AssertionError("it did not happen")
        time.sleep(0.02)
    return found


class Site:
    """A hub's data, looked at from outside: a database with its tables, the simulator's memory, an account with credits and a key."""

    def __init__(self, url: str, folder: Path, simulator: str = "simulator", **settings: Any) -> None:
        self.url, self.folder = url, folder
        self.simulator = Simulator(
            SimulatorSettings(simulator, **settings), folder / f"simulator-{simulator}.db", wall_clock, lambda _bits: 7
        )
        self.database = Database(url)
        self.runtime = Runtime(self.database, rules(), {simulator: self.simulator})

    def open_account(self, millicredits: int = 10_000_000) -> tuple[Account, str]:
        secret = new_secret(self.runtime)
        with self.runtime.begin() as tx:
            account = accounts.create(tx, "Acme")
            ledger.grant(tx, account.id, millicredits, "test", "operator")
            accounts.create_key(tx, account.id, "test", accounts.SCOPES, secret, "operator")
        return account, secret

    def taken(self) -> Sequence[Any]:
        """Everything that the simulator was given, in order."""
        return self.simulator.sent(limit=1_000_000)

    def faults(self) -> list[check.Finding]:
        return check.everything(self.runtime)

    def close(self) -> None:
        self.simulator.close()
        self.database.close()


def stamp(url: str) -> None:
    """Say of a database whose tables were made without migrations that it is at the newest revision."""
    known = Database(url)
    with database.migrating(known) as connection:
        command.stamp(database.config(connection, branches()), "heads")
    known.close()


class Api:
    """The REST API of a running hub."""

    def __init__(self, port: int, key: str) -> None:
        self.base, self.headers = f"http://127.0.0.1:{port}", {"Authorization": f"Bearer {key}"}

    def get(self, path: str, **query: Any) -> Any:
        return requests.get(f"{self.base}/api/v1{path}", params=query, headers=self.headers, timeout=PATIENCE_S).json()

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        return requests.post(f"{self.base}/api/v1{path}", json=body, headers=self.headers, timeout=PATIENCE_S).json()

    def healthy(self) -> bool:
        return requests.get(f"{self.base}/healthz", timeout=PATIENCE_S).status_code == 200


def numbers(count: int) -> list[int]:
    """Numbers that are all reached: none ends in what the simulator reads as an ending."""
    return [33_612_000_000 + 100 * (place // 80) + 20 + place % 80 for place in range(count)]
