"""The web server of `serve`: waitress on a socket of ours, in a thread, so that stopping it is ours too; and sockets to listen on."""

import errno
import socket
import threading
from collections.abc import Mapping
from time import monotonic
from typing import Any, Final

from flask import Flask
from waitress import wasyncore
from waitress.server import create_server

from core import Refused
from hub.api.guard import FORM_LIMIT

THREADS: Final = 8
LIMITS: Final[Mapping[str, Any]] = {
    "threads": THREADS,
    "ident": None,  # what answers is nobody's business
    "max_request_body_size": FORM_LIMIT + 1024 * 1024,  # the largest form and what is around it
    "max_request_header_size": 32 * 1024,
    "connection_limit": 1000,
    "channel_timeout": 60,
    "asyncore_use_poll": True,  # select() knows 1,024 descriptors
    "backlog": 1024,
}
LOOK_S: Final = 0.5


def bound(host: str, port: int) -> socket.socket:
    """The socket, bound and not listening yet. Refuses (`port_in_use`, `cannot_listen`) where that can't be."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        made.bind((host, port))
    except OSError as error:
        made.close()
        raise _refusal(host, port, error) from None
    return made


def shared(place: socket.socket) -> socket.socket:
    """Another socket on the port that `place` holds without listening: the kernel shares out connections among those that listen.

    Not one socket for all: whoever wakes first would take all that wait, and keep them.
    """
    made = socket.socket(place.family, socket.SOCK_STREAM)
    for option in (socket.SO_REUSEADDR, socket.SO_REUSEPORT):
        made.setsockopt(socket.SOL_SOCKET, option, 1)
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # those that it accepts inherit it
    made.bind(place.getsockname())
    return made


def _refusal(host: str, port: int, error: OSError) -> Refused:
    if error.errno == errno.EADDRINUSE:
        return Refused.at(
            "PORT", "port_in_use", f"Port {port} of {host} is in use: stop what uses it, or choose another with PORT=."
        )
    if error.errno == errno.EACCES:
        return Refused.at("PORT", "cannot_listen", f"Port {port} needs root: choose one above 1023 with PORT=.")
    return Refused.at("SMSHUB_HOST", "cannot_listen", f"{host} is not an address of this machine ({error.strerror}).")


class WebServer:
    """Serves an application. Connections are accepted from `start` on: before, they are refused."""

    def __init__(self, app: Flask, listening: socket.socket) -> None:
        self._app = app
        self._socket = listening
        self._stopping = threading.Event()
        self._ends = 0.0
        self._thread = threading.Thread(target=self._run, name="smshub-web", daemon=True)
        self._map: dict[int, Any] = {}
        self._server: Any = None

    def start(self) -> None:
        """Listen, and answer in the background. Refuses (`port_in_use`) where another began to listen since the socket was bound."""
        try:
            self._server = create_server(self._app, map=self._map, sockets=[self._socket], **LIMITS)
        except OSError as error:
            host, port = self._socket.getsockname()[:2]
            raise _refusal(host, port, error) from None
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def stop(self, seconds: float) -> None:
        """Accept nothing more, answer what was asked, for at most `seconds`; then close every connection."""
        self._ends = monotonic() + seconds
        self._stopping.set()
        if self.alive:
            self._server.pull_trigger()
            self._thread.join(seconds + 1)

    def _run(self) -> None:
        while not self._stopping.is_set():
            self._poll(LOOK_S)
        self._server.accepting = False
        self._server.del_channel()  # the loop forgets the listening socket; its trigger, which wakes the loop, stays
        self._server.socket.close()
        while self._busy() and monotonic() < self._ends:
            self._poll(0.05)
        self._server.task_dispatcher.shutdown(timeout=max(0.0, self._ends - monotonic()))
        wasyncore.close_all(self._map)

    def _poll(self, seconds: float) -> None:
        wasyncore.loop(timeout=seconds, use_poll=True, map=self._map, count=1)

    def _busy(self) -> bool:
        """Somebody's request is being answered, or its answer is on its way."""
        return any(
            channel.requests or channel.total_outbufs_len for channel in list(self._server.active_channels.values())
        )
