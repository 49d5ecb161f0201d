"""The real Zapier runtime against the running hub: everything in the definition is used as Zapier uses it."""

import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import jsonschema
import pytest
import requests
from referencing import Registry
from referencing.jsonschema import DRAFT4

from connectors.zapier.creates import CREATES
from connectors.zapier.dropdowns import DROPDOWNS
from connectors.zapier.searches import SEARCHES
from connectors.zapier.triggers import TRIGGERS
from tests.support.receivers import Receiver, answers
from tests.support.serving import PATIENCE_S, wait_for
from tests.support.zapier_platform import PEERS, ZapError, halted
from tests.support.zapier_site import House

pytestmark = [pytest.mark.peer, pytest.mark.slow]
TOMORROW = "2999-12-01T09:30:00+01:00"


def test_the_definition_fits_zapiers_own_schema_and_what_it_checks_by_code(hub: House) -> None:
    exported = PEERS / "node_modules" / "zapier-platform-schema" / "exported-schema.json"
    schemas = json.loads(exported.read_text(encoding="utf-8"))["schemas"]
    registry = Registry().with_resources((f"/{name}", DRAFT4.create_resource(each)) for name, each in schemas.items())
    whole = jsonschema.Draft4Validator(schemas["AppSchema"], registry=registry)
    assert [error.message for error in whole.iter_errors(hub.definition)] == []
    assert [error.message for error in whole.iter_errors(hub.definition | {"version": 1})] != []
    assert hub.zapier("", {}, command="validate") == []


def test_a_person_connects_and_stale_tokens_are_refreshed_unseen(hub: House) -> None:
    connection, _ = hub.connected("Librairie du Port")
    assert connection.label == "Librairie du Port"
    before = dict(connection.auth)
    connection.auth["access_token"] = "smshub_at_that_nobody_has"
    assert connection.offered("list_group") == []
    assert connection.refreshed == 1
    assert connection.auth["access_token"] != before["access_token"]
    assert connection.auth["refresh_token"] != before["refresh_token"]


def test_what_was_revoked_asks_to_be_connected_again(hub: House) -> None:
    connection, _ = hub.connected()
    hub.revoke(connection)
    with pytest.raises(ZapError) as raised:
        connection.offered("list_group")
    assert (raised.value.name, raised.value.words) == (
        "ExpiredAuthError",
        "The connection has ended: connect the account again.",
    )


def test_where_nothing_has_happened_a_trigger_is_tested_with_its_declared_sample(hub: House) -> None:
    connection, _ = hub.connected()
    for key in TRIGGERS:
        assert connection.listed(key) == [hub.definition["triggers"][key]["operation"]["sample"]]


def test_a_zap_is_switched_on_hears_what_it_was_tested_with_and_is_switched_off_twice(
    hub: House, zap: Receiver
) -> None:
    connection, api = hub.connected()
    kept = connection.subscribe("new_reply", zap.url, keyword="OUI", campaign_id="", inbound_number=None)
    assert list(kept) == ["id"]  # the secret of the hook is not Zapier's to keep
    hook = api.get(f"/hooks/{kept['id']}")
    assert (hook["filters"], hook["batch"], hook["source"]) == ({"keyword": "OUI"}, True, "zapier")
    connection.act("send_sms", to="0612345620", text="Ça va ?")
    wait_for(lambda: api.get("/simulator/sent")["items"])
    for text in ("Oui, à 18 h ✓", "Non"):
        api.post("/simulator/replies", {"from": "0612345620", "to": "36034", "text": text})
    wait_for(lambda: zap.posts)
    (item,) = connection.received("new_reply", zap.posts[0].json)
    assert (item["text"], item["from"], item["opt_out"]) == ("Oui, à 18 h ✓", "+33612345620", False)
    wait_for(lambda: len(connection.listed("new_reply")) == 2)
    assert connection.listed("new_reply", keyword="oui") == [item]
    assert connection.received("new_reply", {**zap.posts[0].json[0], "type": "ping"}) == []
    assert connection.unsubscribe("new_reply", kept) == connection.unsubscribe("new_reply", kept) == {}
    assert api.get("/hooks")["items"] == []


