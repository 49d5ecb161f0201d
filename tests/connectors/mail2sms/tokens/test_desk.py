"""Tokens that people ask for."""

from collections.abc import Mapping
from typing import Any

import jsonschema
import pytest

from connectors.contract import Installation
from connectors.mail2sms import CONNECTOR
from connectors.mail2sms.mail import Address
from connectors.mail2sms.parse import address
from connectors.mail2sms.tokens import DESK, Token, find, is_good, thread, used
from connectors.mail2sms.tokens.desk import ANSWER, FIELDS, MOST_TOKENS
from core import Refused, accounts
from tests.support.plugged import Plugged
from tests.support.world import NOON

ALARM: Mapping[str, Any] = {
    "name": "Cold room alarm",
    "recipients": ["0612345678", "+33698765432", "0033612345678"],
    "per_day": 50,
    "expires_at": "2026-12-24T09:00:00+01:00",
}


def issue(hub: Plugged, installation: Installation, **given: Any) -> Mapping[str, Any]:
    with hub.runtime.begin() as tx:
        return DESK.issue(tx, installation, given)


def listed(hub: Plugged, installation: Installation) -> list[Mapping[str, Any]]:
    with hub.runtime.read() as tx:
        return list(DESK.listed(tx, installation))


def revoke(hub: Plugged, installation: Installation, token_id: str) -> None:
    with hub.runtime.begin() as tx:
        DESK.revoke(tx, installation, token_id)


def found(hub: Plugged, installation: Installation, secret: str) -> Token:
    with hub.runtime.read() as tx:
        token = find(tx, installation.id, secret)
    assert token is not None
    return token


def test_a_token_is_told_once_with_an_address_that_works(hub: Plugged, installation: Installation) -> None:
    made = issue(hub, installation, **ALARM)
    assert made == {
        "id": made["id"],
        "name": "Cold room alarm",
        "token": made["token"],
        "example": f"33612345678+{made['token']}@sms.example",
        "recipients": ["+33612345678", "+33698765432"],
        "per_day": 50,
        "expires_at": "2026-12-24T08:00:00.000Z",
        "created_at": "2026-09-21T14:13:20.000Z",
        "used_at": None,
        "revoked_at": None,
    }
    secrets = {"token", "example"}
    assert listed(hub, installation) == [{name: made[name] for name in made if name not in secrets}]


def test_what_is_asked_for_is_kept(hub: Plugged, installation: Installation) -> None:
    token = found(hub, installation, issue(hub, installation, **ALARM)["token"])
    assert (token.kind, token.per_day) == ("address", 50)
    assert token.recipients == frozenset({33612345678, 33698765432})
    assert token.expires_at == NOON + 94 * 24 * 3600 * 1000 - (6 * 3600 + 13 * 60 + 20) * 1000


def test_nothing_needs_to_be_asked_for(hub: Plugged, installation: Installation) -> None:
    made = issue(hub, installation)
    empty = ("name", "recipients", "per_day", "expires_at", "used_at", "revoked_at")
    assert [made[name] for name in empty] == [None] * 6
    token = found(hub, installation, made["token"])
    assert (token.recipients, is_good(token, NOON + 10**12)) == (None, True)


@pytest.mark.parametrize("given", [{}, ALARM])
def test_answers_and_examples_are_as_the_documents_say(
    hub: Plugged, installation: Installation, given: Mapping[str, Any]
) -> None:
    made = issue(hub, installation, **given)
    for answer in (made, *listed(hub, installation)):
        jsonschema.validate(answer, ANSWER)
    jsonschema.validate({name: field["examples"][0] for name, field in FIELDS["properties"].items()}, FIELDS)
    jsonschema.validate({name: field["examples"][0] for name, field in ANSWER["properties"].items()}, ANSWER)


def test_the_example_is_read_as_it_was_meant(hub: Plugged) -> None:
    office = hub.install(hub.visitor("office").account_id, CONNECTOR, {"domain": "sms@office.example"})
    made = issue(hub, office, recipients=["0612345678"])
    assert made["example"] == f"sms+33612345678+{made['token']}@office.example"
    read = address.read(made["example"].upper(), "sms", "office.example")
    assert isinstance(read, Address)
    assert (read.kind, read.value, read.token) == ("number", "33612345678", made["token"])


