import pytest

from core import Refused
from hub.hooks.filters import FIELDS, check, matches
from hub.hooks.triggers import TRIGGERS


@pytest.mark.parametrize(
    "filters, kind, data, passes",
    [
        ({}, "message.status", {"status": "sent"}, True),
        ({"status": ["received", "sent"]}, "message.status", {"status": "sent"}, True),
        ({"status": ["received"]}, "message.status", {"status": "sent"}, False),
        ({"campaign_id": "a"}, "message.status", {"campaign_id": "a"}, True),
        ({"campaign_id": "a"}, "message.status", {"campaign_id": None}, False),
        ({"campaign_id": "a"}, "campaign.finished", {"id": "a"}, True),
        ({"campaign_id": "a"}, "campaign.finished", {"id": "b"}, False),
        ({"campaign_id": "a", "status": ["sent"]}, "message.status", {"campaign_id": "a", "status": "queued"}, False),
        ({"campaign_id": "a", "status": ["sent"]}, "reply.received", {"campaign_id": "a"}, True),
        ({"status": ["received"]}, "contact.created", {"id": "c"}, True),
        ({"keyword": "oui"}, "reply.received", {"text": "OUI, merci"}, True),
        ({"keyword": "ÉTÉ"}, "reply.received", {"text": "  ete !"}, True),
        ({"keyword": "oui"}, "reply.received", {"text": "Ouistiti"}, False),
        ({"keyword": "oui"}, "reply.received", {"text": "Merci oui"}, False),
        ({"keyword": "oui"}, "reply.received", {"text": "…"}, False),
        ({"inbound_number": "36034"}, "reply.received", {"to": "36034"}, True),
        ({"inbound_number": "36034"}, "reply.received", {"to": "33612345678"}, False),
        ({"source": ["reply", "web"]}, "optout.created", {"source": "web"}, True),
        ({"source": ["reply"]}, "optout.created", {"source": "import"}, False),
        ({"group_id": "g"}, "contact.created", {"groups": ["f", "g"]}, True),
        ({"group_id": "g"}, "contact.created", {"groups": []}, False),
    ],
)
def test_every_filter_that_knows_the_event_has_to_match(
    filters: dict[str, object], kind: str, data: dict[str, object], passes: bool
) -> None:
    assert matches(filters, kind, data) is passes


def test_a_filter_that_can_never_matter_is_a_mistake() -> None:
    check({"status": ["sent"]}, ["message.status", "reply.received"])
    with pytest.raises(Refused) as refused:
        check({"status": ["sent"]}, ["reply.received"])
    assert refused.value.code == "invalid_filter"
    assert [fault.pointer for fault in refused.value.faults] == ["/filters/status"]


def test_a_keyword_without_a_word_would_let_everything_pass_and_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        check({"keyword": "?!"}, ["reply.received"])
    assert [fault.pointer for fault in refused.value.faults] == ["/filters/keyword"]


def test_a_filter_looks_at_fields_that_the_events_have() -> None:
    assert all(field in TRIGGERS[kind].sample for fields in FIELDS.values() for kind, field in fields.items())
