"""Letters as rows: written with what they tell of, in its transaction, once for each occasion, and only where somebody wants them."""

import json
from collections.abc import Mapping
from typing import Any, Final, Literal

from sqlalchemy import Select, func, literal, select

from connectors.mail2sms.answer import whom
from connectors.mail2sms.mail import Headers
from connectors.mail2sms.settings import Office
from connectors.mail2sms.tables import letters
from core import Tx, jobs

JOB: Final = "mail2sms.letter"
HOUR_MS: Final = 3_600_000
ERRORS_AN_HOUR: Final = 1
QUESTIONS_AN_HOUR: Final = 10  # of held mails, each of which waits for its answer, and what is said to that
# A notice, not a question: the next mail would get the same.
CAPS: Final = frozenset({"held_sender_cap", "held_account_cap"})
# What answers somebody who answered one of our letters, and so has its secret.
TALK: Final = frozenset({"dropped", "confirm_unclear", "confirm_over"})
NOT_SENT: Final = frozenset({"refused", "blacklisted", "rejected", "no_credit"})

Kind = Literal["accepted", "rejected", "held", "digest", "reply"]
Facts = Mapping[str, Any]


def about(headers: Headers, *, legacy: bool = False) -> Facts:
    """What every letter holds of the mail that it answers. legacy: its subject held a token, so it is told by no word.

    quiet: whoever wrote it wants no automatic answer, or was a machine (RFC 3834 section 2): only what people answer is passed on.
    """
    return {
        "subject": "" if legacy else headers.subject,
        "message_id": headers.message_id,
        "refs": list(headers.references),
        "quiet": headers.quiet or headers.generated,
    }


def put(
    tx: Tx, office: Office, kind: Kind, occasion: str, to: str, facts: Facts, mail_id: str | None = None
) -> str | None:
    """Write a letter, and promise that it is mailed; its id, or None where it is not wanted, or was written before.

    occasion: makes it once in an installation ("rejected/<mail id>"). facts: JSON, of `about` and, by kind:
    accepted: text, people: [{number, status, segments, credits, why}], credits, segments, send_at (ms or None), test; of a group one entry

    with group (its name) and people (how many are in it) instead of a number; status is refused where `why` says so (a code or a sentence)
    rejected: code, facts · held: code, facts, text, people (how many), credits
    digest: counts {status: how many}, failed: [{number, status, why}], more (how many failed besides these)
    reply: number, text, received_at (ms), opt_out, sending_id
    Numbers are E.164 without +, credits as the API shows them.
    """
    if not _wanted(office, kind, facts) or not whom.may_be_told(tx, office, to):
        return None
    if _too_many(tx, office, kind, to, facts):
        return None
    letter_id = tx.new_id()
    row = {
        "id": letter_id,
        "account_id": office.account_id,
        "installation_id": office.id,
        "mail_id": mail_id,
        "occasion": occasion,
        "kind": kind,
        "to": to,
        "facts": json.dumps(facts, ensure_ascii=False),
        "created_at": tx.now,
        "sent_at": None,
        "given_up_at": None,
    }
    new = tx.upsert(letters).values(**row)
    if not tx.execute(new.on_conflict_do_nothing(index_elements=["installation_id", "occasion"])):
        return None
    jobs.add(tx, office.account_id, JOB, letter_id)
    return letter_id


def _wanted(office: Office, kind: Kind, facts: Facts) -> bool:
    """What people answer is always passed on; the rest as the settings say, and never to who asks for no answer."""
    if kind == "reply":
        return True
    if facts.get("quiet") or office.answers == "none":
        return False
    return office.answers == "all" or kind in ("rejected", "held") or _bad_or_asked(kind, facts)


def _bad_or_asked(kind: Kind, facts: Facts) -> bool:
    if kind == "digest":
        return bool(facts["failed"])  # of who was left out from the start the first letter told
    return bool(facts.get("test")) or any(one["status"] in NOT_SENT for one in facts["people"])


def _too_many(tx: Tx, office: Office, kind: Kind, to: str, facts: Facts) -> bool:
    """One error an hour to one address, and as many questions as a person would answer."""
    if kind not in ("rejected", "held"):
        return False
    _alone(tx, office, to)
    told = [(row.kind, json.loads(row.facts)["code"]) for row in tx.all(_of_last_hour(tx, office, to))]
    asks = _is_question(kind, facts["code"])
    same = [one for one in told if _is_question(*one) is asks]
    return len(same) >= (QUESTIONS_AN_HOUR if asks else ERRORS_AN_HOUR)


def _is_question(kind: str, code: str) -> bool:
    return code in TALK if kind == "rejected" else code not in CAPS


def _of_last_hour(tx: Tx, office: Office, to: str) -> Select[Any]:
    lately = letters.c.created_at > tx.now - HOUR_MS
    mine = (letters.c.installation_id == office.id) & (letters.c.to == to)
    return select(letters.c.kind, letters.c.facts).where(mine, lately, letters.c.kind.in_(("rejected", "held")))


def _alone(tx: Tx, office: Office, to: str) -> None:
    """Until this transaction ends no other one counts the letters to this address. SQLite has one writer."""
    if tx.postgresql:
        name = literal(f"mail2sms/letters/{office.id}/{to}")
        tx.all(select(func.pg_advisory_xact_lock(func.hashtextextended(name, 0))))
