"""The contract suite: who is let in by the routes of a connector, and who is not."""

from typing import Any, Final

import pytest
from werkzeug.test import TestResponse

from connectors.contract import Connector, Route
from tests.connectors.conftest import INSTALLABLE
from tests.support.plugged import Plugged
from tests.support.promises import at, settings_of

NOBODY: Final = "01997b2c-1a2b-7c3d-8e4f-123456789abc"
GARBAGE: Final = (
    b"",
    b"\xff\xfe",
    b"[[[[",
    b"null",
    b"[1]",
    b'"x"',
    b"[" * 50_000,
    b'{"to": "\\ud800"}',
    b'{"to": NaN}',
)


def asked(hub: Plugged, connector: Connector, route: Route, account_id: str, **options: Any) -> TestResponse:
    """A request to a route: of an installation of this account, where it is of one."""
    there = hub.installed(account_id, connector, settings_of(connector)).id if route.proven else NOBODY
    return hub.ask(route.method, at(connector, route, there), **({"data": b"{}"} | options))


def test_nobody_is_let_in_by_a_route_that_is_not_public(hub: Plugged, connector: Connector) -> None:
    account_id = hub.visitor().account_id
    for route in connector.routes:
        answer = asked(hub, connector, route, account_id)
        if route.auth == "public":
            assert answer.status_code not in (401, 403), route.path
        else:
            assert (answer.status_code, answer.get_json()["code"]) == (401, "unauthenticated"), route.path
            assert answer.headers["WWW-Authenticate"]


def test_an_installation_that_there_is_not_is_not_found(hub: Plugged, connector: Connector) -> None:
    for route in (route for route in connector.routes if route.proven):
        for unknown in (NOBODY, "nobody", "%00", "0" * 300):
            assert hub.ask(route.method, at(connector, route, unknown), data=b"{}").status_code == 404, route.path


def test_a_key_without_the_scope_is_refused(hub: Plugged, connector: Connector) -> None:
    weak = hub.visitor(scopes=[])
    for route in (route for route in connector.routes if route.scope):
        answer = asked(hub, connector, route, weak.account_id, headers={"Authorization": f"Bearer {weak.secret}"})
        assert answer.status_code == 403, route.path
        assert f'scope="{route.scope}"' in answer.headers["WWW-Authenticate"]


def test_a_body_that_is_too_large_is_refused(hub: Plugged, connector: Connector) -> None:
    for route in connector.routes:
        answer = hub.ask(route.method, at(connector, route, NOBODY), data=b"x" * (route.most_bytes + 1))
        assert answer.status_code == 413, route.path


def test_a_body_of_garbage_is_no_bug(hub: Plugged, connector: Connector) -> None:
    visitor = hub.visitor()
    headers = {"Authorization": f"Bearer {visitor.secret}"}
    for route in connector.routes:
        for garbage in GARBAGE:
            answer = asked(hub, connector, route, visitor.account_id, data=garbage, headers=headers)
            assert answer.status_code < 500, (route.path, garbage[:20])


@pytest.mark.parametrize("connector", INSTALLABLE, ids=lambda each: each.name)
def test_an_installation_is_its_accounts_alone(hub: Plugged, connector: Connector) -> None:
    alice, bob = hub.visitor("alice"), hub.visitor("bob")
    mine = hub.install(alice.account_id, connector, settings_of(connector)).id
    for method, body in (("GET", None), ("PATCH", {"settings": {}}), ("DELETE", None)):
        assert bob.ask(method, f"/installations/{mine}", body).status_code == 404
    assert bob.ask("GET", "/installations").get_json()["items"] == []
    assert bob.ask("GET", "/connectors").get_json()["items"][0]["installation_id"] is None
    assert alice.ask("GET", f"/installations/{mine}").status_code == 200
