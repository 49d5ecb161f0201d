"""The line: scanners connect here and send a line now and then; the same line comes back, so both know that the other is there."""

import socket
from contextlib import closing, suppress

from connectors.contract import Stop, Visit

LONGEST = 1000  # bytes of a line


def listen(visit: Visit, stop: Stop) -> None:
    """Serve one scanner after the other on the operator's address (SMSHUB_CONNECTOR_PARCELS_LISTEN) until told to stop."""
    host, _, port = str(visit.tools.options["listen"]).rpartition(":")
    with closing(socket.create_server((host, int(port)), reuse_port=False)) as server:
        server.settimeout(0.2)
        while not stop.is_set():
            with suppress(TimeoutError):
                scanner, _ = server.accept()
                with closing(scanner):
                    _answer(scanner, stop)


def _answer(scanner: socket.socket, stop: Stop) -> None:
    scanner.settimeout(0.2)
    rest = b""
    while not stop.is_set():
        try:
            piece = scanner.recv(LONGEST)
        except TimeoutError:
            continue
        except OSError:
            return
        if not piece:
            return
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            # A line that is no text is a scanner out of order: nothing can be told to it, and the listener starts anew.
            scanner.sendall(line.decode("utf-8").encode() + b"\n")
