"""What Zaps have the hub do, through the connector's own routes."""

from typing import Any

import orjson
import pytest
from sqlalchemy import select

from connectors.zapier.triggers import TRIGGERS
from core import Refused, blacklist, schema
from core.sending import optouts
from hub.hooks.tables import deliveries
from tests.support.zaps import Zaps, defined

ANNE = {"number": "06 12 34 56 78", "prenom": "Anne", "nom": "Lefèvre"}


def refusal(zaps: Zaps, key: str, **given: Any) -> tuple[str, list[str]]:
    with pytest.raises(Refused) as refused:
        zaps.act(key, **given)
    return refused.value.code, [fault.pointer for fault in refused.value.faults]


def test_a_message_is_sent_and_looks_as_its_sample_says(zaps: Zaps) -> None:
    made = zaps.act("send_sms", to="0612345678", text="Été à 10 €", reference="row-1", sender="", send_at=None)
    assert (made["status"], made["to"], made["source"], made["reference"]) == (
        "queued",
        "+33612345678",
        "zapier",
        "row-1",
    )
    zaps.engine.settle()
    assert [taken.text for taken in zaps.engine.taken(33612345678)] == ["Été à 10 € STOP 36034"]
    assert set(made) == set(defined()["creates"]["send_sms"]["operation"]["sample"])


def test_who_opted_out_is_a_soft_stop_and_costs_nothing(zaps: Zaps) -> None:
    zaps.engine.block(zaps.account, 33612345678)
    assert refusal(zaps, "send_sms", to="0612345678", text="Bonjour") == ("opted_out", ["/to"])
    zaps.engine.settle()
    assert (zaps.engine.taken(), zaps.engine.balance(zaps.account).available) == ([], 1_000_000)
    assert set(zaps.engine.statuses(zaps.account).values()) == {"blacklisted"}


def test_what_is_repeated_for_one_row_is_sent_once(zaps: Zaps) -> None:
    first, again = (zaps.act("send_sms", to="0612345678", text="Bonjour", only_once="n° 7 ✓\n") for _ in range(2))
    assert first == again
    assert len(zaps.engine.messages(zaps.account)) == 1
    assert refusal(zaps, "send_sms", to="0612345678", text="Bonsoir", only_once="n° 7 ✓\n")[0] == "idempotency_conflict"
    assert zaps.act("send_sms", to="0612345678", text="Bonjour", only_once="n° 8")["id"] != first["id"]


def test_a_template_speaks_where_no_text_does(zaps: Zaps) -> None:
    template = zaps.perform("create_template", {"name": "Prêt", "text": "C'est prêt"})
    assert zaps.act("send_sms", to="0612345678", template_id=template["id"])["text"] == "C'est prêt STOP 36034"
    own = zaps.act("send_sms", to="0612345678", text="À vous", template_id=template["id"])
    assert own["text"] == "À vous STOP 36034"
    assert refusal(zaps, "send_sms", to="0612345678") == ("invalid_request", ["/text"])


def test_a_time_without_an_offset_is_of_the_accounts_zone(zaps: Zaps) -> None:
    made = zaps.act("send_sms", to="0612345678", text="Bonjour", send_at="2026-12-01T09:30:00")
    assert (made["status"], made["send_at"]) == ("scheduled", "2026-12-01T08:30:00.000Z")


def test_a_campaign_goes_to_groups(zaps: Zaps) -> None:
    group = zaps.engine.group(zaps.account, "0612345620", "0612345621")
    made = zaps.act("send_campaign", name="Soldes", groups=[group], text="Bonjour $prenom")
    zaps.engine.settle()
    assert len(zaps.engine.messages(zaps.account)) == 2
    assert set(made) == set(defined()["creates"]["send_campaign"]["operation"]["sample"])
    assert refusal(zaps, "send_campaign", name="Soldes", text="x", groups=[]) == ("invalid_request", ["/groups"])


def test_contacts_are_made_changed_and_put_into_groups(zaps: Zaps) -> None:
    group = zaps.engine.group(zaps.account)
    made = zaps.act("create_contact", **ANNE, email="")
    assert (made["number"], made["nom"], made["email"]) == ("+33612345678", "Lefèvre", None)
    changed = zaps.act("update_contact", contact_id=made["id"], societe="Librairie", nom="", groups=[""])
    assert (changed["societe"], changed["nom"]) == ("Librairie", "Lefèvre")
    assert zaps.act("add_contact_to_group", number="+33612345678", group_id=group)["groups"] == [group]
    assert zaps.act("remove_contact_from_group", number="+33612345678", group_id=group)["groups"] == []
    assert refusal(zaps, "add_contact_to_group", number="0612345679", group_id=group) == (
        "unknown_contact",
        ["/number"],
    )
    assert set(made) == set(defined()["creates"]["create_contact"]["operation"]["sample"])


