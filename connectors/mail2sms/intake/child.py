"""Mails are read by processes of their own. Strangers wrote them, and what one does to its reader (time, memory, a crash) is done to that

process alone, which is ended and started anew. See `reading` for what runs there.
"""

import os
import pickle
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from signal import SIGALRM
from typing import IO, Any, Final, Self

from connectors.mail2sms import mail

CHILDREN: Final = 2
PARSE_S: Final = 10
NAMES_S: Final = 20  # of these what name servers may take; beyond that they did not answer
END_S: Final = 1.0
PROGRAM: Final = "connectors.mail2sms.intake.reading"
_VALUES: Final = (mail.Read, mail.Parsed, mail.Headers, mail.Content, mail.Options, mail.Row, mail.Legacy)
_ANSWERS: Final = {(one.__module__, one.__qualname__): one for one in (*_VALUES, mail.Proof, mail.Wrong)}


class Unread(Exception):  # noqa: N818 - what it is
    """A mail could not be read: it took too long, or its reader died. Says why, and nothing of the mail."""


class Stopped(Unread):
    """Nobody reads any more, as the process ends: that is no fault of the mail."""


@dataclass(frozen=True, slots=True)
class Task:
    """A mail to be read, and what its installation says of that. returns_to, received_at: as in `mail.Found`."""

    raw: bytes = field(repr=False)
    gateway: str
    returns_to: str | None
    legacy: bool
    authserv_id: str | None
    received_at: int


class Reader:
    """Reads mails for all threads of a process, as many at a time as it has children; who comes first is first.

    dns: the name server, as host or host:port; None for those of the machine. seconds: how long one mail may take.
    """

    def __init__(
        self, dns: str | None, *, children: int = CHILDREN, seconds: int = PARSE_S + NAMES_S, program: str = PROGRAM
    ) -> None:
        command = (sys.executable, "-P", "-m", program, str(seconds), dns or "")
        self._children = [_Child(command) for _ in range(children)]
        self._idle = list(self._children)
        self._waiting: deque[Future[_Child]] = deque()
        self._lock = threading.Lock()
        self._is_closed = False

    def read(self, task: Task) -> mail.Read:
        """What it says and proves. Raises Unread, and Stopped once it is closed."""
        with self._turn() as child:
            return child.read(task)

    def close(self) -> None:
        """Whoever reads or waits is told Stopped, and the children are gone."""
        with self._lock:
            self._is_closed = True
            waiting, self._waiting = self._waiting, deque()
            idle, self._idle = self._idle, []
        for place in waiting:
            place.set_exception(Stopped("the readers were stopped"))
        for child in self._children:
            child.kill()
        for child in idle:
            child.bury()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    @contextmanager
    def _turn(self) -> "Iterator[_Child]":
        child = self._next()
        try:
            yield child
        finally:
            self._give(child)

    def _next(self) -> "_Child":
        with self._lock:
            if self._is_closed:
                raise Stopped("the readers were stopped")
            if self._idle:
                return self._idle.pop()
            place: Future[_Child] = Future()
            self._waiting.append(place)
        return place.result()

    def _give(self, child: "_Child") -> None:
        """To whom waits longest: nobody who comes now gets it before."""
        with self._lock:
            if self._is_closed:
                child.bury()
            elif self._waiting:
                self._waiting.popleft().set_result(child)
            else:
                self._idle.append(child)


class _Child:
    """One place for a process that reads, one mail at a time. It is started when there is something to read."""

    def __init__(self, command: tuple[str, ...]) -> None:
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = threading.Lock()
        self._is_over = False

    def read(self, task: Task) -> mail.Read:
        process = self._alive()
        try:
            answer = _asked(process, task)
        except Exception as error:  # an end in the middle of an answer raises whatever it likes
            raise self._end_of(process) from error
        if not isinstance(answer, mail.Read):
            raise Unread(str(answer))
        return answer

    def kill(self) -> None:
        """For good; from any thread."""
        with self._lock:
            self._is_over = True
            if self._process is not None:
                self._process.kill()

    def bury(self) -> None:
        """Leave nothing of it, for whoever has it now."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            for pipe in (process.stdin, process.stdout):
                with suppress(OSError):  # what it did not read any more
                    pipe.close()  # type: ignore[union-attr] # both were asked for

    def _alive(self) -> subprocess.Popen[bytes]:
        """The process; a new one where there is none, or it died while it had nothing to do."""
        if self._process is not None and self._process.poll() is not None:
            self.bury()
        with self._lock:
            if self._is_over:
                raise Stopped("the readers were stopped")
            if self._process is None:
                self._process = _started(self._command)
            return self._process

    def _end_of(self, process: subprocess.Popen[bytes]) -> Unread:
        with suppress(subprocess.TimeoutExpired):  # who closed its pipe is ending, and says how in a moment
            process.wait(END_S)
        self.bury()
        if self._is_over:
            return Stopped("the readers were stopped")
        if process.returncode == -SIGALRM:
            return Unread("reading it took too long")
        return Unread(f"its reader ended ({process.returncode})")


def _started(command: tuple[str, ...]) -> subprocess.Popen[bytes]:
    """In a session of its own, so that a Ctrl-C is for us; without our secrets, and with nowhere to write them or a mail to."""
    known = {name: value for name, value in os.environ.items() if not name.startswith("SMSHUB_")}
    pipe = subprocess.PIPE
    return subprocess.Popen(  # noqa: S603 - fixed words, a number and the operator's name server
        command, stdin=pipe, stdout=pipe, stderr=subprocess.DEVNULL, env=known, start_new_session=True
    )


def _asked(process: subprocess.Popen[bytes], task: Task) -> Any:
    given, answered = process.stdin, process.stdout
    if given is None or answered is None:
        raise TypeError("a reader without pipes")
    pickle.dump(task, given)
    given.flush()
    return _Answer(answered).load()


class _Answer(pickle.Unpickler):
    """An answer holds values of `mail` and what they are made of; nothing that a reader sends is ever called."""

    def __init__(self, stream: IO[bytes]) -> None:
        super().__init__(stream)

    def find_class(self, module: str, name: str) -> Any:
        found = _ANSWERS.get((module, name))
        if found is None:
            raise pickle.UnpicklingError(f"a reader answered a {name}")
        return found
