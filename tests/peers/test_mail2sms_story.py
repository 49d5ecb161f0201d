"""The story of docs/mail2sms.md: a mail is an SMS, what is answered comes back as a mail, answering that is the next SMS, and STOP is told.

A real mailbox (Dovecot), a real name server (dnsmasq), mails that nodemailer wrote and signed, and `smshub serve` as people start it.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from email import policy
from email.message import EmailMessage
from email.parser import BytesParser
from pathlib import Path
from typing import Any, Final

import pytest

from core import wall_clock
from tests.support.dns import NameServer
from tests.support.dovecot import PASSWORD, USER, Dovecot, dovecot
from tests.support.nodemailer import Nodemailer
from tests.support.serving import SECRET, Api, Process, free_port, smshub, wait_for
from tests.support.signing import key_of

pytestmark = [pytest.mark.peer, pytest.mark.slow]

ANN: Final = "ann@office.example"
PERSON: Final = "+33612345612"  # at the simulator: received, and then it answers "Oui merci"
KEY: Final = key_of("office.example")


@dataclass(frozen=True, slots=True)
class Office:
    """Somebody's mail program, the mailbox that the hub reads, and the hub."""

    box: Dovecot
    mailer: Nodemailer
    api: Api
    letters: Path

    def write(self, to: str, text: str, **more: Any) -> None:
        """Ann writes, her server signs, and the mailbox's server puts it in."""
        at = wall_clock()
        mail = self.mailer(KEY, sender=ANN, to=to, text=text, at=at, messageId=f"<{at}@office.example>", **more)
        assert self.box.deliver(mail, to, sender=ANN)[0].startswith("250")

    def sent(self) -> list[str]:
        """What the carrier was given for this person."""
        return [one["text"] for one in self.api.get("/simulator/sent", to=PERSON)["items"]]

    def told(self, words: str) -> EmailMessage:
        """The mail with these words, once it is there."""
        found: EmailMessage = wait_for(lambda: next((one for one in self._letters() if words in _body(one)), None))
        assert found["X-Envelope-From"] == "<>"
        assert found["X-Envelope-To"] == f"<{ANN}>"
        return found

    def _letters(self) -> list[EmailMessage]:
        parser = BytesParser(policy=policy.default)
        return [parser.parsebytes(path.read_bytes()) for path in sorted(self.letters.glob("*.eml"))]


@pytest.fixture
def office(tmp_path: Path) -> Iterator[Office]:
    port = free_port()
    with dovecot() as box, Nodemailer() as mailer, NameServer({KEY.name: KEY.record}) as names:
        settings = {"PORT": str(port), "SMSHUB_SECRET_KEYS": SECRET, "SMSHUB_DNS": names.where}
        made = json.loads(
            smshub("account", "create", "Office", "--credits", "100", "--json", folder=tmp_path, **settings).stdout
        )
        install(tmp_path, box, made["account_id"], settings)
        with Process("serve", tmp_path, **settings) as hub:
            hub.ready()
            yield Office(box, mailer, Api(port, made["api_key"]), tmp_path / "mail")
            assert hub.stop() == 0


def install(folder: Path, box: Dovecot, account_id: str, settings: dict[str, str]) -> None:
    mailbox = {"host": "127.0.0.1", "port": box.port, "tls": "none", "username": USER, "password": PASSWORD}
    file = folder / "mail2sms.json"
    file.write_text(json.dumps({"domain": "sms.example", "allowed_senders": ["@office.example"], "mailbox": mailbox}))
    line = ("connectors", "install", "mail2sms", "--account", account_id, "--settings", str(file))
    installed = smshub(*line, folder=folder, **settings)
    assert installed.returncode == 0, installed.stderr


def test_an_office_texts_somebody_hears_the_answer_writes_again_and_is_told_of_a_stop(office: Office) -> None:
    office.write("0612345612@sms.example", "La réunion est à 15h.\n\n-- \nAnn, direction", subject="réunion")
    wait_for(lambda: office.sent() == ["La réunion est à 15h. STOP 36034"])

    answer = office.told("Oui merci")
    assert PERSON.removeprefix("+33") in answer["From"].replace(" ", "").replace("\N{NO-BREAK SPACE}", "")
    assert answer["Subject"] == "Re: réunion"
    assert answer["In-Reply-To"] in answer["References"]

    thread = answer["From"].addresses[0].addr_spec
    office.write(
        thread, "Parfait, à tout à l'heure.\n\nLe 26 nov. 2026, +33 6 a écrit :\n> Oui merci", subject="Re: réunion"
    )
    wait_for(lambda: len(office.sent()) == 2)
    assert office.sent()[-1] == "Parfait, à tout à l'heure. STOP 36034"

    office.api.post("/simulator/replies", {"from": PERSON, "to": "36034", "text": "STOP"})
    assert "STOP" in _body(office.told("answered STOP"))
    assert wait_for(lambda: office.api.get(f"/blacklist/{PERSON}").get("reason")) == "STOP"

    before = len(office.sent())
    office.write("0612345612@sms.example", "Encore une chose.", subject="réunion")
    office.told("this person asked for no more SMS")
    assert len(office.sent()) == before


def _body(letter: EmailMessage) -> str:
    return str(letter.get_content())
