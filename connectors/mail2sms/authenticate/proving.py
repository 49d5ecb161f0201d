"""What a mail proves: its signatures and our server's word, for the domain in From."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from connectors.mail2sms.authenticate import fields, results, signatures
from connectors.mail2sms.authenticate.alignment import Alignment, is_host
from connectors.mail2sms.authenticate.fields import Field, Mail
from connectors.mail2sms.authenticate.resolver import Lookup, NoAnswer
from connectors.mail2sms.authenticate.signatures import Bad, Signature
from connectors.mail2sms.mail import Proof

MOST_READ: Final = 50  # signatures of a mail; whose more are, is nobody's
MOST_CHECKED: Final = 5  # of those that may count
MOST_LETTERS: Final = 300  # of why

Told = tuple[bool, bool]  # our server's word proves it; it says that SPF does


def authenticate(raw: bytes, sender: str, received_at: int, authserv_id: str | None, lookup: Lookup) -> Proof:
    """What a mail proves about who sent it. Whatever the bytes are, it raises nothing.

    sender: the one address of From, as it was read. received_at: ms; what was signed is judged by it. authserv_id: the name of our mail
    server, None where none is trusted. lookup: as `Lookup` says.
    """
    mail = fields.read(raw)
    domain = sender.rpartition("@")[2].lower()
    if mail is None:
        return Proof(why="its headers may be read in more than one way")
    if len(mail.named("from")) != 1 or not is_host(domain):
        return Proof(why="not one From with one domain")
    asked = _Asked(lookup)
    alignment = Alignment(domain, asked)
    signed, why = _signed(mail, alignment, received_at, asked)
    told, spf = _told(mail, alignment, authserv_id) if authserv_id else (False, False)
    aligned = signed is not None or told or spf
    return Proof(
        aligned=aligned,
        covered=signed.covered if signed else frozenset(),
        signed_body=signed.body if signed else "",
        spf=spf,
        signed_at=signed.at if signed else None,
        temporary=asked.silent and not aligned,
        why="; ".join(_found(signed, told=told, spf=spf) or why or ["not signed"])[:MOST_LETTERS],
    )


@dataclass(slots=True)
class _Asked:
    """Name servers, for one mail; `silent` where one did not answer."""

    lookup: Lookup
    silent: bool = field(default=False, init=False)

    def __call__(self, name: str) -> Sequence[bytes]:
        try:
            return self.lookup(name)
        except NoAnswer:
            self.silent = True
            raise


@dataclass(frozen=True, slots=True)
class _Signed:
    """A good signature of the domain in From: which headers it covers, the digest of its body, and when it was made."""

    domain: str
    covered: frozenset[str]
    body: str
    at: int | None


def _signed(mail: Mail, alignment: Alignment, received_at: int, lookup: Lookup) -> tuple[_Signed | None, Sequence[str]]:
    """Of the good and aligned signatures the one that covers most; why the others are none."""
    read = [_read(each, alignment, received_at) for each in mail.named("dkim-signature")[:MOST_READ]]
    candidates = [each for each in read if isinstance(each, Signature)][:MOST_CHECKED]
    looked_at = [_checked(mail, each, alignment, received_at, lookup) for each in candidates]
    good = [each for each in looked_at if isinstance(each, _Signed)]
    why = [each for each in (*read, *looked_at) if isinstance(each, str)]
    return max(good, key=lambda each: len(each.covered), default=None), why


def _read(given: Field, alignment: Alignment, received_at: int) -> Signature | str:
    """A signature that may count, or why it does not. Another organisation's is not even looked at."""
    try:
        read = signatures.read(given, received_at)
    except Bad as bad:
        return f"a signature is bad: {bad}"
    return read if alignment.is_possible(read.domain) else f"signed by {read.domain}, not aligned"


def _checked(mail: Mail, signature: Signature, alignment: Alignment, received_at: int, lookup: Lookup) -> _Signed | str:
    """What a signature proves, or why it proves nothing."""
    try:
        signatures.check(mail, signature, lookup)
        aligned = alignment.holds(signature.domain, "adkim")
    except Bad as bad:
        return f"the signature of {signature.domain} is bad: {bad}"
    except NoAnswer:
        return f"no name server answers for the signature of {signature.domain}"
    if not aligned:
        return f"signed by {signature.domain}, not strictly aligned"
    at = signatures.signed_at(mail, signature, received_at)
    return _Signed(signature.domain, signatures.covered(mail, signature), signatures.body(signature), at)


def _told(mail: Mail, alignment: Alignment, authserv_id: str) -> Told:
    """What our server's word proves."""
    word = results.word(mail, authserv_id)
    try:
        spf = any(alignment.holds(domain, "aspf") for domain in word.spf)
        dkim = any(alignment.holds(domain, "adkim") for domain in word.dkim)
    except NoAnswer:  # it matters where nothing else proves it: `temporary` tells
        spf, dkim = alignment.domain in word.spf, alignment.domain in word.dkim
    return dkim or alignment.domain in word.dmarc, spf


def _found(signed: _Signed | None, *, told: bool, spf: bool) -> Sequence[str]:
    found = {
        f"signed by {signed.domain}" if signed else "": signed is not None,
        "our mail server says so": told,
        "our mail server says that SPF passed": spf,
    }
    return [words for words, holds in found.items() if holds]
