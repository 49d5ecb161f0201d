"""Clients of a hub that is being killed: they ask again with the same key until they are answered, and remember every answer."""

import io
import random
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final

import orjson
import requests
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from core import groups, imports, schema, wall_clock
from tests.chaos.checker import Told
from tests.chaos.house import House
from tests.support.serving import wait_for

ANSWER_S: Final = 30  # a client's patience with one request
AGAIN: Final = frozenset({409, 429, 500, 502, 503})  # 409: the same key is being worked on
NOT_TO_REST: Final = frozenset({7, 13})  # endings of which nobody ever hears
POSTERS: Final = 3


def people(count: int, first: int = 0) -> list[int]:
    """Mobile numbers with every ending that comes to an end, as they come."""
    found: list[int] = []
    number = 33_612_000_000 + first
    while len(found) < count:
        if number % 100 not in NOT_TO_REST:
            found.append(number)
        number += 1
    return found


@dataclass(slots=True)
class Load:
    """Clients in threads; `stop` lets each finish the request that it is at. `refusals` are answers that nobody should get."""

    house: House
    seed: int
    pause_s: float = 0.05
    told: Told = field(default_factory=Told)
    refusals: list[str] = field(default_factory=list)
    asked_again: int = 0
    _campaigns: int = 0
    _pool: Sequence[int] = ()
    _stopping: threading.Event = field(default_factory=threading.Event)
    _watched_out: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)
    _watcher: threading.Thread | None = None

    def campaign(self, recipients: int) -> str:
        """A campaign to a group and to people who are named, a tenth of them in both; its id, once it is accepted."""
        self._campaigns += 1
        self._pool = people(recipients, first=100_000 * self._campaigns)
        grouped, named = self._pool[: recipients * 3 // 4], self._pool[recipients * 65 // 100 :]
        group = self._group(grouped)
        self.told.grouped |= set(grouped) - set(named)
        draft = {
            "name": "Chaos",
            "text": "Bonjour $prenom",
            "groups": [group],
            "recipients": [{"to": f"+{number}", "prenom": "Zoé"} for number in named],
        }
        made = self.ask("POST", "/campaigns", draft, key=f"campaign-{self.seed}-{self._campaigns}")
        self.told.campaigns[made["id"]] = frozenset(self._pool)
        return str(made["id"])

    def hook(self, url: str) -> None:
        """Every message.status is posted there, many at a time."""
        self.ask("POST", "/hooks", {"url": url, "events": ["message.status"], "batch": True})
        self.told.listening = self.house.account.id

    def start(self) -> None:
        """Let the clients go, for the first time or again."""
        self._stopping.clear()
        work = [*(self._singles(n) for n in range(POSTERS)), self._stops()]
        for turn in work:
            thread = threading.Thread(target=self._run, args=(turn,), daemon=True)
            self._threads.append(thread)
            thread.start()
        if self._watcher is None:
            self._watcher = threading.Thread(target=self._watch, daemon=True)
            self._watcher.start()

    def stop(self) -> None:
        """No client asks for more; what was asked is asked until it is answered."""
        self._stopping.set()
        while self._threads:
            self._threads.pop().join()

    def end(self) -> None:
        """Nobody looks any more."""
        self._watched_out.set()
        if self._watcher:
            self._watcher.join()

    def ask(self, method: str, path: str, body: Mapping[str, Any], key: str | None = None) -> Any:
        """Ask until there is an answer; None for a refusal, which is noted."""
        headers = {"Authorization": f"Bearer {self.house.key}"} | ({"Idempotency-Key": key} if key else {})
        with requests.Session() as session:
            while True:
                try:
                    url = f"{self.house.address}/api/v1{path}"
                    answer = session.request(method, url, json=body, headers=headers, timeout=ANSWER_S)
                    if answer.status_code < 300:
                        return answer.json()
                    if answer.status_code not in AGAIN or answer.json().get("code") == "opted_out":
                        self._refused(path, answer)
                        return None
                except (requests.ConnectionError, requests.Timeout, ValueError):
                    pass
                self.asked_again += 1
                time.sleep(0.1)

    def _refused(self, path: str, answer: requests.Response) -> None:
        code = answer.json().get("code")
        if code not in ("already_exists", "opted_out"):
            self.refusals.append(f"{path} was answered {answer.status_code} {code}")

    def _run(self, turns: Iterator[None]) -> None:
        for _ in turns:
            if self._stopping.wait(self.pause_s):
                return

    def _singles(self, poster: int) -> Iterator[None]:
        """Messages to one: passwords, notifications, adverts; some for later; some to people of the campaign."""
        chance = random.Random(f"{self.seed}-{poster}")
        own = people(1_000, first=30_000_000 + 10_000 * poster)
        count = 0
        while True:
            count += 1
            key = f"single-{self.seed}-{self._campaigns}-{poster}-{count}"
            to = chance.choice(self._pool) if self._pool and chance.random() < 0.4 else chance.choice(own)
            draft: dict[str, Any] = {"to": f"+{to}", "text": "Bonjour", "reference": key}
            draft["purpose"] = chance.choice(("otp", "notification", "marketing"))
            if draft["purpose"] != "otp" and chance.random() < 0.3:
                draft["send_at"] = _iso(wall_clock() + chance.randrange(1_000, 20_000))
            if made := self.ask("POST", "/messages", draft, key):
                self.told.singles[key].add(made["id"])
            if chance.random() < 0.2 and (repeated := self.ask("POST", "/messages", draft, key)):
                self.told.singles[key].add(repeated["id"])
            yield

    def _stops(self) -> Iterator[None]:
        """People of the campaign opt out: by answering, and by the account's own hand."""
        chance = random.Random(f"{self.seed}-stops")
        while True:
            for _ in range(3):
                yield
            if not self._pool:
                continue
            number = chance.choice(self._pool)
            if chance.random() < 0.5:
                self.ask("POST", "/simulator/replies", {"from": f"+{number}", "to": "36034", "text": "STOP"})
            else:
                self.ask("POST", "/blacklist", {"number": f"+{number}", "reason": "chaos"})

    def _watch(self) -> None:
        """When each opt-out was first seen: from then on it was in force, whatever else was killed."""
        table = schema.blacklist
        while not self._watched_out.wait(0.2):
            try:
                with self.house.runtime.read() as tx:
                    rows = tx.all(select(table.c.scope, table.c.number))
            except SQLAlchemyError:
                continue
            seen_at = wall_clock()
            for row in rows:
                self.told.stops.setdefault((row.scope, row.number), seen_at)

    def _group(self, numbers: Sequence[int]) -> str:
        runtime, account_id = self.house.runtime, self.house.account.id
        lines = "\n".join(["number;prenom", *(f"+{number};Zoé" for number in numbers)])
        wish = imports.Wish(group_name=f"Everybody {self._campaigns}")
        job = imports.accept(runtime, account_id, io.BytesIO(lines.encode()), "people.csv", wish)
        wait_for(lambda: self._imported(job.id))
        with runtime.begin() as tx:
            return groups.ensure(tx, account_id, f"Everybody {self._campaigns}")

    def _imported(self, import_id: str) -> bool:
        with self.house.runtime.read() as tx:
            return imports.get(tx, self.house.account.id, import_id).status == "finished"


@contextmanager
def endpoint(told: Told) -> Iterator[str]:
    """A receiver of hooks that keeps of each event its id and what it said, hashed."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            said = orjson.loads(body)
            for event in said if isinstance(said, list) else [said]:
                told.hooked[event["id"]].add(hash(orjson.dumps(event)))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nobody reads it."""

    with ExitStack() as stack:
        server = stack.enter_context(_Quiet(("127.0.0.1", 0), Handler))
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        stack.callback(server.shutdown)
        yield f"http://127.0.0.1:{server.server_address[1]}/hook"


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A connection that was cut is what this is about."""


def _iso(at: int) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(at / 1000)) + f".{at % 1000:03}Z"