def test_a_wrong_number_is_refused_by_its_place(hub: Plugged, installation: Installation) -> None:
    with pytest.raises(Refused) as refused:
        issue(hub, installation, recipients=["0612345678", "12", "0123456789"])
    assert refused.value.code == "invalid_number"
    assert [fault.pointer for fault in refused.value.faults] == ["/recipients/1", "/recipients/2"]
    assert listed(hub, installation) == []


def test_numbers_are_read_in_the_region_of_the_account(hub: Plugged) -> None:
    british = hub.visitor("london")
    with hub.runtime.begin() as tx:
        accounts.change(tx, british.account_id, {"region": "GB"}, "test")
    office = hub.install(british.account_id, CONNECTOR, {"domain": "sms.london.example"})
    assert issue(hub, office, recipients=["07400 123456"])["recipients"] == ["+447400123456"]


@pytest.mark.parametrize(
    "text",
    [
        "soon",
        "2026-12-24",
        "2026-12-24T09:00:00",
        "2026-09-21T14:13:20Z",
        "2020-01-01T00:00:00Z",
        "2026-13-01T00:00:00Z",
    ],
)
def test_an_end_is_a_time_to_come(hub: Plugged, installation: Installation, text: str) -> None:
    with pytest.raises(Refused) as refused:
        issue(hub, installation, expires_at=text)
    assert (refused.value.code, refused.value.faults[0].pointer) == ("invalid_time", "/expires_at")


def test_a_revoked_token_is_not_good_any_more_and_stays_listed(hub: Plugged, installation: Installation) -> None:
    made = issue(hub, installation)
    revoke(hub, installation, made["id"])
    hub.engine.clock.forward(hours=1)
    revoke(hub, installation, made["id"].upper())
    assert not is_good(found(hub, installation, made["token"]), NOON)
    assert [token["revoked_at"] for token in listed(hub, installation)] == ["2026-09-21T14:13:20.000Z"]


@pytest.mark.parametrize("token_id", ["01997b2c-1a2b-7c3d-8e4f-123456789abc", "", "nothing like it", "\x00"])
def test_what_never_was_can_not_be_revoked(hub: Plugged, installation: Installation, token_id: str) -> None:
    with pytest.raises(Refused) as refused:
        revoke(hub, installation, token_id)
    assert refused.value.code == "not_found"


def test_nobody_sees_or_revokes_those_of_others(hub: Plugged, installation: Installation) -> None:
    other = hub.install(hub.visitor("other").account_id, CONNECTOR, {"domain": "sms.other.example"})
    made = issue(hub, installation)
    assert listed(hub, other) == []
    with pytest.raises(Refused):
        revoke(hub, other, made["id"])


def test_the_newest_are_listed_first_and_those_of_conversations_never(hub: Plugged, installation: Installation) -> None:
    made = [issue(hub, installation, name=name)["id"] for name in ("one", "two", "three")]
    with hub.runtime.begin() as tx:
        thread(tx, installation, made[0])
    assert [token["id"] for token in listed(hub, installation)] == made[::-1]


def test_the_last_use_is_shown(hub: Plugged, installation: Installation) -> None:
    token = found(hub, installation, issue(hub, installation)["token"])
    with hub.runtime.begin() as tx:
        used(tx, token)
    assert [each["used_at"] for each in listed(hub, installation)] == ["2026-09-21T14:13:20.000Z"]


def test_there_are_not_more_than_anybody_can_keep_an_eye_on(hub: Plugged, installation: Installation) -> None:
    with hub.runtime.begin() as tx:
        ids = [DESK.issue(tx, installation, {})["id"] for _ in range(MOST_TOKENS)]
    with pytest.raises(Refused) as refused:
        issue(hub, installation)
    assert refused.value.code == "too_many_tokens"
    revoke(hub, installation, ids[0])
    assert issue(hub, installation)["token"]
