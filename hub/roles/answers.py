"""Answers as granian takes them (RSGI 1.6). A long one goes through a file: who reads slowly holds up no thread and no transaction.

granian keeps what a stream was given until it is read, however much that is; a file it reads as fast as the other side does. The files
have no name, so nothing is left of them where a process is killed.
"""

import os
import threading
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryFile
from time import monotonic
from typing import IO, Any, Final

IN_MEMORY: Final = 1024 * 1024
MOST_STORED: Final = 1024**3  # bytes of answers in files, until they are read
OPENED_S: Final = 20.0  # granian opens a file at once

Headers = list[tuple[str, str]]
_Inode = tuple[int, int]


class NoRoomError(Exception):
    """There is no room for a long answer."""


@dataclass(frozen=True, slots=True)
class _Given:
    """A file that granian was told to answer with."""

    file: IO[bytes]
    length: int
    at: float


class Answers:
    """Gives answers, and clears up the files of long ones."""

    def __init__(self, most_stored: int = MOST_STORED) -> None:
        self._room = most_stored
        self._given: list[_Given] = []
        self._lock = threading.Lock()

    def give(self, protocol: Any, status: int, headers: Headers, body: Iterable[bytes]) -> None:
        """Answer a request, whatever the body is made of. Raises what making it raises, and NoRoomError: then nothing was answered."""
        if isinstance(body, list):
            protocol.response_bytes(status, headers, b"".join(body))
            return
        try:
            self._give_pieces(protocol, status, headers, body)
        finally:
            close = getattr(body, "close", None)
            if close:
                close()

    def clear(self, opened_s: float = OPENED_S) -> None:
        """Close the files that were read to their end, or whose readers are gone."""
        if not self._given:
            return
        users, now = _users(), monotonic()
        with self._lock:
            over = [each for each in self._given if now - each.at >= opened_s and users[_inode(each.file)] <= 1]
            self._given = [each for each in self._given if each not in over]
        for each in over:
            self._close(each.file, each.length)

    def close(self) -> None:
        """Close all of them; granian has its own hold on those that it reads."""
        with self._lock:
            given, self._given = self._given, []
        for each in given:
            self._close(each.file, each.length)

    def _give_pieces(self, protocol: Any, status: int, headers: Headers, body: Iterable[bytes]) -> None:
        pieces = iter(body)
        kept: list[bytes] = []
        length = 0
        for piece in pieces:
            kept.append(piece)
            length += len(piece)
            if length > IN_MEMORY:
                break
        else:
            protocol.response_bytes(status, headers, b"".join(kept))
            return
        file, length = self._written(kept, pieces)
        with self._lock:
            self._given.append(_Given(file, length, monotonic()))
        named = [pair for pair in headers if pair[0].lower() != "content-length"]
        protocol.response_file(status, [*named, ("Content-Length", str(length))], f"/dev/fd/{file.fileno()}")

    def _written(self, kept: Iterable[bytes], rest: Iterable[bytes]) -> tuple[IO[bytes], int]:
        file: IO[bytes] = TemporaryFile()  # noqa: SIM115 - closed once it was read
        length = 0
        try:
            for pieces in (kept, rest):
                for piece in pieces:
                    self._reserve(len(piece))
                    length += len(piece)
                    self._write(file, piece)
            self._write(file, b"", whole=True)
        except BaseException:
            self._close(file, length)
            raise
        return file, length

    def _reserve(self, length: int) -> None:
        with self._lock:
            if length > self._room:
                raise NoRoomError
            self._room -= length

    def _write(self, file: IO[bytes], piece: bytes, *, whole: bool = False) -> None:
        try:
            file.write(piece)
            if whole:
                file.seek(0)  # which writes what is still in its buffer
        except OSError as error:
            raise NoRoomError from error

    def _close(self, file: IO[bytes], length: int) -> None:
        with suppress(OSError):
            file.close()
        with self._lock:
            self._room += length


def _users() -> Counter[_Inode]:
    """How often each file is open in this process."""
    found: Counter[_Inode] = Counter()
    for open_file in Path("/dev/fd").iterdir():
        with suppress(OSError):
            status = os.fstat(int(open_file.name))
            found[status.st_dev, status.st_ino] += 1
    return found


def _inode(file: IO[bytes]) -> _Inode:
    status = os.fstat(file.fileno())
    return status.st_dev, status.st_ino
