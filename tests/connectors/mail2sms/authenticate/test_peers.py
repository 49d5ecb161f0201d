"""Mails that others signed, with the keys at a name server that we did not write: nodemailer (JavaScript) and dkimpy."""

from collections.abc import Iterator, Sequence

import dkim
import pytest
import time_machine

from connectors.mail2sms.authenticate import Lookup, authenticate, resolver
from connectors.mail2sms.mail import Proof
from tests.support.dns import NameServer
from tests.support.nodemailer import Nodemailer
from tests.support.signing import Key, key_of, mail, weak_key
from tests.support.world import NOON

pytestmark = pytest.mark.peer
SENDER = "Ann <ann@office.example>"
GATEWAY = "33612345678@sms.example"
SHORT = "short.example"


@pytest.fixture(scope="module")
def keys() -> Sequence[Key]:
    return key_of("office.example"), weak_key(SHORT)


@pytest.fixture(scope="module")
def wire(keys: Sequence[Key]) -> Iterator[Lookup]:
    with NameServer({key.name: key.record for key in keys}) as server:
        yield resolver(server.where)


@pytest.fixture(scope="module")
def nodemailer() -> Iterator[Nodemailer]:
    with Nodemailer() as mailer:
        yield mailer


def proof(raw: bytes, lookup: Lookup, sender: str = "ann@office.example") -> Proof:
    return authenticate(raw, sender, NOON, None, lookup)


def test_a_mail_of_nodemailer_is_proven_with_what_it_covers(
    nodemailer: Nodemailer, keys: Sequence[Key], wire: Lookup
) -> None:
    text = "La réunion est à 15h.\n" * 50
    found = proof(nodemailer(keys[0], sender=SENDER, to=GATEWAY, subject="Réunion", text=text), wire)
    assert (found.aligned, found.signed_at) == (True, NOON)
    assert found.covered >= {"from", "to", "subject", "date", "message-id", "content-type"}


def test_one_with_pages_and_attachments_too(nodemailer: Nodemailer, keys: Sequence[Key], wire: Lookup) -> None:
    file = {"filename": "liste.csv", "content": "mobile;nom\n0612345678;Zoé\n"}
    raw = nodemailer(keys[0], sender=SENDER, to=GATEWAY, text="Bonjour", html="<p>Bonjour</p>", attachments=[file])
    assert proof(raw, wire).aligned
    assert not proof(raw.replace(b"Bonjour", b"Bonsoir", 1), wire).aligned


def test_one_with_a_short_key_is_not(nodemailer: Nodemailer, keys: Sequence[Key], wire: Lookup) -> None:
    raw = nodemailer(keys[1], sender=f"ann@{SHORT}", to=GATEWAY, text="Bonjour")
    assert b"DKIM-Signature" in raw
    assert not proof(raw, wire, f"ann@{SHORT}").aligned


def test_nor_is_one_without_a_signature(nodemailer: Nodemailer, wire: Lookup) -> None:
    found = proof(nodemailer(sender=SENDER, to=GATEWAY, text="Bonjour"), wire)
    assert (found.aligned, found.temporary, found.why) == (False, False, "not signed")


@pytest.mark.parametrize(
    "forms", [(b"simple", b"simple"), (b"relaxed", b"simple"), (b"simple", b"relaxed"), (b"relaxed", b"relaxed")]
)
def test_every_form_of_dkim_is_understood(keys: Sequence[Key], wire: Lookup, forms: tuple[bytes, bytes]) -> None:
    raw = mail(
        text="Deux  blancs \r\n\r\n\t et une fin\r\n\r\n\r\n", reply_to="  ann@office.example,\r\n\tbob@office.example "
    )
    with time_machine.travel(NOON / 1000, tick=False):
        made = dkim.sign(
            raw, keys[0].selector.encode(), keys[0].domain.encode(), keys[0].pem.encode(), canonicalize=forms
        )
    found = proof(made + raw, wire)
    assert (found.aligned, found.signed_at) == (True, NOON)
    assert not proof(made + raw.replace(b"fin", b"faim"), wire).aligned
