"""What an SMTP session is told: of its recipients before it sends a mail, and of a mail once it is known what became of it."""

from typing import Final

from connectors.contract import Visit
from connectors.mail2sms import gateways
from connectors.mail2sms.mail import TURNED_AWAY, Address, Outcome, Wrong
from connectors.mail2sms.parse import address
from connectors.mail2sms.refusals import REFUSALS, said
from connectors.mail2sms.settings import Office, office_of
from core import Refused, accounts, groups, number

LATER: Final = "451 4.3.0 It can't be taken just now: try again."
NO_GATEWAY: Final = "550 5.1.2 There is no gateway with this address here."
QUOTES: Final = '"'
LONGEST: Final = 400  # characters; a line of a reply may have 512 (RFC 5321 section 4.5.3.1.5)


def recipient(visit: Visit, text: str) -> Office | str:
    """Whose gateway a recipient stands in, or the reply that refuses it. What needs the mail to be judged is let through."""
    local, _, domain = text.lower().rpartition("@")
    with visit.runtime.read() as tx:
        found = gateways.find(tx, local.strip(QUOTES).partition("+")[0], domain)
    if found is None:
        return NO_GATEWAY
    office = office_of(visit.tools.installations.get(found))
    read = address.read(text, office.local, office.domain)
    wrong = _fault(visit, office, read) if isinstance(read, Address) else read
    if read is None:
        wrong = Wrong("no_recipient", {"domain": office.domain, "prefix": office.prefix})
    return office if wrong is None else refusal(wrong)


def refusal(wrong: Wrong) -> str:
    return f"550 {REFUSALS[wrong.code].status} {one_line(said(wrong.code, wrong.facts))}"


def of(outcome: Outcome) -> str:
    """The reply to a mail. A peer that is told 250 may forget it, and one that is told 550 tells its sender."""
    if outcome.state in ("retry", "received"):
        return LATER
    status = REFUSALS[outcome.code].status if outcome.code else "2.0.0"
    if outcome.state in TURNED_AWAY and not status.startswith("2"):
        return f"550 {status} {one_line(outcome.detail)}"
    return f"250 2.0.0 {one_line(outcome.detail or 'Taken.')}"


def one_line(text: str) -> str:
    """What may stand in a reply: ASCII, without line ends, not too long."""
    return " ".join(text.encode("ascii", "replace").decode().split())[:LONGEST]


def _fault(visit: Visit, office: Office, read: Address) -> Wrong | None:
    """What the account says against it: a number that can't be texted, a group that it does not have."""
    if read.kind not in ("number", "group"):
        return None
    with visit.runtime.read() as tx:
        try:
            if read.kind == "group":
                groups.resolve(tx, office.account_id, [read.value])
            else:
                number.parse(read.value, accounts.get(tx, office.account_id).region)
        except Refused as refused:
            return _wrong(read, refused)
    return None


def _wrong(read: Address, refused: Refused) -> Wrong:
    if read.kind == "group":
        return Wrong("group_unknown", {"slug": read.value})
    return Wrong("number_invalid", {"number": read.value, "why": refused.detail})
