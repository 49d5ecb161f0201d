"""The transaction that sends: the keys of a mail's parts, its messages with their holds, its letters and its state commit together."""

from collections.abc import Mapping
from typing import Final

from connectors.contract import Visit
from connectors.mail2sms import tokens
from connectors.mail2sms.decide import caps, quotes, rows, sendings, told
from connectors.mail2sms.decide.dispatch import send
from connectors.mail2sms.decide.plan import Plan, written
from connectors.mail2sms.decide.quotes import Quote
from connectors.mail2sms.decide.told import Arrival
from connectors.mail2sms.decide.turned import Turned
from connectors.mail2sms.mail import OPEN, Outcome, State, Wrong
from connectors.mail2sms.refusals import REFUSALS
from connectors.mail2sms.settings import Office
from core import Tx, ledger

STATES: Final[Mapping[str, State]] = {"ignored": "ignored", "silent": "rejected", "rejected": "rejected"}


def accept(visit: Visit, arrival: Arrival, plan: Plan, hold: Wrong | None) -> Outcome:
    """Send it, hold it, or see that it was sent before: wholly, or not at all, and then with the reason."""
    try:
        quote = beforehand(visit, arrival.office, plan)
        if plan.test:
            return _tested(visit, arrival, plan, quote)
        with visit.runtime.begin() as tx:
            return _accepted(tx, visit, arrival, plan, hold, quote)
    except Turned as why:
        return refuse(visit, arrival, why.wrong)


def refuse_unread(visit: Visit, mail_id: str, wrong: Wrong) -> Outcome:
    """Nobody knows who wrote it: it is not sent, and nobody is told."""
    with visit.runtime.begin() as tx:
        row = rows.locked(tx, mail_id)
        return rows.close(tx, mail_id, "rejected", wrong) if row.state in OPEN else rows.outcome_of(row)


def refuse(visit: Visit, arrival: Arrival, wrong: Wrong, **more: str) -> Outcome:
    """It is not sent, or not now; who wrote it is told where that is right. more: what its row says besides."""
    with visit.runtime.begin() as tx:
        row = rows.locked(tx, arrival.mail_id)
        if row.state not in OPEN:
            return rows.outcome_of(row)
        kind = REFUSALS[wrong.code].kind
        if kind == "later":
            return rows.put_back(tx, arrival.mail_id, wrong)
        told.rejected(tx, arrival, wrong)
        return rows.close(tx, arrival.mail_id, STATES[kind], wrong, **arrival.columns, **more)


def beforehand(visit: Visit, office: Office, plan: Plan) -> Quote | None:
    """The price of a test; and of a campaign, which may take too long within a transaction. Raises Turned."""
    if not plan.is_campaign and not plan.test:
        return None
    caller = visit.tools.installations.caller(office.installation)
    return quotes.quote(plan, quotes.asking(visit.tools.catalogue, caller))


def _tested(visit: Visit, arrival: Arrival, plan: Plan, quote: Quote | None) -> Outcome:
    """What it would cost is told, and nothing is sent: as often as it is asked."""
    with visit.runtime.begin() as tx:
        row = rows.locked(tx, arrival.mail_id)
        if row.state not in OPEN or quote is None:
            return rows.outcome_of(row)
        told.accepted(tx, arrival, quote, later(plan, tx.now), test=True)
        return rows.close(tx, arrival.mail_id, "done", **arrival.columns)


def _accepted(tx: Tx, visit: Visit, arrival: Arrival, plan: Plan, hold: Wrong | None, quote: Quote | None) -> Outcome:
    office, mail_id = arrival.office, arrival.mail_id
    row = rows.locked(tx, mail_id)
    if row.state not in OPEN:
        return rows.outcome_of(row)
    for token in arrival.tokens:
        tokens.used(tx, token)
    ledger.lock(tx, [office.account_id])  # nobody else sends for this account before this is done: its caps hold
    taken = sendings.take(tx, office, mail_id, arrival.headers.sender, plan)
    if not taken.identities:
        return rows.close(tx, mail_id, "duplicate", Wrong("duplicate"), **arrival.columns)
    left = plan.only(taken.identities)
    known = quote if left == plan else None
    why = (Wrong("held_changed") if taken.changed else None) or hold or in_the_way(tx, office, arrival, left)
    if why is not None:
        return _held(tx, visit, arrival, left, why, known)
    sent = sent_as(tx, visit, arrival, left, known, mail_id)
    told.accepted(tx, arrival, sent, later(left, tx.now), test=False)
    return rows.close(tx, mail_id, "accepted", recipients=left.count, **arrival.columns)


def in_the_way(tx: Tx, office: Office, arrival: Arrival, plan: Plan) -> Wrong | None:
    """A cap; or that so many people are only texted once their sender has said so twice."""
    over = caps.over(tx, office, arrival.headers.sender, plan)
    if over is None and plan.is_campaign and plan.count > office.confirm_above:
        return Wrong("held_list", {"count": plan.count})
    return over


def _held(tx: Tx, visit: Visit, arrival: Arrival, plan: Plan, why: Wrong, quote: Quote | None) -> Outcome:
    """It is kept as it would be sent, and its sender is asked."""
    caller = visit.tools.installations.caller(arrival.office.installation)
    known = quote or quotes.quote(plan, quotes.within(tx, visit.tools.catalogue, caller))
    told.held(tx, arrival, why, known, plan.count)
    kept = {"draft": written(plan), "recipients": plan.count}
    return rows.close(tx, arrival.mail_id, "held", why, **kept, **arrival.columns)


def sent_as(tx: Tx, visit: Visit, arrival: Arrival, plan: Plan, quote: Quote | None, mail_id: str) -> Quote:
    """Sent, for the mail that it came in."""
    caller = visit.tools.installations.caller(arrival.office.installation)
    return send(tx, visit.tools.catalogue, caller, arrival.office, mail_id, plan, quote)


def later(plan: Plan, now: int) -> int | None:
    """When it is sent, if that is still to come: of several times the first."""
    times = [person.manner.send_at for person in plan.people] if not plan.is_campaign else [plan.manner.send_at]
    later = [at for at in times if at is not None and at > now]
    return min(later) if later and len(later) == len(times) else None