def test_a_receiver_that_fails_is_asked_again_and_one_that_is_gone_never(hub: House, zap: Receiver) -> None:
    connection, api = hub.connected()
    kept = connection.subscribe("new_opt_out", zap.url)
    zap.behaviour = answers(500)
    connection.act("add_to_blacklist", number="0612345620")
    wait_for(lambda: zap.posts)
    zap.behaviour = answers(429, Retry_After="1")
    wait_for(lambda: len(zap.posts) == 2)
    zap.behaviour = answers(410)
    connection.act("add_to_blacklist", number="0612345621")
    wait_for(lambda: api.get(f"/hooks/{kept['id']}")["disabled_reason"] == "gone")
    first, second = (post.json[0]["data"]["number"] for post in zap.posts[:2])
    assert first == second == "+33612345620"


def test_a_zap_whose_grant_is_revoked_is_told_to_pause(hub: House, zap: Receiver) -> None:
    connection, api = hub.connected()
    connection.subscribe("new_reply", zap.url)
    switched_off = connection.subscribe("new_opt_out", f"{zap.url}/off")
    connection.unsubscribe("new_opt_out", switched_off)
    hub.revoke(connection)
    wait_for(lambda: zap.posts)
    assert [(post.method, post.path) for post in zap.posts] == [("DELETE", "/hook")]
    assert api.get("/hooks")["items"] == []


def test_every_action_does_what_it_says(hub: House) -> None:
    connection, api = hub.connected()
    group = api.post("/groups", {"name": "Été"})["id"]
    template = api.post("/templates", {"name": "Prêt", "text": "C'est prêt {{déjà}}"})["id"]
    made = {
        "send_sms": connection.act("send_sms", to="0612345620", text="Été à 10 € {{sic}}", sender="", send_at=None),
        "create_contact": connection.act("create_contact", number="0612345620", prenom="Zoé", groups=[group], email=""),
        "send_campaign": connection.act("send_campaign", name="Soldes", groups=[group], template_id=template),
        "add_to_blacklist": connection.act("add_to_blacklist", number="0612345629", reason=""),
    }
    zoe, later = made["create_contact"]["id"], connection.act("send_sms", to="0612345621", text="x", send_at=TOMORROW)
    made |= {
        "update_contact": connection.act("update_contact", contact_id=zoe, societe="L'Été", prenom=""),
        "remove_contact_from_group": connection.act("remove_contact_from_group", number="0612345620", group_id=group),
        "add_contact_to_group": connection.act("add_contact_to_group", number="+33612345620", group_id=group),
        "remove_from_blacklist": connection.act(
            "remove_from_blacklist", number="0612345629", consent="formulaire signé"
        ),
        "cancel_message": connection.act("cancel_message", message_id=later["id"]),
    }
    assert made.keys() == CREATES.keys()
    for key, answer in made.items():
        assert set(answer) == set(hub.definition["creates"][key]["operation"]["sample"]), key
    assert made["send_sms"]["text"] == "Été à 10 € {{sic}} STOP 36034"
    assert (made["update_contact"]["prenom"], made["update_contact"]["societe"]) == ("Zoé", "L'Été")
    assert (made["add_contact_to_group"]["groups"], made["remove_contact_from_group"]["groups"]) == ([group], [])
    sent = wait_for(lambda: len(found := api.get("/simulator/sent")["items"]) == 2 and found)
    assert {one["text"] for one in sent} == {"Été à 10 € {{sic}} STOP 36034", "C'est prêt {{déjà}} STOP 36034"}


def test_every_search_finds_the_best_match_or_nothing(hub: House) -> None:
    connection, api = hub.connected()
    sent = connection.act("send_sms", to="0612345620", text="Bonjour", reference="n° 1 é")
    person = connection.act("create_contact", number="0612345621", email="zoé@example.com")
    group = api.post("/groups", {"name": "Tous"})["id"]
    campaign = connection.act("send_campaign", name="Été", groups=[group], text="Bonjour")
    connection.act("add_to_blacklist", number="0612345622")
    found = {
        "find_contact": connection.find("find_contact", email="ZOÉ@example.com", number=""),
        "find_message": connection.find("find_message", reference="n° 1 é"),
        "find_campaign": connection.find("find_campaign", name="Été"),
        "find_blacklist_entry": connection.find("find_blacklist_entry", number="0612345622"),
        "find_credit_balance": connection.find("find_credit_balance", min_credits=1),
        "find_number_details": connection.find("find_number_details", number="0142685300"),
        "find_message_cost": connection.find("find_message_cost", to="0612345620", text="Été à 10 €"),
    }
    assert found.keys() == SEARCHES.keys()
    for key, answer in found.items():
        assert len(answer) == 1, key
        assert set(answer[0]) == set(hub.definition["searches"][key]["operation"]["sample"]), key
    ids = [found[key][0]["id"] for key in ("find_message", "find_contact", "find_campaign")]
    assert ids == [sent["id"], person["id"], campaign["id"]]
    assert found["find_number_details"][0]["reason"]
    assert connection.find("find_blacklist_entry", number="0612345629") == []
    assert connection.find("find_message", reference="n° 2") == []
    assert connection.find("find_credit_balance", min_credits="100.5") == []


