"""The web server of `smshub web`: granian (HTTP in Rust) in a process that shares its port with others.

granian hands over requests (RSGI) in one thread, without an event loop: bodies are put together by callbacks there, what a group
commit answers is queued there, and everything else is called in threads of ours. A request that waits for its body, or for a
commit, has no thread; threads that wake together for one interpreter cost more than the requests that they serve.

granian's own parent process is not used: it knows no clean way out for what runs beside it, nor what to do when it is killed. What is
used here is what that parent calls in its children (granian/server/mp.py, `_spawn_rsgi_worker`, 2.8), and of an event loop only what
a body that came asks of it (src/callbacks.rs, `PyFutureAwaitable`).
"""

import socket
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, Final

import structlog
from granian._granian import CallbackScheduler, RSGIWorker, SocketHolder, WorkerSignal
from granian.http import HTTP1Settings

from hub.access import Environ, Respond, Wsgi
from hub.roles.answers import Answers, NoRoomError
from hub.roles.bodies import NO_ROOM, Bodies
from hub.roles.scopes import environ_of
from hub.roles.web import LIMITS
from hub.threads import Threads

LOOK_S: Final = 5.0
_OWN_LOOP: Final = 1  # a runtime has one thread for the network
_SPARE_THREADS: Final = 8  # of the runtime, for what blocks in it: reading the files of long answers
_ONE_THREAD: Final = 1  # of the runtime, for Python
_IDLE_S: Final = 30
_SERVER: Final = ("Server", "smshub")  # given so that granian does not name itself: what answers is nobody's business

log = structlog.get_logger()

TakesLater = Callable[[Environ, Respond], bool]


def never(_environ: Environ, _respond: Respond) -> bool:
    """Every request waits in its thread."""
    return False


class GranianServer:
    """Serves an application on a socket, which it takes over. Connections are taken from `start` on."""

    def __init__(self, app: Wsgi, listening: socket.socket, threads: int, later: TakesLater = never) -> None:
        """`later` may take a request and answer it when it can, so that no thread waits; what it does not take is the application's.

        threads: how many requests of the application are worked at once.
        """
        self._ended = threading.Event()
        self._signal = WorkerSignal()
        self._signal.add_cb(self._ended.set)
        limits = HTTP1Settings(
            header_read_timeout=LIMITS["channel_timeout"] * 1000,  # it runs between two requests of a connection too
            max_buffer_size=LIMITS["max_request_header_size"],
        )
        holder = SocketHolder(listening.detach(), False, LIMITS["backlog"])  # type: ignore[call-arg]  # noqa: FBT003 - its stub has no arguments
        make: Any = RSGIWorker  # its stub lacks the third
        self._worker = make(
            1,
            (None, holder),
            None,
            _OWN_LOOP,
            _SPARE_THREADS,
            _ONE_THREAD,
            _IDLE_S,
            LIMITS["connection_limit"],
            "1",
            limits,
        )
        self._front = Front(app, later, threads)

    def start(self) -> None:
        """Listen, and answer in the background."""
        self._worker.serve_str(_scheduler(self._front.take), _AtOnce, self._signal)
        threading.Thread(target=self._look, name="smshub-front", daemon=True).start()

    @property
    def alive(self) -> bool:
        return not self._ended.is_set()

    def stop(self, seconds: float) -> None:
        """Accept nothing more, answer what was asked, for at most `seconds`."""
        self._signal.set()
        self._ended.wait(seconds)
        self._front.close()

    def _look(self) -> None:
        while not self._ended.wait(LOOK_S):
            self._front.clear()


class Front:
    """What granian calls for each request. A body is read whole before the application sees any of it."""

    def __init__(self, app: Wsgi, later: TakesLater, threads: int) -> None:
        self._app = app
        self._later = later
        self._threads = Threads(threads, "smshub-web")
        self._bodies = Bodies()
        self._answers = Answers()

    def take(self, watcher: Any) -> None:
        """Take a request over; it is answered when it can be. Must not raise: granian would not look."""
        protocol = watcher.proto
        try:
            environ = environ_of(watcher.scope, _WORDS)
            self._bodies.take(protocol, environ, partial(self._came, protocol, environ))
        except Exception:  # a bug of ours: of those of the application it tells itself
            log.exception("request.broken")
            _break(protocol)

    def clear(self) -> None:
        """Look for bodies that stopped coming, and for files that nobody needs any more."""
        for protocol in self._bodies.late():
            protocol.response_bytes(408, [("Connection", "close"), _SERVER], b"")
        self._answers.clear()

    def close(self) -> None:
        """Nobody asks any more."""
        self._answers.close()

    def _came(self, protocol: Any, environ: Environ, refused: int | None) -> None:
        try:
            if refused is not None:
                _refuse(protocol, refused)
            elif not self._later(environ, partial(_respond, protocol)):
                self._threads.run(partial(self._call, protocol, environ))
                return  # which lets go of the body at its end
        except Exception:
            log.exception("request.broken")
            _break(protocol)
        self._bodies.let_go(environ)

    def _call(self, protocol: Any, environ: Environ) -> None:
        """Have the application answer a request, in a thread of its own."""
        answer = _Answer()
        try:
            environ["wsgi.input"].seek(0)
            body = self._app(environ, answer)
            self._answers.give(protocol, answer.status, answer.headers, body)
        except NoRoomError:
            _refuse(protocol, NO_ROOM)
        except Exception:
            log.exception("request.broken")
            _break(protocol)
        finally:
            self._bodies.let_go(environ)


class _Answer:
    """WSGI's start_response."""

    __slots__ = ("headers", "status")

    def __init__(self) -> None:
        self.status = 500
        self.headers: list[tuple[str, str]] = []

    def __call__(self, status: str, headers: list[tuple[str, str]], _exc_info: Any = None) -> None:
        self.status = int(status[:3])
        self.headers = [*headers, _SERVER]


class _Words:
    """wsgi.errors: what a library says there goes to the log as a fact without its words, which may quote a recipient."""

    def write(self, words: str) -> int:
        log.warning("request.words", length=len(words))
        return len(words)

    def flush(self) -> None:
        """Nothing waits."""


_WORDS: Final = _Words()


class _AtOnce:
    """All that is asked of an event loop: a callback of a body that came is called at once, where granian is with it."""

    @staticmethod
    def call_soon(callback: Callable[..., None], *values: Any, context: Any = None) -> None:  # noqa: ARG004 - of asyncio's
        callback(*values)

    call_soon_threadsafe = call_soon


def _scheduler(take: Callable[[Any], None]) -> CallbackScheduler:
    """What granian asks to run a request; without a loop, only to call `take`."""
    make: Any = CallbackScheduler  # its stub has no arguments
    scheduler = make(_AtOnce, None, None, None, None)
    scheduler._schedule_fn = take  # noqa: SLF001 - as granian's own schedulers do
    return scheduler  # type: ignore[no-any-return]


def _respond(protocol: Any, status: str, headers: list[tuple[str, str]], body: bytes) -> None:
    protocol.response_bytes(int(status[:3]), [*headers, _SERVER], body)


def _refuse(protocol: Any, status: int) -> None:
    """The body was cut off, or there is no room for it or for the answer."""
    log.warning("request.refused", status=status)
    protocol.response_bytes(status, [("Connection", "close"), ("Retry-After", "5"), _SERVER], b"")


def _break(protocol: Any) -> None:
    """Whoever asked learns no more than that there is a bug. Once answered, this does nothing."""
    protocol.response_bytes(500, [_SERVER], b"")
