"""What connectors are lent: their own installations, guarded HTTP, and what the operator set for them."""

import ipaddress
from collections.abc import Iterator
from pathlib import Path

import pytest

from core import PeerError, Refused
from hub.guard import Guard
from hub.installations.tools import options_of
from hub.settings import read
from tests.support.databases import SqliteFiles
from tests.support.gadgets import GIVEN, gadget
from tests.support.plugged import Plugged, plugged
from tests.support.receivers import Receiver, receiver

LOOPBACK = Guard(allow=(ipaddress.ip_network("127.0.0.0/8"),))


@pytest.fixture
def hub(sqlite_files: SqliteFiles, tmp_path: Path) -> Iterator[Plugged]:
    with plugged(sqlite_files.fresh(tmp_path), tmp_path, gadget(auth="flow"), guard=LOOPBACK) as made:
        yield made


@pytest.fixture
def crm() -> Iterator[Receiver]:
    with receiver() as made:
        yield made


def test_a_connector_installs_changes_and_removes_by_itself(hub: Plugged) -> None:
    account, tools = hub.engine.account(), hub.lender.tools(hub.registry.get("gadget"))
    made = tools.installations.install(account.id, GIVEN)
    assert tools.installations.of_account(account.id) == made
    with pytest.raises(Refused, match="already_exists"):
        tools.installations.install(account.id, GIVEN)
    changed = tools.installations.change(made, {"port": 25})
    assert changed.settings == {**GIVEN, "port": 25}
    tools.installations.remove(made)
    tools.installations.remove(made)
    assert tools.installations.of_account(account.id) is None


def test_other_connectors_installations_are_none_of_its_own(hub: Plugged) -> None:
    account = hub.engine.account()
    made = hub.install(account.id, hub.registry.get("gadget"), GIVEN)
    widget = hub.lender.tools(gadget(name="widget")).installations
    assert widget.of_account(account.id) is None
    assert list(widget.every()) == []
    with pytest.raises(Refused, match="not_found"):
        widget.get(made.id)


def test_http_reaches_what_the_guard_lets_through_and_reads_as_much_as_it_is_told(hub: Plugged, crm: Receiver) -> None:
    def long(request: object) -> None:
        request.send_response(201)  # type: ignore[attr-defined]
        request.send_header("Content-Length", "100000")  # type: ignore[attr-defined]
        request.end_headers()  # type: ignore[attr-defined]
        request.wfile.write(b"x" * 100_000)  # type: ignore[attr-defined]

    http = hub.lender.tools(gadget()).http
    answer = http("POST", crm.url, {"X-Thing": "1"}, b"news")
    assert (answer.status, answer.whole) == (200, True)
    assert (crm.posts[0].body, crm.posts[0].headers["x-thing"]) == (b"news", "1")
    crm.behaviour = long
    assert (len(http("POST", crm.url).body), http("POST", crm.url).whole) == (65_536, False)
    whole = http("POST", crm.url, most_bytes=200_000)
    assert (whole.status, len(whole.body), whole.whole) == (201, 100_000, True)


def test_http_does_not_reach_the_operators_own_network(hub: Plugged) -> None:
    for inside in ("http://10.0.0.1/", "http://169.254.169.254/latest", "file:///etc/passwd"):
        with pytest.raises(PeerError) as refused:
            hub.lender.tools(gadget()).http("GET", inside)
        assert refused.value.kind == "rejected"


def test_the_operator_sets_options_by_the_name_of_the_connector() -> None:
    settings = read(
        {
            "SMSHUB_CONNECTOR_GADGET_LISTEN": "127.0.0.1:7000",
            "SMSHUB_CONNECTOR_GADGET_SMTP_LISTEN": "  x  ",
            "SMSHUB_CONNECTOR_GADGET_EMPTY": "",
            "SMSHUB_CONNECTOR_WIDGET_LISTEN": "no",
            "SMSHUB_SMTP_LISTEN": "127.0.0.1:2525",
            "SMSHUB_DNS": "127.0.0.53",
        }
    )
    assert options_of(settings, "gadget") == {"listen": "127.0.0.1:7000", "smtp_listen": "x"}
    assert options_of(settings, "mail2sms") == {"smtp_listen": ("127.0.0.1", 2525), "dns": "127.0.0.53"}
    assert options_of(settings, "adobe") == {"smpp_listen": None}
    assert "127.0.0.1:7000" not in repr(settings)
