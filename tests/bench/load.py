"""A load generator that costs little: raw keep-alive sockets in one epoll loop. It counts what the server answered, by status.

POSTs only, answers with Content-Length (RFC 9112 section 6.2). One request is under way on each connection.
"""

import select
import socket
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from time import perf_counter
from typing import Final

_END: Final = b"\r\n\r\n"
_LENGTH: Final = b"content-length:"
SILENCE_S: Final = 60.0


@dataclass(frozen=True, slots=True)
class Load:
    """What came of it: answers, seconds from the first request to the last answer, answers by status, and percentiles in ms."""

    count: int
    seconds: float
    statuses: Mapping[int, int]
    p50_ms: float
    p99_ms: float
    longest_ms: float

    @property
    def per_s(self) -> float:
        return self.count / self.seconds


class _Line:
    """One connection: what it waits for."""

    __slots__ = ("got", "sent_at", "socket", "wanted")

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.got, self.wanted, self.sent_at = b"", 0, 0.0

    def ask(self, request: bytes) -> None:
        self.got, self.wanted, self.sent_at = b"", 0, perf_counter()
        self.socket.sendall(request)

    def answered(self) -> int | None:
        """The status once all of the answer is there. Raises ConnectionError where the server closed before."""
        piece = self.socket.recv(1 << 20)
        if not piece:
            raise ConnectionError("the server closed the connection")
        self.got = self.got + piece if self.got else piece
        if not self.wanted and (end := self.got.find(_END)) >= 0:
            self.wanted = end + len(_END) + _length(self.got[:end])
        return int(self.got[9:12]) if self.wanted and len(self.got) >= self.wanted else None


class _Run:
    """What is left to ask, and what was answered."""

    def __init__(self, start: bytes, bodies: Iterator[bytes], count: int | None, seconds: float | None) -> None:
        self._start, self._bodies = start, bodies
        self._left = -1 if count is None else count
        self.began = perf_counter()
        self._ends = self.began + seconds if seconds else float("inf")
        self.took: list[float] = []
        self.statuses: Counter[int] = Counter()

    def ask(self, line: _Line) -> bool:
        """Send the next request; False where there is none left."""
        if self._left == 0 or perf_counter() >= self._ends or (body := next(self._bodies, None)) is None:
            return False
        self._left -= 1
        line.ask(b"%s%d%s%s" % (self._start, len(body), _END, body))
        return True

    def go_on(self, line: _Line) -> bool:
        """Read what came; False once the connection has nothing more to do."""
        status = line.answered()
        if status is None:
            return True
        self.took.append(perf_counter() - line.sent_at)
        self.statuses[status] += 1
        return self.ask(line)

    def result(self) -> Load:
        lasted = perf_counter() - self.began
        took = sorted(self.took) or [0.0]
        p50, p99, longest = (1000 * took[int(part * (len(took) - 1))] for part in (0.5, 0.99, 1.0))
        return Load(len(self.took), lasted, dict(self.statuses), p50, p99, longest)


def posts(
    host: str,
    port: int,
    path: str,
    key: str,
    bodies: Iterator[bytes],
    *,
    concurrency: int = 64,
    seconds: float | None = None,
    count: int | None = None,
) -> Load:
    """POST bodies to a path, `concurrency` at a time: `count` of them, or for so many seconds, or until there are no more.

    Raises ConnectionError where the server hangs up, TimeoutError where it is silent for a minute.
    """
    head = f"POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {key}\r\nContent-Type: application/json\r\n"
    lines = {line.socket.fileno(): line for line in (_Line(host, port) for _ in range(concurrency))}
    run = _Run(head.encode() + b"Content-Length: ", bodies, count, seconds)
    with select.epoll() as poll:
        busy = {number for number, line in lines.items() if run.ask(line)}
        for number in busy:
            poll.register(number, select.EPOLLIN)
        while busy:
            ready = poll.poll(SILENCE_S)
            if not ready:
                raise TimeoutError(f"{len(busy)} requests were not answered in {SILENCE_S:g} s")
            for number, _ in ready:
                if not run.go_on(lines[number]):
                    poll.unregister(number)
                    busy.discard(number)
    for line in lines.values():
        line.socket.close()
    return run.result()


def singles(first: int = 0, text: str = "Bonjour, votre commande est prête.") -> Iterator[bytes]:
    """Bodies of POST /messages, each to another number."""
    rest = f'","text":"{text}"}}'.encode()
    place = first
    while True:
        yield b'{"to":"+336%08d%s' % (10_000_000 + place, rest)
        place += 1


def batches(size: int = 1000, first: int = 0, text: str = "Bonjour, votre commande est prête.") -> Iterator[bytes]:
    """Bodies of POST /messages/batch, each message to another number."""
    one = singles(first, text)
    while True:
        yield b'{"messages":[%s]}' % b",".join(next(one) for _ in range(size))


def _length(head: bytes) -> int:
    lower = head.lower()
    at = lower.index(_LENGTH) + len(_LENGTH)
    end = lower.find(b"\r\n", at)
    return int(lower[at : end if end >= 0 else None])
