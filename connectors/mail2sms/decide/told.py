"""Letters of decisions: who is told what became of a mail. See `answer.letters` for which of them are wanted."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from connectors.mail2sms import answer
from connectors.mail2sms.decide.quotes import Quote
from connectors.mail2sms.mail import Headers, Wrong
from connectors.mail2sms.refusals import REFUSALS
from connectors.mail2sms.settings import Office
from connectors.mail2sms.tokens import Token
from core import Tx


@dataclass(frozen=True, slots=True)
class Arrival:
    """A mail that is being decided: its row, and who hears of it.

    answerable: who wrote it is known, so that an answer goes to nobody else. trusted: an allowed sender, and that is proven. intake:
    what an SMTP session refuses is told by the server that sent it. legacy: its subject holds a token. tokens: what let it in.
    """

    mail_id: str
    office: Office
    headers: Headers
    intake: str
    answerable: bool = False
    trusted: bool = False
    legacy: bool = False
    tokens: tuple[Token, ...] = ()
    tier: int | None = None

    @property
    def columns(self) -> dict[str, Any]:
        """What the row of the mail keeps of it, for letters that are written later."""
        facts = self.facts
        return {
            "sender": self.headers.sender,
            "subject": facts["subject"],
            "message_id": facts["message_id"],
            "refs": json.dumps(facts["refs"]),
            "quiet": int(facts["quiet"]),
            "tier": self.tier,
        }

    @property
    def facts(self) -> dict[str, Any]:
        """What every letter says of the mail that it answers."""
        return dict(answer.about(self.headers, legacy=self.legacy))


def rejected(tx: Tx, arrival: Arrival, wrong: Wrong) -> None:
    """Why it was not sent. What nobody is told since anybody may have written is told to who certainly wrote."""
    kind = REFUSALS[wrong.code].kind
    by_mail = kind == "rejected" and arrival.answerable and arrival.intake != "smtp"
    if by_mail or (kind == "silent" and arrival.trusted):
        _put(tx, arrival, "rejected", {"code": wrong.code, "facts": dict(wrong.facts)})


def dropped(tx: Tx, arrival: Arrival) -> None:
    """A held mail was dropped, as its sender asked."""
    if arrival.answerable:
        _put(tx, arrival, "rejected", {"code": "dropped", "facts": {}})


def held(tx: Tx, arrival: Arrival, wrong: Wrong, quote: Quote, people: int, mail_id: str | None = None) -> None:
    """It waits for a word of its sender. mail_id: the mail that waits, where that is another one."""
    facts = {"code": wrong.code, "facts": dict(wrong.facts), "people": people}
    if arrival.answerable:
        told = {"text": quote.text, "credits": quote.credits, "segments": quote.segments}
        _put(tx, arrival, "held", facts | told, mail_id)


def accepted(tx: Tx, arrival: Arrival, quote: Quote, send_at: int | None, *, test: bool) -> None:
    """What is sent, word for word, to whom, and what it costs; of a test, what it would."""
    if arrival.answerable:
        told = {"text": quote.text, "people": list(quote.lines), "credits": quote.credits, "segments": quote.segments}
        _put(tx, arrival, "accepted", {**told, "send_at": send_at, "test": test})


def _put(tx: Tx, arrival: Arrival, kind: Any, facts: Mapping[str, Any], mail_id: str | None = None) -> None:
    occasion = f"{kind}/{arrival.mail_id}"
    of = mail_id or arrival.mail_id
    answer.put(tx, arrival.office, kind, occasion, arrival.headers.sender, {**arrival.facts, **facts}, of)
