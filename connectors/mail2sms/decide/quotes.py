"""What a plan would cost, by the reckoning that sends it: for letters that ask or tell, and for campaigns before they begin."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from connectors.contract import Catalogue, Reply
from connectors.mail2sms import moments
from connectors.mail2sms.decide.plan import NAMES, Manner, Person, Plan
from connectors.mail2sms.decide.turned import Turned, too_long
from connectors.mail2sms.mail import Wrong
from core import Caller, Refused, Tx

OPERATION: Final = "make_quote"
OF_TEXT: Final = frozenset({"text_too_long", "text_empty", "text_invalid"})
Ask = Callable[[Mapping[str, Any]], Reply | Refused]


@dataclass(frozen=True, slots=True)
class Quote:
    """text: as one of them gets it. longest: segments of the longest one. segments, credits: of all; None of too many people at once.

    lines: for each person, group or list, as a letter shows them: number or group and people, status, segments, credits, why.
    """

    text: str
    credits: float | None
    longest: int
    segments: int | None
    lines: Sequence[Mapping[str, Any]]


def quote(plan: Plan, ask: Ask) -> Quote:
    """The price. Raises Turned where it could not be sent as it is."""
    made = (
        _of_campaign(plan, ask) if plan.is_campaign else together(plan, [_line(plan, one, ask) for one in plan.people])
    )
    if made.longest > plan.most_segments:
        raise too_long(made.longest, plan.most_segments)
    return made


def asking(catalogue: Catalogue, caller: Caller) -> Ask:
    """Outside of a transaction."""

    def ask(body: Mapping[str, Any]) -> Reply | Refused:
        try:
            return catalogue.perform(caller, OPERATION, body)
        except Refused as refusal:
            return refusal

    return ask


def within(tx: Tx, catalogue: Catalogue, caller: Caller) -> Ask:
    """Within one: for few people."""
    return lambda body: catalogue.within(tx, caller, OPERATION, [body])[0]


def together(plan: Plan, lines: Sequence[Mapping[str, Any]]) -> Quote:
    """Of messages, by what is told of each; `text` is that of the first which has one."""
    segments = [line["segments"] for line in lines]
    text = next((line["text"] for line in lines if line.get("text")), plan.text)
    shown = [{name: value for name, value in line.items() if name != "text"} for line in lines]
    return Quote(text, round(sum(line["credits"] for line in lines), 3), max(segments), sum(segments), shown)


def campaign(plan: Plan) -> dict[str, Any]:
    """The body that a campaign is made, and quoted, from."""
    to = [{"to": person.given if person.number is None else f"+{person.number}"} for person in plan.people]
    body = {"name": plan.name, "text": plan.text, "recipients": [*to, *plan.rows], **body_of(plan.manner)}
    return body | {"groups": [group.id for group in plan.groups]}


def body_of(manner: Manner) -> dict[str, Any]:
    """How a message or campaign is sent, as the API takes it."""
    at = moments.iso_or_none(manner.send_at)
    said = {"purpose": manner.purpose, "sender": manner.sender, "send_at": at}
    return {name: value for name, value in said.items() if value is not None}


def turned(refusal: Refused, plan: Plan) -> Turned:
    """Why the engine does not take it, as the sender of a mail is told."""
    segments = refusal.facts.get("segments")
    if refusal.code == "text_too_long" and isinstance(segments, int):
        return too_long(segments, plan.most_segments)
    if refusal.code == "not_enough_credits":
        return Turned(Wrong("no_credit"))
    if refusal.code == "text_empty":
        return Turned(Wrong("text_empty"))
    return Turned(Wrong("refused", {"why": refusal.detail, "reason": refusal.code}))


def refused_line(person: Person, code: str) -> dict[str, Any]:
    """Of somebody who gets nothing."""
    return {"number": person.shown, "status": "refused", "segments": 0, "credits": 0, "why": code}


def _of_campaign(plan: Plan, ask: Ask) -> Quote:
    """The longest of its texts is looked for among samples of every kind of them, of which the engine shows ten."""
    body = _asked(plan, ask, campaign(plan))
    samples = body.get("samples", ())
    if not samples:
        _check_texts(plan, body)
    text = samples[0]["text"] if samples else plan.text
    longest = max((one["segments"] for one in samples), default=0)
    return Quote(text, body.get("credits"), longest, body.get("segments"), list(_lines(plan)))


def _lines(plan: Plan) -> Iterator[Mapping[str, Any]]:
    for person in plan.people:
        yield (
            refused_line(person, person.code)
            if person.number is None
            else {"number": person.number, "status": "queued"}
        )
    yield from ({"group": group.slug, "people": group.people, "status": "queued"} for group in plan.groups)
    if plan.rows:
        yield {"group": "list", "people": plan.listed, "status": "queued"}


def _line(plan: Plan, person: Person, ask: Ask) -> dict[str, Any]:
    if person.number is None:
        return refused_line(person, person.code)
    body = _asked(plan, ask, _single(plan.text, person.number, person.manner))
    if body["blacklisted"]:
        return refused_line(person, "opted_out") | {"status": "blacklisted"}
    if not body["samples"]:
        _check_texts(plan, body)
        return refused_line(person, body["invalid"][0]["code"])
    sample = body["samples"][0]
    told = {name: sample[name] for name in ("text", "segments", "credits")}
    return {"number": person.number, "status": "queued", "why": None, **told}


def _single(text: str, number: int, manner: Manner) -> dict[str, Any]:
    """The quote of a message. Nothing is merged into its text: each field stands for itself."""
    itself = {name: f"${name}" for name in NAMES if f"${name}" in text}
    return {"text": text, "recipients": [{"to": f"+{number}", **itself}], **body_of(manner)}


def _asked(plan: Plan, ask: Ask, body: Mapping[str, Any]) -> Mapping[str, Any]:
    reply = ask(body)
    if isinstance(reply, Refused):
        raise turned(reply, plan)
    told: Mapping[str, Any] = reply.body
    return told


def _check_texts(plan: Plan, body: Mapping[str, Any]) -> None:
    """Where nobody is left, and that for the text. Raises Turned."""
    for one in body.get("invalid", ()):
        if one["code"] in OF_TEXT:
            raise turned(Refused(one["code"], one["detail"]), plan)
