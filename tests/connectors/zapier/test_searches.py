"""Searches find the best match or nothing; dropdowns are pages of ids and names."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, cast

import pytest

from connectors.contract import Reply
from connectors.zapier import dropdowns
from connectors.zapier.desk import Desk
from connectors.zapier.dropdowns import DROPDOWNS
from core import Refused
from tests.support.zaps import Zaps, defined

ANNE = {"number": "06 12 34 56 78", "prenom": "Anne", "nom": "Lefèvre", "email": "anne@example.com"}


def keys_of(key: str) -> set[str]:
    return set(defined()["searches"][key]["operation"]["sample"])


def refusal(zaps: Zaps, key: str, **given: Any) -> tuple[str, list[str]]:
    with pytest.raises(Refused) as refused:
        zaps.find(key, **given)
    return refused.value.code, [fault.pointer for fault in refused.value.faults]


def test_a_contact_is_found_by_its_number_or_else_by_its_address(zaps: Zaps) -> None:
    made = zaps.act("create_contact", **ANNE)
    zaps.act("create_contact", number="0612345679", email="bob@example.com")
    assert zaps.find("find_contact", number="+33612345678", email="bob@example.com") == [made]
    assert zaps.find("find_contact", email="ANNE@example.com") == [made]
    assert zaps.find("find_contact", number="0612345670") == []
    assert refusal(zaps, "find_contact", number="", email=None) == ("invalid_request", ["/number"])
    assert set(made) == keys_of("find_contact")


@pytest.mark.parametrize("empty, found", [(0, "one"), (3, "one"), (19, "one"), (20, None)])
def test_a_list_is_followed_through_empty_pages_but_not_for_ever(zaps: Zaps, empty: int, found: str | None) -> None:
    pages: Iterator[list[str]] = iter([[]] * empty + [["one"]] * 2)

    class Slow:
        def perform(self, *_: object, **__: object) -> Reply:
            return Reply({"items": next(pages), "next_cursor": "on"})

    visit = replace(zaps.visit(), caller=zaps.caller, tools=replace(zaps.tools, catalogue=cast("Any", Slow())))
    assert Desk(visit).first("list_messages", reference="x") == found


def test_the_newest_message_is_found(zaps: Zaps) -> None:
    zaps.act("send_sms", to="0612345678", text="Un", reference="order-1")
    newest = zaps.act("send_sms", to="0612345678", text="Deux", reference="order-1")
    assert [found["id"] for found in zaps.find("find_message", reference="order-1")] == [newest["id"]]
    assert [found["id"] for found in zaps.find("find_message", to="0612345678")] == [newest["id"]]
    assert zaps.find("find_message", reference="order-2") == []
    assert refusal(zaps, "find_message")[0] == "invalid_request"


def test_a_campaign_is_found_with_how_it_went(zaps: Zaps) -> None:
    group = zaps.engine.group(zaps.account, "0612345620", "0612345603")
    made = zaps.act("send_campaign", name="Soldes", groups=[group], text="Bonjour")
    zaps.engine.settle()
    (found,) = zaps.find("find_campaign", name="soldes")
    assert found["id"] == made["id"]
    assert found["report"] == {
        "contacts": 2,
        "credits": 2,
        "success": 1,
        "waiting": 0,
        "temporary": 0,
        "permanent": 1,
        "blacklisted": 0,
    }
    assert zaps.find("find_campaign", campaign_id=made["id"]) == [found]
    assert zaps.find("find_campaign", name="Sold") == []
    assert set(found) == keys_of("find_campaign")
    assert refusal(zaps, "find_campaign", campaign_id="nobody") == ("invalid_request", ["/campaign_id"])
    assert refusal(zaps, "find_campaign", campaign_id="01997b2c-1a2b-7c3d-8e4f-123456789abc")[0] == "not_found"


def test_a_blacklisted_number_is_found(zaps: Zaps) -> None:
    zaps.engine.block(zaps.account, 33612345678)
    (found,) = zaps.find("find_blacklist_entry", number="0612345678")
    assert (found["id"], set(found)) == ("+33612345678", keys_of("find_blacklist_entry"))
    assert zaps.find("find_blacklist_entry", number="0612345679") == []
    zaps.scopes = zaps.scopes - {"contacts:read"}  # which is no answer to the question
    assert refusal(zaps, "find_blacklist_entry", number="0612345678")[0] == "insufficient_scope"


def test_the_balance_is_found_where_enough_is_left(zaps: Zaps) -> None:
    (found,) = zaps.find("find_credit_balance")
    assert (found["available"], set(found)) == (1000, keys_of("find_credit_balance"))
    assert zaps.find("find_credit_balance", min_credits="1000") == [found]
    assert zaps.find("find_credit_balance", min_credits=1000.5) == []
    assert refusal(zaps, "find_credit_balance", min_credits="plenty") == ("invalid_request", ["/min_credits"])


def test_a_number_is_told_about_even_where_it_is_none(zaps: Zaps) -> None:
    (found,) = zaps.find("find_number_details", number="0612345678")
    assert (found["e164"], found["country"], found["accepted"]) == ("+33612345678", "FR", True)
    (wrong,) = zaps.find("find_number_details", number="12")
    assert (wrong["id"], wrong["valid"]) == ("12", False)
    assert set(found) == set(wrong) == keys_of("find_number_details")


def test_a_message_is_priced_as_it_would_be_sent(zaps: Zaps) -> None:
    (found,) = zaps.find("find_message_cost", to="0612345678", text="Bonjour")
    assert (found["text"], found["credits"], found["blacklisted"]) == ("Bonjour STOP 36034", 1, False)
    zaps.engine.block(zaps.account, 33612345678)
    (blocked,) = zaps.find("find_message_cost", to="0612345678", text="Bonjour")
    assert (blocked["credits"], blocked["blacklisted"]) == (0, True)
    assert refusal(zaps, "find_message_cost", to="12", text="Bonjour") == ("invalid_number", ["/to"])
    assert set(found) == set(blocked) == keys_of("find_message_cost")


def test_dropdowns_are_read_page_by_page_to_their_end(zaps: Zaps, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dropdowns, "PAGE", 2)
    made = [zaps.engine.group(zaps.account, name=f"Group {n}") for n in range(5)]
    pages = [zaps.offered("list_group", page) for page in range(4)]
    assert [[item["id"] for item in page] for page in pages] == [made[4:2:-1], made[2:0:-1], made[:1], []]
    assert pages[0][0] == {"id": made[4], "name": "Group 4"}
    monkeypatch.setattr(dropdowns, "MOST_PAGES", 1)
    assert zaps.offered("list_group", 2) == []


def test_every_dropdown_names_what_it_offers(zaps: Zaps) -> None:
    group = zaps.engine.group(zaps.account)
    anne = zaps.act("create_contact", **ANNE)
    nameless = zaps.act("create_contact", number="0612345679")
    template = zaps.perform("create_template", {"name": "Prêt", "text": "C'est prêt"})
    later = zaps.act("send_sms", to="0612345678", text="Bonjour", send_at="2026-12-01T09:30:00Z")
    campaign = zaps.act("send_campaign", name="Soldes", groups=[group], text="Bonjour")
    offered = {key: zaps.offered(key) for key in DROPDOWNS}
    assert offered == {
        "list_group": [{"id": group, "name": "Clients"}],
        "list_campaign": [{"id": campaign["id"], "name": "Soldes"}],
        "list_template": [{"id": template["id"], "name": "Prêt"}],
        "list_contact": [
            {"id": nameless["id"], "name": "+33612345679"},
            {"id": anne["id"], "name": "Anne Lefèvre (+33612345678)"},
        ],
        "list_sender": [{"id": "36034", "name": "36034 (takes replies)"}],
        "list_inbound_number": [{"id": "36034", "name": "36034"}],
        "list_scheduled_message": [{"id": later["id"], "name": "+33612345678 at 2026-12-01T09:30:00.000Z"}],
    }


@pytest.mark.parametrize("page", ["-1", "x", "٣", "9999999999", ""])
def test_a_page_is_a_number(zaps: Zaps, page: str) -> None:
    with pytest.raises(Refused):
        zaps.ask("GET", "dropdowns", "list_group", query=[("page", page)])
