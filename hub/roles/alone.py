"""One process serves an SQLite file: a lock beside it, which the kernel lets go of however its holder ends."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from core import Refused
from hub.settings import Settings


def lock_path(settings: Settings) -> Path:
    """Beside the database: two processes with different data folders and one database must see each other."""
    return Path(f"{database_path(settings)}.lock")


def database_path(settings: Settings) -> Path:
    """The SQLite file."""
    return Path(settings.database_url.removeprefix("sqlite:///"))


@contextmanager
def alone(settings: Settings) -> Iterator[None]:
    """Be the one that serves this database. Refuses (`already_served`) while another does."""
    path = lock_path(settings)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise _taken(settings, os.read(descriptor, 32).decode(errors="replace").strip()) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        yield
    finally:
        os.close(descriptor)


def is_served(settings: Settings) -> bool:
    """Whether a process serves this database now."""
    path = lock_path(settings)
    if not path.exists():
        return False
    with path.open("rb") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def _taken(settings: Settings, process: str) -> Refused:
    who = f"process {process}" if process else "another process"
    detail = f"{settings.data} is served already, by {who}: stop that one, or choose another folder with SMSHUB_DATA=."
    return Refused("already_served", detail)
