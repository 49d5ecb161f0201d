"""The web server of `smshub web`, by plain sockets: what comes in is whole before the application sees it."""

import io
import socket
from collections.abc import Iterable
from typing import Any

import pytest

from hub.access import Respond
from hub.roles import bodies
from hub.roles.bodies import MOST_BODY
from tests.support.granian import HEAD, LONG, answer_of, ask, echo, serving
from tests.support.serving import wait_for


@pytest.mark.parametrize(
    "pieces, seen",
    [
        ([b"Content-Length: 5\r\n\r\n", b"ab", b"cde"], b"5 5 False"),
        ([b"Transfer-Encoding: chunked\r\n\r\n", b"2\r\nab\r\n", b"3\r\ncde\r\n0\r\n\r\n"], b"5 5 False"),
        ([b"\r\n"], b"None 0 False"),
        ([b"Content-Length: 2000000\r\n\r\n", b"x" * 2_000_000], b"2000000 2000000 False"),
    ],
)
def test_the_application_gets_a_body_whole(pieces: list[bytes], seen: bytes) -> None:
    with serving(echo) as (_, port):
        answer = ask(port, HEAD, *pieces)
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"\r\n" + seen)


@pytest.mark.parametrize(
    "start",
    [
        b"Content-Length: 10\r\n\r\nabc",
        b"Content-Length: 2000000\r\n\r\n" + b"x" * 1_000_000,
        b"Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
        b"Transfer-Encoding: chunked\r\n\r\n3\r\nab",
    ],
)
def test_a_body_that_is_cut_off_never_reaches_the_application(start: bytes) -> None:
    seen = []

    def app(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        seen.append(environ)
        return echo(environ, start)

    with serving(app) as (_, port):
        answer = ask(port, HEAD, start, end=True)
    assert answer.startswith(b"HTTP/1.1 400")
    assert seen == []


@pytest.mark.parametrize(
    "both",
    [
        b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n",
    ],
)
def test_a_length_beside_chunks_says_nothing(both: bytes) -> None:
    piece = b"x" * 200_000
    with serving(echo) as (_, port):
        answer = ask(port, HEAD, both, b"%x\r\n%b\r\n0\r\n\r\n" % (len(piece), piece))
    assert answer.startswith(b"HTTP/1.1 400") or answer.endswith(b"200000 200000 False")


def test_bodies_give_back_their_room_whoever_answers() -> None:
    """Requests are taken later, answered, and refused: a chunk of each is in the way of nobody afterwards."""
    environs: list[dict[str, Any]] = []

    def later(environ: dict[str, Any], respond: Respond) -> bool:
        environs.append(environ)
        respond("200 OK", [], environ["wsgi.input"].read())
        return True

    with serving(echo, later=later) as (_, port):
        assert ask(port, HEAD, b"Transfer-Encoding: chunked\r\n\r\n", b"2\r\nab\r\n0\r\n\r\n").endswith(b"ab")
        wait_for(lambda: environs[0]["wsgi.input"].closed)
    assert "smshub.stored" not in environs[0]


def test_a_body_that_finds_the_disk_full_is_refused_and_gives_back_its_room(monkeypatch: pytest.MonkeyPatch) -> None:
    def full() -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(bodies, "SpooledTemporaryFile", lambda **_: Full())

    class Full(io.BytesIO):
        """A file on a full disk."""

        def write(self, _piece: Any) -> int:
            full()
            return 0

    with serving(echo) as (_, port):
        for _ in range(2):
            answer = ask(port, HEAD, b"Transfer-Encoding: chunked\r\n\r\n", b"2\r\nab\r\n0\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 503")


def test_bodies_that_come_slowly_hold_no_thread() -> None:
    with serving(echo, threads=1) as (_, port):
        slow = [socket.create_connection(("127.0.0.1", port), LONG) for _ in range(20)]
        for place, caller in enumerate(slow):
            caller.sendall(
                HEAD + (b"Transfer-Encoding: chunked\r\n\r\n" if place % 2 else b"Content-Length: 2\r\n\r\na")
            )
        assert ask(port, HEAD, b"\r\n").endswith(b"None 0 False")
        for place, caller in enumerate(slow):
            caller.sendall(b"2\r\nab\r\n0\r\n\r\n" if place % 2 else b"b")
            with caller:
                assert answer_of(caller).endswith(b"2 2 False")


def test_a_body_that_stopped_coming_is_refused_and_comes_too_late() -> None:
    """By the clock of a collector of its own: the server's waits a minute."""
    told: list[int | None] = []
    kept = bodies.Bodies(silence_s=0)

    class Protocol:
        """Promises a body, as granian does."""

        def __call__(self) -> "Protocol":
            return self

        def add_done_callback(self, callback: Any) -> None:
            self.come = callback

        def result(self) -> bytes:
            return b"ab"

    protocol = Protocol()
    kept.take(protocol, {"CONTENT_LENGTH": "2"}, told.append)
    assert kept.late() == [protocol]
    protocol.come(protocol)
    assert (kept.late(), told) == ([], [])


def test_files_of_bodies_have_an_end_and_come_free_with_their_requests() -> None:
    class Protocol:
        """A body of two pieces that are there at once."""

        def __init__(self) -> None:
            self.pieces = [b"x" * 100] * 2

        def __aiter__(self) -> "Protocol":
            return self

        def __anext__(self) -> "Protocol":
            if not self.pieces:
                raise StopAsyncIteration
            return self

        def add_done_callback(self, callback: Any) -> None:
            callback(self)

        def result(self) -> bytes:
            return self.pieces.pop()

    kept, told = bodies.Bodies(most_stored=350), list[int | None]()
    environs: list[dict[str, Any]] = [{"HTTP_TRANSFER_ENCODING": "chunked"} for _ in range(3)]
    for environ in environs[:2]:
        kept.take(Protocol(), environ, told.append)
    assert told == [None, bodies.NO_ROOM]
    for environ in environs[:2]:
        kept.let_go(environ)
    kept.take(Protocol(), environs[2], told.append)
    assert (told[2], environs[2]["wsgi.input"].read()) == (None, b"x" * 200)
    kept.let_go(environs[2])


def test_of_a_body_that_is_too_large_the_application_learns_the_length_and_keeps_nothing() -> None:
    length = MOST_BODY + 1
    with serving(echo) as (_, port):
        answer = ask(port, HEAD, f"Content-Length: {length}\r\n\r\n".encode(), b"x" * length)
    assert answer.endswith(f"{length} {MOST_BODY} False".encode())
