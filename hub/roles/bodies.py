"""Bodies of requests as granian gives them (RSGI 1.6): pieces that come when they come, put together without a thread that waits.

A small one is kept in memory, a longer one in a file. One that is too large is read, so that the answer finds a listener, and not kept.
"""

import threading
from collections.abc import Callable
from io import BytesIO
from tempfile import SpooledTemporaryFile
from time import monotonic
from typing import IO, Any, Final

from hub.access import Environ
from hub.roles.web import LIMITS

MOST_BODY: Final[int] = LIMITS["max_request_body_size"]
IN_MEMORY: Final = 128 * 1024  # as many connections as there may be can all be in the middle of one
SILENCE_S: Final[float] = LIMITS["channel_timeout"]

MOST_STORED: Final = 1024**3  # bytes of bodies in files: of all that are under way or being worked on
CUT_OFF: Final = 400
NO_ROOM: Final = 503
_STORED: Final = "smshub.stored"

Came = Callable[
    [int | None], None
]  # told once: None, as the body is in the environ; or the status of what it was refused for


class Bodies:
    """Those that are under way. `late` is asked for the requests whose body has stopped coming for `silence_s`."""

    def __init__(self, silence_s: float = SILENCE_S, most_stored: int = MOST_STORED) -> None:
        self._silence_s = silence_s
        self._room = most_stored
        self._since: dict[Any, tuple[float, Environ]] = {}  # by the protocol of its request
        self._lock = threading.Lock()

    def take(self, protocol: Any, environ: Environ, came: Came) -> None:
        """Put the whole body of a request into its environ, and tell when that is done."""
        chunked = "HTTP_TRANSFER_ENCODING" in environ
        if chunked:
            environ.pop("CONTENT_LENGTH", None)  # RFC 9112 section 6.3: it says nothing then
        declared = environ.get("CONTENT_LENGTH")
        if declared is None and not chunked:
            environ["wsgi.input"] = BytesIO()
            came(None)
            return
        self._since[protocol] = monotonic(), environ
        if declared is not None and int(declared) <= IN_MEMORY:
            self._take_whole(protocol, environ, came)
        else:
            _Upload(self, protocol, environ, came).go_on()

    def late(self) -> list[Any]:
        """The protocols of bodies of which nothing came for so long (of a small one: not all); they are forgotten, and never told."""
        now = monotonic()
        with self._lock:
            late = [
                (protocol, body)
                for protocol, (since, body) in list(self._since.items())
                if now - since >= self._silence_s
            ]
            late = [(protocol, body) for protocol, body in late if self._since.pop(protocol, None) is not None]
        for _, environ in late:
            self.let_go(environ)
        return [protocol for protocol, _ in late]

    def goes_on(self, protocol: Any) -> bool:
        """A piece came. Whether anybody still wants it."""
        with self._lock:
            if protocol not in self._since:
                return False
            self._since[protocol] = monotonic(), self._since[protocol][1]
            return True

    def over(self, protocol: Any) -> bool:
        """All came that will. Whether anybody still wants it."""
        return self._since.pop(protocol, None) is not None

    def reserve(self, environ: Environ, length: int) -> bool:
        """Take room in files for a piece of a request's body. Whether there was any."""
        with self._lock:
            if length > self._room:
                return False
            self._room -= length
        environ[_STORED] = environ.get(_STORED, 0) + length
        return True

    def let_go(self, environ: Environ) -> None:
        """The request is over: its body is thrown away."""
        with self._lock:
            self._room += environ.pop(_STORED, 0)
        body = environ.get("wsgi.input")
        if body is not None:
            body.close()

    def _take_whole(self, protocol: Any, environ: Environ, came: Came) -> None:
        def told(future: Any) -> None:
            if not self.over(protocol):
                return
            raw = _result(future)
            if raw is not None:
                environ["wsgi.input"] = BytesIO(raw)
            came(CUT_OFF if raw is None else None)

        protocol().add_done_callback(told)


class _Upload:
    """A body that comes in pieces, into a file once it is long."""

    def __init__(self, bodies: Bodies, protocol: Any, environ: Environ, came: Came) -> None:
        self._bodies = bodies
        self._protocol = protocol
        self._environ = environ
        self._came = came
        self._pieces = protocol.__aiter__()
        self._file: IO[bytes] = SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115 - the request closes it
        environ["wsgi.input"] = self._file
        self._length = 0
        self._empty = 0

    def go_on(self) -> None:
        """Ask for the next piece."""
        try:
            self._pieces.__anext__().add_done_callback(self._next)
        except StopAsyncIteration:
            self._end(None if self._whole() else CUT_OFF)

    def _next(self, future: Any) -> None:
        try:
            self._take(_result(future))
        except (OSError, ValueError):  # no room where temporary files are; or it was late, and is closed
            self._end(NO_ROOM)

    def _take(self, piece: bytes | None) -> None:
        if not self._bodies.goes_on(self._protocol):
            self._bodies.let_go(self._environ)
        elif piece is None:
            self._end(CUT_OFF)
        elif not self._keeps(piece):
            self._end(NO_ROOM)
        elif self._length > 2 * MOST_BODY:
            self._end(None)
        else:
            self.go_on()

    def _keeps(self, piece: bytes) -> bool:
        kept = piece[: max(0, MOST_BODY - self._length)]
        if not self._bodies.reserve(self._environ, len(kept)):
            return False
        self._file.write(kept)
        self._empty += not piece  # the last one is; another before it stands for a piece that never came
        self._length += len(piece)
        return True

    def _whole(self) -> bool:
        return self._length >= min(int(self._environ.get("CONTENT_LENGTH", 0)), MOST_BODY) and self._empty <= 1

    def _end(self, refused: int | None) -> None:
        if not self._bodies.over(self._protocol):
            self._bodies.let_go(self._environ)
            return
        if refused is None:
            self._file.seek(0)
            self._environ["CONTENT_LENGTH"] = str(max(self._length, int(self._environ.get("CONTENT_LENGTH", 0))))
            self._environ.pop("HTTP_TRANSFER_ENCODING", None)  # it came in chunks, and is whole now
        self._came(refused)


def _result(future: Any) -> bytes | None:
    """What came; None where the caller went away."""
    try:
        return bytes(future.result())
    except Exception:  # noqa: BLE001 - granian's own, and none of them public
        return None
