"""A held mail is let go, or dropped, by its sender's word: an answer to the letter that asks. Once, however often it is said."""

import re
from dataclasses import replace
from typing import Any, Final, Literal

from sqlalchemy import Row

from connectors.contract import Visit
from connectors.mail2sms.decide import accept, caps, keys, plan, quotes, rows, sendings, told
from connectors.mail2sms.decide.plan import Group, Plan
from connectors.mail2sms.decide.quotes import Quote
from connectors.mail2sms.decide.told import Arrival
from connectors.mail2sms.decide.turned import Turned
from connectors.mail2sms.mail import OPEN, Content, Outcome, Read, Wrong
from connectors.mail2sms.settings import Office
from core import Refused, Tx, groups, ledger, words

YES: Final = frozenset(
    {"ok", "okay", "oui", "yes", "send", "envoyer", "envoyez", "envoie", "confirm", "confirmer", "go"}
)
DOUBT: Final = frozenset(
    {"but", "not", "later", "wait", "mais", "pas", "plus", "tard", "attendez", "attends", "nicht", "aber"}
)
NO: Final = frozenset({"no", "non", "cancel", "annuler", "annulez", "annule", "stop", "drop", "nein"})
MOST_WORDS: Final = 4  # "oui, vous pouvez envoyer"; a longer line says something else besides
_WORD: Final = re.compile(r"[a-z]+")


def word(content: Content | Wrong) -> Literal["yes", "no"] | None:
    """What the first line says. None where that is neither, or both, or "yes, but"."""
    if isinstance(content, Wrong):
        return None
    lines = (line for line in content.text.splitlines() if line.strip())
    said = _WORD.findall(words.fold(next(lines, "")))
    if not said or len(said) > MOST_WORDS or (YES & {*said} and (NO | DOUBT) & {*said}):
        return None
    return "yes" if said[0] in YES else "no" if said[0] in NO else None


def confirm(visit: Visit, arrival: Arrival, mail_id: str, read: Read) -> Outcome:
    """Do as the answer says; `confirm_unclear` where it says neither, `confirm_over` where nothing waits any more."""
    meant = word(read.parsed.content)
    if meant is None:
        return accept.refuse(visit, arrival, Wrong("confirm_unclear"))
    try:
        quote = _quote(visit, arrival, mail_id) if meant == "yes" else None
        with visit.runtime.begin() as tx:
            own = rows.locked(tx, arrival.mail_id)
            if own.state not in OPEN:
                return rows.outcome_of(own)
            if not _is_first(tx, arrival, mail_id, read):
                return rows.close(tx, arrival.mail_id, "duplicate", Wrong("duplicate"), **arrival.columns)
            held = _held(rows.locked(tx, mail_id))
            return _dropped(tx, arrival, held) if meant == "no" else _let_go(tx, visit, arrival, held, quote)
    except Turned as why:
        return accept.refuse(visit, arrival, why.wrong)


def _is_first(tx: Tx, arrival: Arrival, mail_id: str, read: Read) -> bool:
    """Whether the same answer did not come before: then it is done, and nobody needs to hear that it is too late."""
    content, proof = read.parsed.content, read.proof
    digest = content.digest if isinstance(content, Content) else ""
    office, headers = arrival.office, arrival.headers
    key = keys.key(office.account_id, keys.identity(headers, digest, proof), f"confirm/{mail_id}")
    return sendings.first(tx, office, arrival.mail_id, headers.sender, key, digest)


def _quote(visit: Visit, arrival: Arrival, mail_id: str) -> Quote | None:
    """Of a campaign that waits; whether it still does is seen again in the transaction that sends it."""
    with visit.runtime.read() as tx:
        held = rows.found(tx, mail_id)
        kept = _as_it_is_now(tx, arrival.office, plan.read(held.draft)) if held and held.draft else None
    return accept.beforehand(visit, arrival.office, kept) if kept else None


def _held(row: Row[Any]) -> Row[Any]:
    if row.state != "held" or row.draft is None:
        raise Turned(Wrong("confirm_over"))
    return row


def _let_go(tx: Tx, visit: Visit, arrival: Arrival, held: Row[Any], quote: Quote | None) -> Outcome:
    """Sent as it was kept, unless a cap is in the way still, or it would go to more people than was told: then it waits on."""
    told_of: Plan = plan.read(held.draft)
    ledger.lock(tx, [arrival.office.account_id])
    kept = _as_it_is_now(tx, arrival.office, told_of)
    grown = Wrong("held_list", {"count": kept.count}) if kept.count > told_of.count else None
    over = caps.over(tx, arrival.office, held.sender, kept) or grown
    if over is not None:
        rows.redraft(tx, held.id, plan.written(kept), kept.count)
        caller = visit.tools.installations.caller(arrival.office.installation)
        known = quote or quotes.quote(kept, quotes.within(tx, visit.tools.catalogue, caller))
        told.held(tx, arrival, over, known, kept.count, held.id)
        return rows.close(tx, arrival.mail_id, "done", over, **arrival.columns)
    sent = accept.sent_as(tx, visit, arrival, kept, quote, held.id)
    told.accepted(tx, arrival, sent, accept.later(kept, tx.now), test=False)
    rows.close(tx, held.id, "accepted", recipients=kept.count)
    return rows.close(tx, arrival.mail_id, "done", **arrival.columns)


def _as_it_is_now(tx: Tx, office: Office, kept: Plan) -> Plan:
    """With as many people in its groups as there are now. One that is gone keeps its number: the engine tells."""
    return replace(kept, groups=tuple(replace(one, people=_people(tx, office, one)) for one in kept.groups))


def _people(tx: Tx, office: Office, group: Group) -> int:
    try:
        return groups.get(tx, office.account_id, group.id).contacts
    except Refused:
        return group.people


def _dropped(tx: Tx, arrival: Arrival, held: Row[Any]) -> Outcome:
    sendings.drop(tx, held.id)
    rows.close(tx, held.id, "rejected", Wrong("dropped"))
    told.dropped(tx, arrival)
    return rows.close(tx, arrival.mail_id, "done", **arrival.columns)
