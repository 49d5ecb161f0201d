"""What a plan sends: messages, or a campaign, in the transaction of its mail. Raises Turned where nothing of it may be sent."""

from collections.abc import Mapping, Sequence
from typing import Any

from connectors.contract import Catalogue, Reply
from connectors.mail2sms.decide import quotes, sendings
from connectors.mail2sms.decide.plan import Part, Person, Plan
from connectors.mail2sms.decide.quotes import Quote
from connectors.mail2sms.decide.sendings import REFUSED, Sent
from connectors.mail2sms.decide.turned import Turned, too_long
from connectors.mail2sms.mail import Wrong
from connectors.mail2sms.settings import Office
from core import Caller, Refused, Tx, ledger, tariff

OF_ALL = quotes.OF_TEXT | {"not_enough_credits"}  # what is so for one is so for the mail


def send(
    tx: Tx, catalogue: Catalogue, caller: Caller, office: Office, mail_id: str, plan: Plan, quote: Quote | None
) -> Quote:
    """Send it, and write down what became of each part; what it costs, by person. quote: of a campaign, made before."""
    if plan.is_campaign:
        known = quote or quotes.quote(plan, quotes.within(tx, catalogue, caller))
        sent = _campaign(tx, catalogue, caller, mail_id, plan, known)
    else:
        lines, sent = _messages(tx, catalogue, caller, mail_id, plan)
        known = quotes.together(plan, lines)
        if known.longest > plan.most_segments:
            raise too_long(known.longest, plan.most_segments)
    sendings.settle(tx, office, mail_id, plan, sent)
    return known


def _messages(
    tx: Tx, catalogue: Catalogue, caller: Caller, mail_id: str, plan: Plan
) -> tuple[list[Mapping[str, Any]], Mapping[str, Sent]]:
    """A message for each person that has a number: who can't be texted is told with the others, who opted out too."""
    texted = [person for person in plan.people if person.number is not None]
    bodies = [_body(plan.text, person, mail_id) for person in texted]
    replies = catalogue.within(tx, caller, "send_message", bodies)
    _check(plan, replies)
    done = dict(zip((person.number for person in texted), replies, strict=True))
    lines: list[Mapping[str, Any]] = [_line(person, done.get(person.number)) for person in plan.people]
    of_parts = zip(plan.parts, plan.people, strict=True)
    return lines, {part.identity: _sent(person, done.get(part.number)) for part, person in of_parts}


def _body(text: str, person: Person, mail_id: str) -> Mapping[str, Any]:
    return {"to": f"+{person.number}", "text": text, "reference": mail_id, **quotes.body_of(person.manner)}


def _check(plan: Plan, replies: Sequence[Reply | Refused]) -> None:
    """Raises Turned where there is nobody whom it is sent to, or where what is wrong is so for all."""
    refusals = [one for one in replies if isinstance(one, Refused)]
    if grave := next((one for one in refusals if one.code in OF_ALL), None):
        raise quotes.turned(grave, plan)
    if len(refusals) == len(replies):
        first = next((person for person in plan.people if person.number is None), None)
        if refusals:
            raise quotes.turned(refusals[0], plan)
        if first is not None:
            raise Turned(Wrong("number_invalid", {"number": first.given, "why": first.why, "reason": first.code}))


def _line(person: Person, reply: Reply | Refused | None) -> dict[str, Any]:
    """What a letter tells of one person."""
    if not isinstance(reply, Reply):
        return quotes.refused_line(person, person.code if reply is None else reply.code)
    if reply.body["status"] == "blacklisted":
        return quotes.refused_line(person, "opted_out") | {"status": "blacklisted"}
    told = {name: reply.body[name] for name in ("status", "text", "segments", "credits")}
    return {"number": person.number, "why": None, **told}


def _sent(person: Person, reply: Reply | Refused | None) -> Sent:
    if not isinstance(reply, Reply):
        return Sent(REFUSED, code=person.code if reply is None else reply.code)
    status = reply.body["status"]
    return Sent(status, reply.body["id"], code="opted_out" if status == "blacklisted" else None)


def _campaign(
    tx: Tx, catalogue: Catalogue, caller: Caller, mail_id: str, plan: Plan, quote: Quote
) -> Mapping[str, Sent]:
    """One campaign for all of it. What it will cost is there, or it does not begin."""
    at_once = (plan.manner.send_at or 0) <= tx.now
    available = ledger.balance(tx, caller.account_id).available
    if at_once and quote.credits is not None and tariff.to_millicredits(quote.credits) > available:
        raise Turned(Wrong("no_credit"))
    (reply,) = catalogue.within(tx, caller, "create_campaign", [quotes.campaign(plan) | {"reference": mail_id}])
    if isinstance(reply, Refused):
        raise quotes.turned(reply, plan)
    campaign = Sent("queued", campaign_id=reply.body["id"])
    return {part.identity: _of(part, campaign, plan) for part in plan.parts}


def _of(part: Part, campaign: Sent, plan: Plan) -> Sent:
    unread = {f"?{person.given}": person.code for person in plan.people if person.number is None}
    return Sent(REFUSED, code=unread[part.identity]) if part.identity in unread else campaign
