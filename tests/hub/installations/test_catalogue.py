"""What connectors have done: the way of REST, with the same checks, scopes and keys."""

from collections.abc import Callable
from typing import Any

import pytest

from connectors.contract import Reply
from core import Account, Caller, Refused, ledger
from hub.installations.catalogue import Catalogue
from tests.support.gadgets import gadget
from tests.support.plugged import Plugged

BODY = {"to": "0612345678", "text": "Bonjour"}


@pytest.fixture
def account(hub: Plugged) -> Account:
    return hub.engine.account()


@pytest.fixture
def catalogue(hub: Plugged) -> Catalogue:
    made = hub.lender.catalogue
    assert isinstance(made, Catalogue)
    return made


def caller(account: Account, *scopes: str) -> Caller:
    return Caller(account.id, frozenset(scopes or ("messages:send", "messages:read")), "gadget", "gadget:1")


def refusal(work: Callable[[], Reply]) -> Refused:
    with pytest.raises(Refused) as refused:
        work()
    return refused.value


def test_a_message_is_sent_as_rest_would_and_is_the_connectors(
    hub: Plugged, catalogue: Catalogue, account: Account
) -> None:
    reply = catalogue.perform(caller(account), "send_message", BODY)
    assert (reply.status, reply.body["to"], reply.body["source"]) == (201, "+33612345678", "gadget")
    read = catalogue.perform(caller(account), "read_message", message_id=reply.body["id"])
    assert (read.status, read.body["id"]) == (200, reply.body["id"])


def test_the_same_key_is_one_message_and_another_accounts_key_is_another(
    hub: Plugged, catalogue: Catalogue, account: Account
) -> None:
    first, second = (catalogue.perform(caller(account), "send_message", BODY, key="mail/1") for _ in range(2))
    assert first.body == second.body
    assert second.headers["Idempotency-Replayed"] == "true"
    other = hub.engine.account("Other")
    assert catalogue.perform(caller(other), "send_message", BODY, key="mail/1").body["id"] != first.body["id"]
    changed = refusal(lambda: catalogue.perform(caller(account), "send_message", BODY | {"text": "x"}, key="mail/1"))
    assert changed.code == "idempotency_conflict"


def test_a_key_that_rest_has_used_is_the_same_key(hub: Plugged, catalogue: Catalogue) -> None:
    alice = hub.visitor()
    by_rest = alice.ask("POST", "/messages", BODY, headers={"Idempotency-Key": "order-1"}).get_json()
    here = catalogue.perform(caller(hub.account(alice)), "send_message", BODY, key="order-1")
    assert here.body["id"] == by_rest["id"]


def test_a_scope_that_the_connector_lacks_is_refused(catalogue: Catalogue, account: Account) -> None:
    refused = refusal(lambda: catalogue.perform(caller(account, "messages:read"), "send_message", BODY))
    assert refused.code == "insufficient_scope"


@pytest.mark.parametrize(
    "body, code, places",
    [
        ({"text": "x"}, "invalid_request", ["/to"]),
        (BODY | {"colour": "red"}, "invalid_request", ["/colour"]),
        (BODY | {"text": "\ud800"}, "invalid_json", []),
        (BODY | {"text": "a\0b"}, "invalid_json", []),
        (BODY | {"validity_minutes": 10**30}, "invalid_json", []),
        (BODY | {"reference": {1, 2}}, "invalid_json", []),
        (None, "empty_body", []),
    ],
)
def test_what_is_wrong_is_told_as_rest_tells_it(
    catalogue: Catalogue, account: Account, body: Any, code: str, places: list[str]
) -> None:
    refused = refusal(lambda: catalogue.perform(caller(account), "send_message", body))
    assert (refused.code, [fault.pointer for fault in refused.faults]) == (code, places)


def test_the_body_that_was_given_is_not_changed(catalogue: Catalogue, account: Account) -> None:
    body = BODY | {"reference": ""}
    assert catalogue.perform(caller(account), "send_message", body).body["reference"] is None
    assert body == BODY | {"reference": ""}


def test_a_list_is_read_page_by_page(catalogue: Catalogue, account: Account) -> None:
    ids = [catalogue.perform(caller(account), "send_message", BODY).body["id"] for _ in range(3)]
    first = catalogue.perform(caller(account), "list_messages", query={"limit": 2, "to": "+33612345678"}).body
    query = {"limit": 2, "to": "+33612345678", "cursor": first["next_cursor"]}
    rest = catalogue.perform(caller(account), "list_messages", query=query).body
    assert [one["id"] for one in first["items"] + rest["items"]] == ids[::-1]
    assert rest["next_cursor"] is None
    wrong = refusal(lambda: catalogue.perform(caller(account), "list_messages", query={"limit": 0, "nothing": 1}))
    assert {fault.pointer for fault in wrong.faults} == {"/limit", "/nothing"}


def test_what_is_none_in_a_query_is_not_asked(catalogue: Catalogue, account: Account) -> None:
    assert catalogue.perform(caller(account), "list_messages", query={"status": None}).body["items"] == []


def test_an_id_that_is_none_is_not_found(catalogue: Catalogue, account: Account) -> None:
    for nothing in ("nobody", "../me", "01997b2c-1a2b-7c3d-8e4f-123456789abc"):
        with pytest.raises(Refused, match="not_found"):
            catalogue.perform(caller(account), "read_message", message_id=nothing)


def test_what_cannot_be_done_keeps_nothing_under_the_key(hub: Plugged, catalogue: Catalogue) -> None:
    poor = hub.engine.account("Poor", credits=0)
    assert refusal(lambda: catalogue.perform(caller(poor), "send_message", BODY, key="k")).code == "not_enough_credits"
    with hub.runtime.begin() as tx:
        ledger.grant(tx, poor.id, 5_000, "test", "test")
    assert catalogue.perform(caller(poor), "send_message", BODY, key="k").status == 201


def test_there_is_nothing_but_what_the_table_has(catalogue: Catalogue, account: Account) -> None:
    assert {"send_message", "hooks.create", "create_installation"} <= catalogue.operations.keys()
    with pytest.raises(KeyError):
        catalogue.perform(caller(account), "fly")


def test_a_schema_is_checked_with_what_it_refers_to(catalogue: Catalogue) -> None:
    draft = {"$ref": "#/components/schemas/MessageDraft"}
    for _ in range(2):
        catalogue.check(draft, BODY)
        with pytest.raises(Refused) as refused:
            catalogue.check(draft, {})
        assert {fault.pointer for fault in refused.value.faults} == {"/to", "/text"}
    assert "properties" in catalogue.resolved(draft)


def test_an_installation_acts_as_its_account_with_the_connectors_scopes(hub: Plugged, account: Account) -> None:
    connector = gadget()
    installed = hub.lender.tools(connector).installations
    made = hub.install(account.id, connector, {"host": "h", "mailbox": {"user": "u", "password": "password"}})
    acting = installed.caller(made, "ann@example.com")
    assert (acting.account_id, acting.source, acting.user) == (account.id, "gadget", "ann@example.com")
    assert acting.scopes == connector.scopes
    assert acting.actor == f"gadget:{made.id}"