def test_a_contact_is_found_or_created_and_the_second_time_updated(hub: House) -> None:
    connection, _ = hub.connected()
    made = connection.find_or_create(
        "find_contact", {"number": "0612345620"}, {"number": "0612345620", "prenom": "Zoé"}
    )
    again = connection.find_or_create("find_contact", {"number": "0612345620"}, {"prenom": "Anaïs"})
    assert (again["id"], again["prenom"], again["number"]) == (made["id"], "Anaïs", "+33612345620")


def test_dropdowns_are_paged_from_zero(hub: House) -> None:
    connection, api = hub.connected()
    for number in range(103):
        assert api.post("/groups", {"name": f"Groupe n° {number}"})["id"]
    pages = [connection.offered("list_group", page) for page in range(3)]
    assert [len(page) for page in pages] == [100, 3, 0]
    assert pages[0][0]["name"] == "Groupe n° 102"
    assert len({item["id"] for page in pages for item in page}) == 103
    assert all(isinstance(connection.offered(key), list) for key in DROPDOWNS)


def test_what_a_row_can_cause_is_a_soft_stop_in_the_hubs_own_words(hub: House) -> None:
    connection, _ = hub.connected()
    poor, _ = hub.connected("Poor", credits_=0)
    assert "credits" in halted(poor.act, "send_sms", to="0612345620", text="Bonjour")  # 402
    assert "number" in halted(connection.act, "send_sms", to="12", text="Bonjour")  # 422
    connection.act("add_to_blacklist", number="0612345620")
    words = halted(connection.act, "send_sms", to="0612345620", text="Bonjour")  # 409
    assert words == "This number opted out: nothing was sent, and nothing was charged."
    halted(connection.act, "create_contact", number="0612345620")  # 409
    done = connection.act("send_sms", to="0612345621", text="Bonjour", only_once="ligne n° 7")
    assert connection.act("send_sms", to="0612345621", text="Bonjour", only_once="ligne n° 7") == done
    halted(connection.act, "send_sms", to="0612345621", text="Bonsoir", only_once="ligne n° 7")  # 422


def test_what_is_wrong_with_the_zap_is_an_error_in_the_hubs_own_words(hub: House) -> None:
    connection, _ = hub.connected()
    nobody = "01997b2c-1a2b-7c3d-8e4f-123456789abc"
    with pytest.raises(ZapError) as raised:
        connection.act("update_contact", contact_id=nobody, prenom="Zoé")
    assert (raised.value.name, raised.value.detail["status"], raised.value.detail["code"]) == (
        "AppError",
        404,
        "not_found",
    )


@contextmanager
def spending(address: str, headers: Mapping[str, str]) -> Iterator[None]:
    """Somebody else with the account's token asks all the time: what flows back into the bucket is gone at once."""
    over, spent = threading.Event(), threading.Event()

    def spend() -> None:
        with requests.Session() as caller:
            while not over.is_set():
                if caller.get(address, headers=headers, timeout=60).status_code == 429:
                    spent.set()

    spender = threading.Thread(target=spend)
    spender.start()
    try:
        assert spent.wait(PATIENCE_S)
        yield
    finally:
        over.set()
        spender.join()


def test_too_many_requests_are_put_off_for_as_long_as_the_hub_says(hub: House) -> None:
    connection, api = hub.connected()

    def refused() -> ZapError | None:
        try:
            connection.act("send_sms", to="0612345620", text="Bonjour")
        except ZapError as error:
            return error
        return None  # it was quicker than the other one, this once

    with spending(f"{hub.base}/api/v1/me", api.headers):
        error = wait_for(refused)
    assert error.name == "ThrottledError"
    assert 1 <= error.detail["delay"] <= 60
