"""Mails through IMAP: from a real mailbox, signed, one in a hundred of them poison, until each became a message or was turned away."""

from collections.abc import Iterator
from email.message import EmailMessage
from functools import partial
from typing import Final

from sqlalchemy import func, select

from connectors.mail2sms import CONNECTOR
from connectors.mail2sms.mail import OPEN
from connectors.mail2sms.tables import mails
from core import wall_clock
from core.schema import messages
from hub.connections import book as connections
from hub.installations.book import Book
from hub.registry import Registry
from hub.secrets import keys_from
from tests.bench.crowd import number
from tests.bench.figure import Bench, Figure, Measured
from tests.bench.place import Hub, Place, hub_on, wait
from tests.support.dns import NameServer
from tests.support.dovecot import PASSWORD, USER, Dovecot
from tests.support.serving import SECRET
from tests.support.signing import key_of, mail, signed

KEY: Final = "mail_per_s"
USUAL: Final = 2_000
POISON_EACH: Final = 100
DEEP: Final = 1_500
SENDER: Final = "ann@office.example"


def _measure(place: Place) -> Iterator[Measured]:
    key = key_of("office.example")
    with NameServer({key.name: key.record}, ttl_s=60) as names:
        for _ in range(place.runs):
            with Dovecot() as box, hub_on(place) as hub:
                count = place.count(USUAL, 2 * POISON_EACH)
                box.append(*(_mail(one) for one in range(count)))
                _install(hub, box)
                hub.more["SMSHUB_DNS"] = names.where
                hub.start("worker", "listen")
                with hub.watched("mails"):
                    wait(partial(_over, hub, box, count), every_s=0.2)
                _check(hub, count)
                yield {KEY: (count - 1) / (_took_ms(hub) / 1000)}


def _mail(place: int) -> bytes:
    if place % POISON_EACH == POISON_EACH // 2:
        return _poison(place)
    raw = mail(
        SENDER,
        f"{number(place)}@sms.example",
        f"Bonjour {place}",
        message_id=f"{place}@office.example",
        at=wall_clock(),
    )
    return signed(raw, key_of("office.example"), at=None)


def _poison(place: int) -> bytes:
    """Parts within parts within parts."""
    plain = EmailMessage()
    plain["From"], plain["To"], plain["Message-ID"] = SENDER, "33612345678@sms.example", f"<{place}@poison.example>"
    head = plain.as_bytes().rstrip(b"\n").replace(b"\n", b"\r\n")
    parts = b"".join(b'Content-Type: multipart/mixed; boundary="b%d"\r\n\r\n--b%d\r\n' % (at, at) for at in range(DEEP))
    return head + b"\r\n" + parts + b"Content-Type: text/plain\r\n\r\nBonjour\r\n"


def _install(hub: Hub, box: Dovecot) -> None:
    account, _ = hub.account(kind="notification")
    settings = {
        "domain": "sms.example",
        "allowed_senders": ["@office.example"],
        "mailbox": {"host": "127.0.0.1", "port": box.port, "tls": "none", "username": USER, "password": PASSWORD},
        **dict.fromkeys(("per_hour", "per_day", "account_per_hour", "account_per_day"), 1_000_000),
    }
    with hub.runtime.begin() as tx:
        book = Book(Registry((CONNECTOR,)), keys_from([SECRET]), connections.forget)
        book.create(tx, account.id, CONNECTOR, settings, "bench")


def _over(hub: Hub, box: Dovecot, count: int) -> bool:
    """All mails are decided, and put away."""
    return _taken(hub) >= count and not box.count()


def _taken(hub: Hub) -> int:
    with hub.runtime.read() as tx:
        return int(tx.scalar(select(func.count()).where(mails.c.state.not_in(sorted(OPEN)))))


def _took_ms(hub: Hub) -> int:
    """From the first mail that was looked at to the last that was decided."""
    with hub.runtime.read() as tx:
        row = tx.one(select(func.min(mails.c.created_at).label("first"), func.max(mails.c.created_at).label("last")))
    if row is None:
        raise AssertionError("no mail came")
    return int(row.last - row.first)


def _check(hub: Hub, count: int) -> None:
    """Every mail that is none of the poison is one message."""
    good = count - len(range(POISON_EACH // 2, count, POISON_EACH))
    with hub.runtime.read() as tx:
        sent = tx.scalar(select(func.count()).select_from(messages))
        people = tx.scalar(select(func.count(messages.c.number.distinct())))
    if (sent, people) != (good, good):
        raise AssertionError(f"{good} mails became {sent} messages to {people} people")


MAILS: Final = Bench(
    "mails",
    (
        Figure(
            KEY, f"mails taken out of a mailbox by IMAP, signed, {USUAL:,} of them, 1 in {POISON_EACH} poison", "/s", 20
        ),
    ),
    _measure,
)
