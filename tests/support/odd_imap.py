"""A server on 127.0.0.1 that says what no good IMAP server would, as a test writes it."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

Answer = Callable[[bytes, bytes], bytes]  # to a command (tag, the rest of its line)


def able(*capabilities: str) -> Answer:
    """Says what it can do, and OK to everything."""

    def answer(tag: bytes, command: bytes) -> bytes:
        words = f"* CAPABILITY IMAP4rev1 {' '.join(capabilities)}\r\n".encode() if command == b"CAPABILITY" else b""
        return words + tag + b" OK done\r\n"

    return answer


@contextmanager
def odd_imap(greeting: bytes, answer: Answer | None = None) -> Iterator[int]:
    """Its port. It greets whoever connects, and answers lines; without `answer` it ends the connection instead."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        thread = threading.Thread(target=_serve, args=(server, greeting, answer))
        thread.start()
        try:
            yield server.getsockname()[1]
        finally:
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def _serve(server: socket.socket, greeting: bytes, answer: Answer | None) -> None:
    with suppress(OSError):
        while True:
            wire, _ = server.accept()
            with wire, suppress(OSError):
                _talk(wire, greeting, answer)


def _talk(wire: socket.socket, greeting: bytes, answer: Answer | None) -> None:
    wire.sendall(greeting)
    if answer is None:
        return
    with wire.makefile("rb") as lines:
        for line in lines:
            tag, _, command = line.rstrip().partition(b" ")
            wire.sendall(answer(tag, command))
