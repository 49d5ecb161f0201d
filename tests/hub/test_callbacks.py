"""A generic HTTP provider from end to end: what is sent leaves by HTTP, what it calls back with becomes receipts and replies."""

import json
import random
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from core.carriers import config
from core.sending import lanes
from tests.support.engine import Engine
from tests.support.rest import RestClient

SECRET = "s3cret-of-the-path-1234"


class Provider:
    """A real HTTP server that takes messages and remembers them."""

    def __init__(self) -> None:
        self.taken: list[dict[str, Any]] = []
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                provider.taken.append(body)
                answer = json.dumps({"id": f"carrier-{len(provider.taken)}"}).encode()
                self.send_response(201)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_args: object) -> None:
                """Be silent."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, daemon=True)
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}/messages"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


def settings(url: str) -> str:
    return json.dumps(
        [
            {
                "name": "acme",
                "kind": "http",
                "url": url,
                "body": {"to": "{to_e164}", "from": "{sender}", "text": "{text}", "ref": "{reference}"},
                "id": "/id",
                "secret": SECRET,
                "receipts": {
                    "id": "/id",
                    "status": "/status",
                    "statuses": {"DELIVERED": "received", "FAILED": "failed_permanent"},
                    "code": "/reason",
                },
                "replies": {"from": "/from", "to": "/to", "text": "/text", "id": "/mo"},
            }
        ]
    )


@pytest.fixture
def provider() -> Iterator[Provider]:
    made = Provider()
    yield made
    made.close()


@pytest.fixture
def engine(database_url: str, tmp_path: Path, provider: Provider) -> Iterator[Engine]:
    made = Engine(database_url, tmp_path)
    carriers = config.build(settings(provider.url), tmp_path, made.clock, random.Random(3))
    made.runtime = made.runtime.as_of(carriers=carriers)
    made.lane = lanes.open_lane(made.runtime, "acme", "test")
    yield made
    carriers["acme"].close()
    made.close()


@pytest.fixture
def client(engine: Engine, tmp_path: Path) -> RestClient:
    return RestClient(engine, engine.account(), tmp_path)


def call_back(client: RestClient, body: Any, secret: str = SECRET) -> Any:
    return client.web.post(f"/carriers/acme/{secret}", json=body)


def test_out_by_http_and_back_by_callback(engine: Engine, client: RestClient, provider: Provider) -> None:
    made = client.send("+33612345678").json
    engine.settle()
    assert provider.taken == [{"to": "+33612345678", "from": "36034", "text": "Bonjour STOP 36034", "ref": made["id"]}]
    assert client("GET", f"/messages/{made['id']}").json["status"] == "sent"
    assert call_back(client, {"id": "carrier-1", "status": "DELIVERED"}).status_code == 200
    engine.settle()
    assert client("GET", f"/messages/{made['id']}").json["status"] == "received"


def test_a_receipt_that_overtakes_its_message_waits_for_it(engine: Engine, client: RestClient) -> None:
    assert call_back(client, {"id": "carrier-1", "status": "FAILED", "reason": "gone"}).status_code == 200
    engine.settle()
    made = client.send("+33612345678").json
    engine.later(rounds=3, seconds=5)
    found = client("GET", f"/messages/{made['id']}").json
    assert (found["status"], found["carrier_code"]) == ("failed_permanent", "gone")


def test_a_stop_by_callback_binds_and_is_confirmed_through_the_same_provider(
    engine: Engine, client: RestClient, provider: Provider
) -> None:
    client.send("+33612345678")
    engine.settle()
    call_back(client, {"from": "+33612345678", "to": "36034", "text": "STOP", "mo": "7"})
    call_back(client, {"from": "+33612345678", "to": "36034", "text": "STOP", "mo": "7"})
    engine.settle()
    assert len(provider.taken) == 2
    assert client.send("+33612345678").json["status"] == "blacklisted"


def test_a_wrong_secret_or_carrier_is_not_found(client: RestClient) -> None:
    assert call_back(client, {"id": "carrier-1", "status": "DELIVERED"}, "wrong").status_code == 404
    assert client.web.post(f"/carriers/other/{SECRET}", json={}).status_code == 404


def test_what_can_not_be_read_is_refused_and_so_brought_again(client: RestClient) -> None:
    assert client.web.post(f"/carriers/acme/{SECRET}", data=b"{", content_type="application/json").status_code == 400
