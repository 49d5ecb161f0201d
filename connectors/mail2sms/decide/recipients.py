"""Whom a mail is for: which of its addresses are ours, and which of them its signature vouches for. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from connectors.mail2sms.mail import Address, Found, Headers, Legacy, Options, Proof, Wrong
from connectors.mail2sms.parse import address
from connectors.mail2sms.settings import Office

PEOPLE: Final = frozenset({"number", "thread"})
CROWDS: Final = frozenset({"group", "list"})


@dataclass(frozen=True, slots=True)
class Recipient:
    """An address of ours. shown: it stands in a To or Cc that was signed. Of what only our mail server saw signed, that is not known."""

    text: str
    address: Address
    shown: bool


@dataclass(frozen=True, slots=True)
class Addressed:
    """The addresses of a mail that are ours. template: the one that says which text. wrong: the first that means nothing here.

    nobody: the first that no mail is for.
    """

    recipients: tuple[Recipient, ...] = ()
    template: Recipient | None = None
    wrong: Wrong | None = None
    nobody: Recipient | None = None


def addressed(office: Office, found: Found, headers: Headers, proof: Proof, legacy: Legacy | None) -> Addressed:
    """Where an SMTP session said whom it is for, they are; where our mail server wrote it into the mail, they are; else To and Cc."""
    written = (*headers.to, *headers.cc)
    signed = frozenset(text.lower() for text in _vouched(headers, proof))
    here = _sorted(office, found.envelope or _delivered(office, headers) or written, signed)
    everywhere = _sorted(office, written, signed)
    template = here.template or everywhere.template
    if legacy is not None and not here.recipients:
        return replace(here, recipients=tuple(_of_subject(legacy)), wrong=None, template=template)
    if here.template is not None and not here.recipients:
        here = replace(here, recipients=everywhere.recipients)  # a copy for the template alone: the others say to whom
    return replace(here, template=template)


def _vouched(headers: Headers, proof: Proof) -> Iterator[str]:
    if "to" in proof.covered:
        yield from headers.to
    if "cc" in proof.covered:
        yield from headers.cc


def _delivered(office: Office, headers: Headers) -> Sequence[str]:
    """What our mail server wrote, where it says more than which mailbox it is: that has a name of its own, in our domain too."""
    read = ((text, address.read(text, office.local, office.domain)) for text in headers.delivered_to)
    return [text for text, one in read if isinstance(one, Address) and one.kind != "nobody"]


def _sorted(office: Office, texts: Iterable[str], signed: frozenset[str]) -> Addressed:
    recipients: list[Recipient] = []
    found = Addressed()
    for text in dict.fromkeys(texts):
        one = address.read(text, office.local, office.domain)
        if one is None:
            continue
        if isinstance(one, Wrong):
            found = replace(found, wrong=found.wrong or one)
            continue
        recipient = Recipient(text, one, text.lower() in signed)
        if one.kind == "template":
            found = replace(found, template=found.template or recipient)
        elif one.kind == "nobody":
            found = replace(found, nobody=found.nobody or recipient)
        else:
            recipients.append(recipient)
    return replace(found, recipients=tuple(recipients))


def _of_subject(legacy: Legacy) -> Iterator[Recipient]:
    """The numbers of an old subject, as addresses that its password is the token of."""
    options = Options(sender=legacy.sender)
    for number in legacy.numbers:
        yield Recipient(number, Address("number", number, legacy.password, options), shown=False)
