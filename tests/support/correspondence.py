"""An account that is written to by mail: mails as they were accepted, their messages in the engine, and the letters that go out."""

import hashlib
from collections.abc import Sequence
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from typing import Any, Final

from sqlalchemy import Row, Table, insert, select

from connectors.contract import Event, Installation, Reply
from connectors.mail2sms import answer
from connectors.mail2sms.connector import CONNECTOR
from connectors.mail2sms.settings import Office, office_of
from connectors.mail2sms.tables import letters, mails, sendings
from core import Refused
from tests.support.plugged import Plugged
from tests.support.world import NOON

GATEWAY: Final = "sms.example.org"
MAILBOX: Final = "sms@office.example"
ANNE: Final = "anne@shop.example"
NUMBER: Final = 33612345678


class Correspondence:
    """One account with an installation, and what comes and goes."""

    def __init__(self, hub: Plugged, name: str = "shop", **settings: Any) -> None:
        self.hub = hub
        self.shop = hub.visitor(name, kind="notification")
        given = {"domain": GATEWAY, "allowed_senders": [ANNE], **settings}
        self.installation = hub.install(self.shop.account_id, CONNECTOR, given)
        self.office = office_of(self.installation)
        self.visit = hub.visit(CONNECTOR, self.installation)

    def mail(self, **changes: Any) -> str:
        """The id of a mail of Anne's that was accepted, proven to be hers."""
        with self.hub.runtime.begin() as tx:
            row = {
                "id": tx.new_id(),
                "account_id": self.shop.account_id,
                "installation_id": self.installation.id,
                "intake": "imap",
                "digest": tx.new_id(),
                "state": "accepted",
                "attempts": 1,
                "sender": ANNE,
                "subject": "Rendez-vous",
                "message_id": "first@shop.example",
                "refs": '["older@shop.example"]',
                "tier": 2,
                "recipients": 1,
                "created_at": tx.now,
                "state_at": tx.now,
            }
            tx.execute(insert(mails).values(**row | changes))
        return str(row["id"])

    def sends(self, mail_id: str, *numbers: str, text: str = "Bonjour Zoé", **more: Any) -> list[str]:
        """The mail sends this to these people, each a message of its own; their sendings."""
        bodies = [{"to": number, "text": text, **more} for number in numbers]
        with self.hub.runtime.begin() as tx:
            caller = self.visit.tools.installations.caller(self.installation)
            replies = self.visit.tools.catalogue.within(tx, caller, "send_message", bodies)
            return [self._sending(tx, mail_id, reply) for reply in replies]

    def _sending(self, tx: Any, mail_id: str, reply: Reply | Refused) -> str:
        assert isinstance(reply, Reply), reply
        one = reply.body
        told = {"number": int(one["to"][1:]), "message_id": one["id"], "status": one["status"]}
        return self.row(tx, mail_id, **told)

    def row(self, tx: Any, mail_id: str, **changes: Any) -> str:
        """A sending of this mail."""
        row = {
            "id": tx.new_id(),
            "account_id": self.shop.account_id,
            "installation_id": self.installation.id,
            "mail_id": mail_id,
            "sender": ANNE,
            "key": hashlib.sha256(tx.new_id().encode()).hexdigest(),
            "digest": "of the body",
            "people": 1,
            "status": "queued",
            "created_at": tx.now,
        }
        tx.execute(insert(sendings).values(**row | changes))
        return str((row | changes)["id"])

    def sends_list(self, mail_id: str, *numbers: str, text: str = "Bonjour") -> str:
        """The mail begins a campaign to these people; its id."""
        body = {"name": "Mail", "text": text, "recipients": [{"to": number} for number in numbers]}
        with self.hub.runtime.begin() as tx:
            caller = self.visit.tools.installations.caller(self.installation)
            (reply,) = self.visit.tools.catalogue.within(tx, caller, "create_campaign", [body])
            assert isinstance(reply, Reply), reply
            campaign_id = str(reply.body["id"])
            self.row(tx, mail_id, campaign_id=campaign_id, people=len(numbers), status="sent")
        return campaign_id

    def put(self, kind: Any, to: str = ANNE, occasion: str | None = None, **facts: Any) -> str | None:
        """A letter of this kind; its facts are filled up."""
        with self.hub.runtime.begin() as tx:
            return answer.put(tx, self.office, kind, occasion or tx.new_id(), to, FACTS[kind] | facts, tx.new_id())

    def gives(self, kind: str, *data: dict[str, Any]) -> None:
        """The engine's events of a kind reach the sink."""
        (sink,) = [one for one in answer.SINKS if kind in one.events]
        with self.hub.runtime.begin() as tx:
            events = [Event(tx.new_id(), kind, tx.now, one) for one in data]
            sink.take(tx, self.installation, events)

    def work(self, **time: int) -> None:
        """Time passes, and all that is due is done: sent, heard of, told."""
        self.hub.engine.clock.forward(**time)
        for _ in range(4):
            self.hub.work()

    def rows(self, table: Table) -> list[Row[Any]]:
        with self.hub.runtime.read() as tx:
            mine = select(table).where(table.c.installation_id == self.installation.id)
            return list(tx.all(mine.order_by(*table.primary_key.columns)))

    def kinds(self) -> list[str]:
        """Of the letters that were written, the oldest first."""
        return [row.kind for row in self.rows(letters)]

    def mailed(self) -> Sequence[EmailMessage]:
        """What went out, as Python's parser reads it, the oldest first."""
        return [read(path.read_bytes()) for path in sorted((self.hub.settings.data / "mail").glob("*.eml"))]


def office(**settings: Any) -> Office:
    """The office of an installation with these settings, of no hub."""
    some = "01997b2c-1a2b-7c3d-8e4f-123456789abc"
    return office_of(Installation(some, some, "mail2sms", {"domain": GATEWAY, **settings}, NOON, NOON))


def read(raw: bytes) -> EmailMessage:
    letter = BytesParser(policy=default).parsebytes(raw)
    assert isinstance(letter, EmailMessage)
    assert not letter.defects
    return letter


def body_of(letter: EmailMessage) -> str:
    return str(letter.get_content()).replace("\r\n", "\n")


_ABOUT: Final = {
    "subject": "Rendez-vous",
    "message_id": "first@shop.example",
    "refs": ["older@shop.example"],
    "quiet": False,
}
_PERSON: Final = {"number": NUMBER, "status": "queued", "segments": 1, "credits": 1, "why": None}
FACTS: Final[dict[str, dict[str, Any]]] = {
    "accepted": {
        **_ABOUT,
        "text": "Bonjour Zoé STOP 36034",
        "people": [_PERSON],
        "credits": 1,
        "segments": 1,
        "send_at": None,
        "test": False,
    },
    "rejected": {**_ABOUT, "code": "no_body", "facts": {}},
    "held": {
        **_ABOUT,
        "code": "held_list",
        "facts": {"count": 42},
        "text": "Bonjour à tous",
        "people": 42,
        "credits": 46.2,
    },
    "digest": {**_ABOUT, "counts": {"received": 1}, "failed": [], "more": 0},
    "reply": {
        **_ABOUT,
        "number": NUMBER,
        "text": "Oui merci",
        "received_at": NOON,
        "opt_out": False,
        "sending_id": "01997b2c-1a2b-7c3d-8e4f-123456789abc",
    },
}