def test_a_number_is_blacklisted_and_taken_off_again_with_a_proof_of_consent(zaps: Zaps) -> None:
    listed = zaps.act("add_to_blacklist", number="0612345678", reason="asked by telephone")
    assert (listed["id"], listed["source"]) == ("+33612345678", "zapier")
    assert refusal(zaps, "remove_from_blacklist", number="0612345678") == ("invalid_request", ["/consent"])
    left = zaps.act("remove_from_blacklist", number="0612345678", consent="form of 2026-09-21")
    assert left == {"id": "+33612345678", "number": "+33612345678", "still_on": []}
    assert refusal(zaps, "remove_from_blacklist", number="0612345678", consent="x") == ("conflict", ["/number"])
    with zaps.engine.runtime.read() as tx:
        kept = tx.all(select(schema.audit.c.detail).where(schema.audit.c.action == "blacklist.consent"))
    assert ["form of 2026-09-21" in row.detail for row in kept] == [True]
    assert "33612345678" not in kept[0].detail


def test_a_persons_own_stop_is_taken_back_by_no_zap(zaps: Zaps) -> None:
    zaps.act("send_sms", to="0612345678", text="Bonjour")
    zaps.engine.settle()
    zaps.engine.reply(33612345678, "STOP")
    given = {"number": "0612345678", "consent": "they said so"}
    assert refusal(zaps, "remove_from_blacklist", **given) == ("opted_out", ["/number"])
    assert refusal(zaps, "send_sms", to="0612345678", text="Encore")[0] == "opted_out"


def test_a_stop_after_the_account_had_listed_the_number_is_the_persons_own_word(zaps: Zaps) -> None:
    zaps.act("send_sms", to="0612345678", text="Bonjour")
    zaps.engine.settle()
    zaps.act("add_to_blacklist", number="0612345678", reason="asked by telephone")
    zaps.engine.reply(33612345678, "STOP")
    given = {"number": "0612345678", "consent": "they said so"}
    assert refusal(zaps, "remove_from_blacklist", **given) == ("opted_out", ["/number"])


def test_who_left_by_the_opt_out_page_starts_the_trigger_and_is_taken_back_by_no_zap(zaps: Zaps) -> None:
    zaps.subscribed("new_opt_out", source=list(blacklist.OWN_CHOICE))
    zaps.act("send_sms", to="0612345678", text="Bonjour")
    zaps.engine.settle()
    with zaps.engine.runtime.begin() as tx:
        optouts.by_page(tx, 33612345678)
    zaps.tell()
    with zaps.engine.runtime.read() as tx:
        assert [orjson.loads(row.body)[0]["data"]["source"] for row in tx.all(select(deliveries))] == ["web"]
    assert dict(TRIGGERS["new_opt_out"].inputs[0].choices or {}).keys() >= set(blacklist.OWN_CHOICE)
    given = {"number": "0612345678", "consent": "they said so"}
    assert refusal(zaps, "remove_from_blacklist", **given) == ("opted_out", ["/number"])


def test_only_what_was_not_sent_is_cancelled_and_what_was_stays_in_sight(zaps: Zaps) -> None:
    later = zaps.act("send_sms", to="0612345678", text="Bonjour", send_at="2026-12-01T09:30:00Z")
    assert zaps.act("cancel_message", message_id=later["id"])["status"] == "cancelled"
    assert zaps.act("cancel_message", message_id=later["id"])["status"] == "cancelled"
    sent = zaps.act("send_sms", to="0612345678", text="Bonjour")
    zaps.engine.settle()
    assert refusal(zaps, "cancel_message", message_id=sent["id"]) == ("already_started", ["/message_id"])
    assert zaps.perform("list_messages")["items"][0]["id"] == sent["id"]


@pytest.mark.parametrize(
    "key, given, code, pointer",
    [
        ("send_sms", {"text": "Bonjour"}, "invalid_request", "/to"),
        ("send_sms", {"to": "12", "text": "Bonjour"}, "invalid_number", "/to"),
        ("send_sms", {"to": "0612345678", "text": "Bonjour", "colour": "red"}, "invalid_request", "/colour"),
        ("send_sms", {"to": "0612345678", "text": "Bonjour", "send_at": "tomorrow"}, "invalid_request", "/send_at"),
        ("send_sms", {"to": "0612345678", "text": "Bonjour", "only_once": "x" * 1001}, "invalid_request", "/only_once"),
        ("send_sms", {"to": "0612345678", "template_id": "none"}, "invalid_request", "/template_id"),
        ("remove_from_blacklist", {"number": "0612345678", "consent": "x" * 501}, "invalid_request", "/consent"),
        ("create_contact", {"number": "0142685300"}, "fixed_line_number", "/number"),
    ],
)
def test_what_cannot_be_done_is_refused_at_its_field(zaps: Zaps, key: str, given: Any, code: str, pointer: str) -> None:
    assert refusal(zaps, key, **given) == (code, [pointer])


def test_an_action_asks_for_its_right_and_for_its_name(zaps: Zaps) -> None:
    assert refusal(zaps, "send_fax")[0] == "not_found"
    zaps.scopes = zaps.scopes - {"messages:send"}
    assert refusal(zaps, "send_sms", to="0612345678", text="Bonjour")[0] == "insufficient_scope"


@pytest.mark.parametrize("body", [None, [], "text", 1])
def test_a_body_is_an_object(zaps: Zaps, body: object) -> None:
    with pytest.raises(Refused):
        zaps.ask("POST", "actions", "send_sms", body)
