"""Letters are handed over to a real mail server: by nobody, once, again where it could not be, and given up where it refuses."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from connectors.mail2sms import answer, tokens
from connectors.mail2sms.answer import mailing
from connectors.mail2sms.connector import CONNECTOR
from connectors.mail2sms.lately import letters_waiting
from connectors.mail2sms.mail import Address
from connectors.mail2sms.parse import address
from connectors.mail2sms.tables import letters
from connectors.mail2sms.tables import tokens as token_rows
from tests.support import mailing as mail_server
from tests.support.correspondence import ANNE, Correspondence, body_of
from tests.support.plugged import Plugged, plugged


@pytest.fixture
def server() -> Iterator[mail_server.Server]:
    with mail_server.server() as made:
        yield made


@pytest.fixture
def hub(database_url: str, tmp_path: Path, server: mail_server.Server) -> Iterator[Plugged]:
    """It mails by a real server."""
    options = {"SMSHUB_SMTP_URL": f"smtp://127.0.0.1:{server.port}", "SMSHUB_MAIL_FROM": "hub@example.org"}
    with plugged(database_url, tmp_path, CONNECTOR, **options) as made:
        yield made


def written(desk: Correspondence, kind: str, **facts: Any) -> str:
    letter_id = desk.put(kind, **facts)
    assert letter_id is not None
    return letter_id


def waiting(desk: Correspondence) -> Mapping[str, float]:
    """The letters that are measured to wait."""
    with desk.hub.runtime.read() as tx:
        return letters_waiting(tx)


def secret_of(letter: Any) -> Address:
    """What the answer to a letter would come in by."""
    found = address.read(letter["Reply-To"].addresses[0].addr_spec, "", "sms.example.org")
    assert isinstance(found, Address)
    assert found.token is not None
    return found


def test_a_letter_goes_out_once_and_comes_back_to_nobody(desk: Correspondence, server: mail_server.Server) -> None:
    letter_id = written(desk, "accepted")
    desk.work()
    mailing.send(desk.visit, letter_id)
    assert [(one["To"], one["Message-ID"]) for one in server.taken] == [(ANNE, f"<{letter_id}@sms.example.org>")]
    assert server.senders == ["<>"]
    (row,) = desk.rows(letters)
    assert row.sent_at == desk.hub.engine.clock.now


def test_an_operator_whose_relay_refuses_the_null_sender_names_another(
    database_url: str, tmp_path: Path, server: mail_server.Server
) -> None:
    options = {
        "SMSHUB_SMTP_URL": f"smtp://127.0.0.1:{server.port}",
        "SMSHUB_CONNECTOR_MAIL2SMS_ENVELOPE_SENDER": "bounces@example.org",
    }
    with plugged(database_url, tmp_path, CONNECTOR, **options) as hub:
        written(Correspondence(hub), "accepted")
        hub.work()
    assert server.senders == ["bounces@example.org"]


def test_a_held_mail_is_asked_about_with_a_secret_that_only_its_letter_knows(
    desk: Correspondence, server: mail_server.Server
) -> None:
    mail_id = desk.mail(state="held")
    with desk.hub.runtime.begin() as tx:
        facts = {"code": "held_list", "facts": {"count": 42}, "text": "Bonjour", "people": 42, "credits": 42}
        answer.put(tx, desk.office, "held", f"held/{mail_id}", ANNE, facts, mail_id)
    desk.work()
    found = secret_of(server.taken[0])
    assert (found.kind, found.value) == ("thread", mail_id)
    with desk.hub.runtime.read() as tx:
        token = tokens.find(tx, desk.installation.id, found.token or "")
    assert token is not None
    assert (token.kind, token.mail_id) == ("confirm", mail_id)
    kept = [str(tuple(row)) for table in (letters, token_rows) for row in desk.rows(table)]
    assert not [row for row in kept if (found.token or "") in row]


def test_a_mail_server_that_is_away_is_asked_again(desk: Correspondence, server: mail_server.Server) -> None:
    letter_id = written(desk, "accepted")
    server.refuses = "450 4.7.1 greylisted"
    mailing.send(desk.visit, letter_id)
    desk.work()
    server.refuses = ""
    desk.work(minutes=1)
    assert len(server.taken) == 1
    assert [row.sent_at for row in desk.rows(letters)] == [desk.hub.engine.clock.now]


def test_a_letter_that_is_refused_for_good_is_given_up_and_nobody_is_named(
    desk: Correspondence, server: mail_server.Server
) -> None:
    letter_id = written(desk, "accepted")
    server.refuses = "550 5.1.1 no such user anne@shop.example"
    with capture_logs() as logs:
        desk.work()
        desk.work(hours=2)
    assert server.taken == []
    told = [one for one in logs if one["event"] == "mail2sms.letter_refused"]
    assert [(one["letter_id"], one["kind"]) for one in told] == [(letter_id, "accepted")]
    assert "anne" not in str(logs)
    assert [row.sent_at for row in desk.rows(letters)] == [None]
    assert waiting(desk) == {}


def test_a_relay_that_is_away_for_most_of_a_day_loses_no_letter(
    desk: Correspondence, server: mail_server.Server
) -> None:
    written(desk, "accepted")
    server.refuses = "451 4.3.0 come again"
    for _ in range(90):
        desk.work(minutes=15)
    assert waiting(desk) == {"accepted": 1}
    server.refuses = ""
    desk.work(minutes=30)
    assert len(server.taken) == 1
    assert waiting(desk) == {}


def test_a_letter_that_nobody_took_for_a_day_is_given_up_and_told(
    desk: Correspondence, server: mail_server.Server
) -> None:
    letter_id = written(desk, "accepted")
    server.refuses = "451 4.3.0 come again"
    with capture_logs() as logs:
        for _ in range(100):
            desk.work(minutes=15)
    server.refuses = ""
    desk.work(hours=1)
    assert [one["letter_id"] for one in logs if one["event"] == "mail2sms.letter_given_up"] == [letter_id]
    assert (server.taken, waiting(desk)) == ([], {})


def test_a_crash_before_it_is_marked_mails_it_again_under_the_same_id(
    desk: Correspondence, server: mail_server.Server
) -> None:
    letter_id = written(desk, "accepted")

    def crash(point: str) -> None:
        assert point == "mail.mailed"
        raise SystemExit(point)

    dying = desk.hub.runtime.as_of(fault=crash)
    with pytest.raises(SystemExit):
        mailing.send(type(desk.visit)(dying, desk.visit.tools, installation=desk.installation), letter_id)
    desk.work()
    assert [one["Message-ID"] for one in server.taken] == [f"<{letter_id}@sms.example.org>"] * 2
    assert server.taken[0].as_bytes() == server.taken[1].as_bytes()


def test_a_letter_of_an_installation_that_was_removed_is_not_sent(
    desk: Correspondence, server: mail_server.Server
) -> None:
    letter_id = written(desk, "accepted")
    desk.visit.tools.installations.remove(desk.installation)
    mailing.send(desk.visit, letter_id)
    mailing.send(desk.visit, desk.installation.id)
    assert server.taken == []


def test_it_is_told_in_the_language_and_the_zone_of_the_account(hub: Plugged, server: mail_server.Server) -> None:
    desk = Correspondence(hub, language="fr")
    written(desk, "accepted", send_at=1_798_099_200_000)
    desk.work()
    assert "le jeudi 24 décembre 2026 à 09:00 (Europe/Paris)" in body_of(server.taken[0])
    assert server.taken[0]["Content-Language"] == "fr"
