"""The web server of `smshub web`, by plain sockets: who waits holds no thread, and an answer is whole or an error."""

import socket
import time
from collections.abc import Iterable, Iterator
from threading import Event, Thread
from typing import Any

import pytest

from hub.access import Respond
from hub.roles.answers import Answers, NoRoomError
from hub.roles.web import LIMITS
from tests.support.granian import HEAD, LONG, answer_of, ask, echo, serving
from tests.support.serving import wait_for


def test_files_of_answers_have_an_end_and_come_free_when_they_were_read() -> None:
    class Protocol:
        """Opens the file that it is told of, as granian does."""

        def response_file(self, _status: int, _headers: Any, path: str) -> None:
            self.file = open(path, "rb")  # noqa: PTH123, SIM115 - closed by the test

    long = [b"x" * 1_000_000] * 3
    answers, reader = Answers(most_stored=4_000_000), Protocol()
    answers.give(reader, 200, [], iter(long))
    answers.clear(opened_s=0)
    with pytest.raises(NoRoomError):
        answers.give(Protocol(), 200, [], iter(long))
    assert reader.file.read() == b"".join(long)
    reader.file.close()
    answers.clear(opened_s=0)
    answers.give(reader, 200, [], iter(long))
    reader.file.close()
    answers.clear(opened_s=0)


def test_a_request_that_is_taken_later_holds_no_thread_and_sees_its_body() -> None:
    waiting: list[tuple[bytes, Respond]] = []

    def later(environ: dict[str, Any], respond: Respond) -> bool:
        if environ["PATH_INFO"] != "/later":
            return False
        waiting.append((environ["wsgi.input"].read(), respond))
        return True

    head = b"POST /later HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n"
    with serving(echo, threads=1, later=later) as (_, port):
        callers = [socket.create_connection(("127.0.0.1", port), LONG) for _ in range(10)]
        for caller in callers:
            caller.sendall(head + b"ab")
        wait_for(lambda: len(waiting) == len(callers))
        assert ask(port, HEAD, b"\r\n").endswith(b"None 0 False")
        for body, respond in waiting:
            respond("202 ACCEPTED", [("X-Told", "later")], body)
        for caller in callers:
            with caller:
                answer = answer_of(caller)
                assert answer.startswith(b"HTTP/1.1 202")
                assert (b"x-told: later" in answer, answer[-2:]) == (True, b"ab")


