"""Statuses delivered to one hook endpoint in batches: from the outbox, through the worker, to a receiver that counts them."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import func, select
from standardwebhooks import Webhook

from core import Tx, events
from core.schema import messages, outbox
from core.sending import submit
from core.sending.drafts import Draft
from hub import secrets
from hub.hooks import endpoints
from tests.bench.campaign import hold
from tests.bench.crowd import number
from tests.bench.figure import SIZES, Bench, Figure, Measured, at, sized
from tests.bench.place import Hub, Place, hub_on, wait
from tests.support.serving import SECRET

KEY: Final = "hooks_per_s"
USUAL: Final = 50_000
AT_ONCE: Final = 1_000
VERIFY_EACH: Final = 20  # of the POSTs are verified as a receiver would


class Receiver:
    """Counts the events of the POSTs it is sent, and answers 200. Plain sockets: it must not be what is measured."""

    def __init__(self) -> None:
        self.secret = ""
        self.events = 0
        self.posts = 0
        self.wrong: list[str] = []
        self._lock = threading.Lock()
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}/hook"
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, connection.makefile("rb") as stream:
            while line := stream.readline():
                headers: dict[str, str] = {}
                while (line := stream.readline()) not in {b"\r\n", b""}:
                    name, _, value = line.decode("latin-1").partition(":")
                    headers[name.strip().lower()] = value.strip()
                body = stream.read(int(headers.get("content-length", "0")))
                self._take(headers, body)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    def _take(self, headers: dict[str, str], body: bytes) -> None:
        with self._lock:
            self.posts += 1
            self.events += body.count(b'"timestamp":')
            look = self.posts % VERIFY_EACH == 1
        if look:
            try:
                Webhook(self.secret).verify(body, headers)
            except Exception as wrong:  # noqa: BLE001 - whatever is wrong with it is what the bench fails of
                self.wrong.append(repr(wrong))


@contextmanager
def _receiver() -> Iterator[Receiver]:
    made = Receiver()
    try:
        yield made
    finally:
        made.close()


def _measure(place: Place) -> Iterator[Measured]:
    with hub_on(place) as hub, _receiver() as receiver:
        account, _ = hub.account()
        hold(hub)
        ids = _accepted(hub, account, place.count(USUAL))
        hub.start("worker")
        wait(lambda: not _waiting(hub))
        receiver.secret = _hook(hub, account.id, receiver.url)
        _deliver(hub, receiver, account.id, ids[: max(20, len(ids) // 5)])  # from now on it is known to answer promptly
        for usual in (USUAL,) if place.profile else (USUAL, *SIZES):
            size = place.count(usual)
            for _ in range(place.runs if usual <= USUAL else 1):
                with hub.watched("hooks"):
                    rate = _deliver(hub, receiver, account.id, [ids[place % len(ids)] for place in range(size)])
                yield {KEY if usual == USUAL else at(KEY, usual): rate}


def _deliver(hub: Hub, receiver: Receiver, account_id: str, ids: list[str]) -> float:
    before = receiver.events
    with hub.runtime.begin() as tx:
        facts = [
            {"message_id": id_, "status": "received", "status_detail": None, "carrier_code": None, "at": tx.now}
            for id_ in ids
        ]
        for start in range(0, len(facts), events.ROW_FACTS):
            _emit(tx, account_id, facts[start : start + events.ROW_FACTS])
    began = time.perf_counter()
    wait(lambda: receiver.events - before >= len(ids) or receiver.wrong)
    took = time.perf_counter() - began
    wait(lambda: not _waiting(hub))
    if receiver.wrong or receiver.events - before != len(ids):
        raise AssertionError(f"{receiver.events - before} of {len(ids)} events came; {receiver.wrong[:1]}")
    return len(ids) / took


def _emit(tx: Tx, account_id: str, facts: list[dict[str, Any]]) -> None:
    events.emit(tx, account_id, "message.status", facts)


def _accepted(hub: Hub, account: Any, count: int) -> list[str]:
    """The ids of so many messages."""
    for start in range(0, count, AT_ONCE):
        drafts = [Draft(f"+{number(place)}", "Bonjour") for place in range(start, min(start + AT_ONCE, count))]
        with hub.runtime.begin() as tx:
            submit.submit(tx, account, "api", drafts)
    with hub.runtime.read() as tx:
        return [row.id for row in tx.all(select(messages.c.id).order_by(messages.c.id))]


def _hook(hub: Hub, account_id: str, url: str) -> str:
    keys = secrets.keys_from([SECRET])
    with hub.runtime.begin() as tx:
        wanted = endpoints.Wanted(url, ("message.status",), {}, batch=True)
        _, secret = endpoints.create(hub.runtime, tx, keys, account_id, wanted, "api")
    return secret


def _waiting(hub: Hub) -> int:
    with hub.runtime.read() as tx:
        return int(tx.scalar(select(func.count()).select_from(outbox).where(outbox.c.relayed_at.is_(None))))


HOOKS: Final = Bench(
    "hooks",
    (
        Figure(KEY, f"statuses delivered to one hook in batches, {USUAL:,} of them", "/s", 5_000),
        *sized("statuses to a hook", KEY),
    ),
    _measure,
)
