"""What is to be done with a mail, by what it says and proves, and by what is known of its addresses. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from connectors.mail2sms.decide import planning, tiers
from connectors.mail2sms.decide.known import Known, as_id
from connectors.mail2sms.decide.plan import Person, Plan
from connectors.mail2sms.decide.recipients import PEOPLE, Addressed, Recipient
from connectors.mail2sms.decide.tiers import Key, Writer
from connectors.mail2sms.decide.turned import Turned
from connectors.mail2sms.mail import Content, Found, Headers, Read, Wrong
from connectors.mail2sms.settings import Office
from connectors.mail2sms.tokens import CONFIRM, THREAD, Token, is_good

OLD_MS: Final = 24 * 3600 * 1000  # and as far ahead, as clocks may be
EMPTY: Final = frozenset({"no_body", "text_empty"})
OVER: Final[Mapping[str, str]] = {THREAD: "thread_over", CONFIRM: "confirm_over"}


@dataclass(frozen=True, slots=True)
class Case:
    """A mail that somebody meant, with all that is known of it."""

    office: Office
    read: Read
    headers: Headers
    found: Found
    of: Addressed
    known: Known

    @property
    def writer(self) -> Writer:
        proof, sender = self.read.proof, self.headers.sender
        return Writer(sender, proof.aligned, self.office.allows(sender), proof.temporary and not proof.aligned)


@dataclass(frozen=True, slots=True)
class Refuse:
    """It is not sent; or, by its code, not now."""

    wrong: Wrong


@dataclass(frozen=True, slots=True)
class Confirm:
    """It answers the question whether a held mail is meant."""

    mail_id: str


@dataclass(frozen=True, slots=True)
class Send:
    """It is sent, unless something that only the transaction knows is in the way. hold: why it waits for a word of its sender."""

    plan: Plan
    hold: Wrong | None


Verdict = Refuse | Confirm | Send


@dataclass(frozen=True, slots=True)
class Judged:
    """Who wrote, which tokens let it in, and what is to be done."""

    writer: Writer
    keys: tuple[Key, ...]
    verdict: Verdict

    @property
    def answerable(self) -> bool:
        """Whether who wrote is known, and may be told: other addresses may be made up."""
        return self.writer.proven or (self.writer.allowed and bool(self.keys))


def ignored(office: Office, headers: Headers) -> str | None:
    """Why nobody meant this mail (a code of `refusals`); None where somebody did, or a machine that is expected to write."""
    code = headers.automatic or ("automatic" if headers.generated else None)
    expected = code == "system_sender" or (code == "automatic" and headers.generated)
    return None if expected and office.is_machine(headers.sender) else code


def judge(case: Case) -> Judged:
    """The verdict."""
    keys: dict[str, Key] = {}
    try:
        verdict = _verdict(case, keys)
    except Turned as why:
        verdict = Refuse(why.wrong)
    return Judged(case.writer, tuple(dict.fromkeys(keys.values())), verdict)


def _verdict(case: Case, keys: dict[str, Key]) -> Verdict:
    """Puts the tokens that are good into `keys`, by the addresses that they stand in. Raises Turned."""
    for recipient in case.of.recipients:
        token = _token(recipient, case.known)
        if token is not None and token.kind == CONFIRM:
            return _confirm(case.writer, recipient, token)
        if token is not None:
            keys[recipient.text] = _key(recipient, token, case.known)
    if not case.writer.trusted and not keys:
        raise Turned(tiers.refusal(case.writer, None))
    _check_addresses(case)
    people = [(one, planning.person(one, case.known)) for one in case.of.recipients if one.address.kind in PEOPLE]
    tier = _tier(case, keys, people)
    plan = planning.plan(case.office, case.known, case.of, case.headers, _content(case), people, case.read.proof)
    if case.writer.trusted:
        return Send(replace(plan, tier=tier), _hold(case, keys))
    by_number = {person.number: keys[one.text].id for one, person in people}
    people_by_token = tuple(replace(person, token_id=by_number[person.number]) for person in plan.people)
    return Send(replace(plan, tier=tier, people=people_by_token), None)


def _token(recipient: Recipient, known: Known) -> Token | None:
    """The token of an address, if it has one. Raises Turned where that is not good."""
    if recipient.address.token is None:
        return None
    token = known.tokens.get(recipient.address.token)
    if token is None:
        raise Turned(Wrong("token_wrong"))
    if not is_good(token, known.now):
        raise Turned(Wrong(OVER.get(token.kind, "token_expired")))
    return token


def _key(recipient: Recipient, token: Token, known: Known) -> Key:
    """What a token is good for. One of a conversation is good for its person, from the address that the conversation is with."""
    if token.kind != THREAD:
        return Key(token.id, token.recipients)
    thread = known.thread(token.sending_id)
    if thread is None:
        raise Turned(Wrong("thread_over"))
    if recipient.address.kind == "thread" and as_id(recipient.address.value) != thread.id:
        raise Turned(Wrong("token_wrong"))
    return Key(token.id, frozenset({thread.number}), thread.sender)


def _confirm(writer: Writer, recipient: Recipient, token: Token) -> Confirm:
    """Only a proven allowed sender lets a held mail go."""
    if not writer.trusted:
        raise Turned(tiers.refusal(writer, None))
    if recipient.address.kind != "thread" or token.mail_id is None or as_id(recipient.address.value) != token.mail_id:
        raise Turned(Wrong("token_wrong"))
    return Confirm(token.mail_id)


def _check_addresses(case: Case) -> None:
    of, office = case.of, case.office
    if of.wrong is not None:
        raise Turned(of.wrong)
    if of.recipients or (of.template and _rows(case)):
        return
    own = office.gateway if office.local else None  # a mailbox is somebody; no-reply is nobody
    if of.nobody is not None and of.nobody.text.lower() != own:
        raise Turned(Wrong("nobody"))
    raise Turned(Wrong("no_recipient", {"domain": office.domain, "prefix": office.prefix}))


def _tier(case: Case, keys: Mapping[str, Key], people: Sequence[tuple[Recipient, Person]]) -> int:
    """The lowest of its recipients'. Raises Turned where it is not enough for one of them."""
    found: list[int] = []
    for recipient, person in people:
        key = keys.get(recipient.text)
        found.append(tiers.tier(case.writer, key, person.number))
        if not found[-1]:
            raise Turned(tiers.refusal(case.writer, key))
    if len(people) == len(case.of.recipients) and people:
        return min(found)
    if not case.writer.trusted:
        raise Turned(Wrong("needs_proof"))
    return min([*found, 2])


def _content(case: Case) -> Content:
    """What it says; of a mail to a template, whatever that is."""
    content = case.read.parsed.content
    if isinstance(content, Content):
        return content
    if case.of.template is not None and content.code in EMPTY:
        return Content("", "")
    raise Turned(content)


def _rows(case: Case) -> bool:
    content = case.read.parsed.content
    return isinstance(content, Content) and bool(content.rows)


def _hold(case: Case, keys: Mapping[str, Key]) -> Wrong | None:
    """Whether somebody else may have sent it on: what a signature covers proves nothing of the envelope (RFC 6376 section 8.6).

    A domain that SPF passes for has sent it itself, and just now. A token in an address was written by who knows it.
    """
    proof = case.read.proof
    if proof.spf:
        return None
    named = [*case.of.recipients, *filter(None, [case.of.template])]
    if any(recipient.text not in keys and not recipient.shown for recipient in named):
        return Wrong("held_unsigned_recipient")
    anybodys = proof.signed_at is None and bool(proof.covered) and "date" not in proof.covered
    at = case.headers.date if proof.signed_at is None else proof.signed_at
    if anybodys or (at is not None and abs(case.found.received_at - at) > OLD_MS):
        return Wrong("held_old_signature")
    return None