@pytest.mark.parametrize("size", [0, 10, 5_000_000])
def test_an_answer_in_pieces_comes_whole_with_its_length_and_is_closed(size: int) -> None:
    closed = Event()

    class Pieces:
        def __iter__(self) -> Iterator[bytes]:
            left = size
            while left:
                yield b"x" * min(left, 1000)
                left -= min(left, 1000)

        def close(self) -> None:
            closed.set()

    def app(_environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        start("200 OK", [("Content-Type", "text/csv")])
        return Pieces()

    with serving(app) as (_, port):
        answer = ask(port, HEAD, b"\r\n")
    head, _, body = answer.partition(b"\r\n\r\n")
    assert f"content-length: {size}\r\n".encode() in head
    assert (body, closed.is_set()) == (b"x" * size, True)


def test_who_reads_a_long_answer_slowly_holds_no_thread() -> None:
    def app(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        if environ["PATH_INFO"] != "/long":
            return echo(environ, start)
        start("200 OK", [])
        return iter([b"x" * 1_000_000] * 50)

    with serving(app, threads=1) as (_, port), socket.create_connection(("127.0.0.1", port), LONG) as slow:
        slow.sendall(b"GET /long HTTP/1.1\r\nHost: x\r\n\r\n")
        assert slow.recv(10)
        assert ask(port, HEAD, b"\r\n").endswith(b"None 0 False")


def test_a_fault_in_the_middle_of_a_long_answer_is_an_error_and_not_half_a_file() -> None:
    def pieces() -> Iterator[bytes]:
        yield b"x" * 5_000_000
        raise LookupError

    def app(_environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        start("200 OK", [])
        return pieces()

    with serving(app) as (_, port):
        assert ask(port, HEAD, b"\r\n").startswith(b"HTTP/1.1 500")


def test_a_head_becomes_an_environ() -> None:
    seen: list[dict[str, Any]] = []

    def app(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        seen.append(environ)
        return echo(environ, start)

    with serving(app) as (_, port):
        ask(
            port,
            b"GET /caf%C3%A9/%2B33?to=%2B33 HTTP/1.1\r\nHost: hub.example\r\nAuthorization: Bearer x\r\nX-Odd: 1\r\nX-Odd: 2\r\n"
            b"Cookie: a=1\r\nCookie: b=2\r\nX_Request_Id: stolen\r\nContent-Type: text/plain\r\n\r\n",
        )
    (environ,) = seen
    assert {
        name: environ[name]
        for name in ("REQUEST_METHOD", "PATH_INFO", "QUERY_STRING", "CONTENT_TYPE", "SERVER_PROTOCOL", "REMOTE_ADDR")
    } == {
        "REQUEST_METHOD": "GET",
        "PATH_INFO": "/caf\xc3\xa9/+33",
        "QUERY_STRING": "to=%2B33",
        "CONTENT_TYPE": "text/plain",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
    }
    assert (environ["HTTP_HOST"], environ["HTTP_AUTHORIZATION"]) == ("hub.example", "Bearer x")
    assert (environ["HTTP_X_ODD"], environ["HTTP_COOKIE"]) == ("1,2", "a=1;b=2")
    assert "HTTP_X_REQUEST_ID" not in environ


def test_a_head_that_is_too_large_is_refused() -> None:
    with serving(echo) as (_, port):
        answer = ask(port, HEAD, b"X: " + b"a" * 2 * LIMITS["max_request_header_size"] + b"\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 431")


def test_no_server_names_itself_and_a_bug_around_the_application_says_nothing(
    capfd: pytest.CaptureFixture[str],
) -> None:
    def broken(_environ: dict[str, Any], _start: Any) -> Iterable[bytes]:
        raise ValueError("a text that quotes a recipient")

    with serving(broken) as (_, port):
        answer = ask(port, HEAD, b"\r\n")
    assert answer.startswith(b"HTTP/1.1 500")
    assert b"granian" not in answer.lower()
    assert capfd.readouterr().err == ""


def test_what_is_under_way_is_answered_and_nobody_else_let_in_once_it_stops() -> None:
    asked, go = Event(), Event()

    def slow(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        asked.set()
        go.wait(LONG)
        return echo(environ, start)

    with serving(slow) as (server, port), socket.create_connection(("127.0.0.1", port), LONG) as caller:
        caller.sendall(HEAD + b"\r\n")
        assert asked.wait(LONG)
        stopping = Thread(target=server.stop, args=(LONG,))
        stopping.start()
        ends = time.monotonic() + LONG
        while listens(port) and time.monotonic() < ends:
            time.sleep(0.01)
        assert not listens(port)
        go.set()
        assert answer_of(caller).startswith(b"HTTP/1.1 200")
        stopping.join(LONG)
        assert not server.alive


def test_as_many_wait_at_once_as_there_are_threads() -> None:
    waiting, all_there = [], Event()

    def app(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        waiting.append(1)
        if len(waiting) == 64:
            all_there.set()
        all_there.wait(LONG)
        return echo(environ, start)

    with serving(app, threads=64) as (_, port):
        answers: list[bytes] = []
        callers = [Thread(target=lambda: answers.append(ask(port, HEAD, b"\r\n"))) for _ in range(64)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join(LONG)
    assert all_there.is_set()
    assert [answer[9:12] for answer in answers] == [b"200"] * 64


def listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), LONG).close()
    except ConnectionRefusedError:
        return False
    return True
