"""What a draft may be: its purpose, sender, mention and validity, by the rules of its account. One place for every road in."""

from dataclasses import dataclass
from typing import Final

from core.accounts import Account
from core.errors import Refused
from core.runtime import Tx
from core.sender import check_sender
from core.text.compose import Plan
from core.text.merge import Template, read

VALIDITY_MINUTES: Final = 2_880
MINUTE_MS: Final = 60_000
PURPOSES: Final = ("marketing", "notification", "otp")


@dataclass(frozen=True, slots=True)
class Terms:
    """What was decided for a draft before its recipients: how each will be composed, and from whom."""

    purpose: str
    sender: str
    mention: bool
    validity_minutes: int
    plan: Plan


def settle(
    tx: Tx,
    account: Account,
    *,
    text: str,
    sender: str | None = None,
    purpose: str | None = None,
    stop: bool | None = None,
    validity_minutes: int | None = None,
    merge: bool = False,
) -> Terms:
    """The terms of a draft, or Refused (stop_required, otp_not_granted, sender_forbidden, text_empty)."""
    check_text(text)
    template = read(text) if merge else Template(text, text, ())
    return _settled(tx, account, template, sender, purpose, stop, validity_minutes)


def settle_for_all(
    tx: Tx, account: Account, *, sender: str | None = None, purpose: str | None = None, stop: bool | None = None
) -> Terms:
    """The terms of drafts without merge fields whose texts are looked at one by one (`check_text`): their plan has no text of its own."""
    return _settled(tx, account, Template("", "", ()), sender, purpose, stop, None)


def check_text(text: str) -> None:
    """Refuse (`text_empty`) a text that says nothing."""
    if not text or text.isspace():
        raise Refused.at("/text", "text_empty", "The text is empty.")


def _settled(
    tx: Tx,
    account: Account,
    template: Template,
    sender: str | None,
    purpose: str | None,
    stop: bool | None,
    validity_minutes: int | None,
) -> Terms:
    meant = purpose or account.purpose
    mention = _mention(account, meant, stop)
    named = sender or account.default_sender
    chosen = check_sender(tx, account.id, named) if named else tx.rules.short_code
    plan = Plan(template, mention, tx.rules.mentions, tx.rules.tariff, meant)
    return Terms(meant, chosen, mention, validity_minutes or VALIDITY_MINUTES, plan)


def _mention(account: Account, purpose: str, stop: bool | None) -> bool:
    """Whether the STOP mention is carried. Commercial texts must carry it (France: CPCE article L34-5)."""
    if purpose not in PURPOSES:
        raise Refused.at("/purpose", "purpose_forbidden", f"purpose must be one of {', '.join(PURPOSES)}.")
    if purpose == "otp":
        if not account.otp_granted:
            raise Refused.at(
                "/purpose",
                "otp_not_granted",
                "One-time passwords need the operator's grant: ask for it, or use notification.",
            )
        return False
    obliged = account.kind == "marketing" or purpose == "marketing"
    if obliged and stop is False:
        raise Refused.at(
            "/stop", "stop_required", "Marketing messages always carry the STOP mention: leave `stop` out."
        )
    return obliged or (account.stop if stop is None else stop)
