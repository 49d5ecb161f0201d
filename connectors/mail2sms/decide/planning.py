"""From addresses and text to a plan. Pure."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Final

from connectors.mail2sms.decide import keys, lists, options
from connectors.mail2sms.decide.known import Known
from connectors.mail2sms.decide.plan import Group, Manner, Person, Plan
from connectors.mail2sms.decide.recipients import Addressed, Recipient
from connectors.mail2sms.decide.turned import Turned, too_long
from connectors.mail2sms.mail import Content, Headers, Options, Proof, Wrong
from connectors.mail2sms.settings import Office
from core import Refused, gsm, number

MOST_PEOPLE: Final = 50  # by addresses of one mail
NAME: Final = "Mail"  # of a campaign whose mail has no subject

Named = Sequence[tuple[Recipient, Person]]


def person(recipient: Recipient, known: Known) -> Person:
    """Whom an address names. Raises Turned where it is a conversation that is no more."""
    value = recipient.address.value
    if recipient.address.kind == "thread":
        thread = known.thread(value)
        if thread is None:
            raise Turned(Wrong("thread_over"))
        return Person(value, thread.number)
    try:
        return Person(value, number.parse(value, known.account.region).value)
    except Refused as refusal:
        return Person(value, None, code=refusal.code, why=refusal.detail)


def plan(
    office: Office, known: Known, of: Addressed, headers: Headers, content: Content, named: Named, proof: Proof
) -> Plan:
    """What is sent to whom. Raises Turned where that can't be."""
    people = _people(office, known, content, named)
    groups = tuple(_groups(known, of))
    wants_list = any(recipient.address.kind == "list" for recipient in of.recipients) or not (people or groups)
    rows = lists.recipients(content.rows, known.account.region) if wants_list else ()
    text = content.text if of.template is None else _template(known, of.template)
    said = options.together([*(one.address.options for one in _all(of)), content.said])
    most = min([office.max_segments, *(one.max_segments for one in _said(of, content) if one.max_segments)])
    digest = content.digest or hashlib.sha256(text.encode()).hexdigest()
    made = Plan(
        text=text,
        mail=keys.identity(headers, digest, proof),
        digest=digest,
        name=headers.subject.strip() or NAME,
        people=people,
        groups=groups,
        rows=rows,
        listed=lists.textable(rows, known.account.region),
        manner=_manner(office, known, said),
        template=of.template is not None,
        most_segments=most,
        test=said.test,
    )
    _check_numbers(made)
    _check_text(made)
    return made


def _people(office: Office, known: Known, content: Content, named: Named) -> tuple[Person, ...]:
    """Each number once, by the first address that names it."""
    found: dict[int | str, Person] = {}
    for recipient, one in named:
        said = options.together([recipient.address.options, content.said])
        found.setdefault(one.shown, replace(one, manner=_manner(office, known, said)))
    if len(found) > MOST_PEOPLE:
        raise Turned(Wrong("too_many_recipients", {"count": len(found), "most": MOST_PEOPLE}))
    return tuple(found.values())


def _groups(known: Known, of: Addressed) -> Iterator[Group]:
    slugs = dict.fromkeys(one.address.value for one in of.recipients if one.address.kind == "group")
    for slug in slugs:
        if slug not in known.groups:
            raise Turned(Wrong("group_unknown", {"slug": slug}))
        yield known.groups[slug]


def _template(known: Known, named: Recipient) -> str:
    if known.template is None:
        raise Turned(Wrong("template_unknown", {"slug": named.address.value}))
    return known.template


def _manner(office: Office, known: Known, said: Options) -> Manner:
    read = options.manner(said, office.purpose, known.account.zone, known.senders)
    if isinstance(read, Wrong):
        raise Turned(read)
    return read


def _check_text(made: Plan) -> None:
    """Before anything is asked of the database: a text that is too long is so whoever pays for it."""
    if not made.text.strip():
        raise Turned(Wrong("text_empty"))
    segments = gsm.size(made.text).segments
    if segments > made.most_segments:
        raise too_long(segments, made.most_segments)


def _check_numbers(made: Plan) -> None:
    """One of several that can't be texted is told with the others; where there are no others, nothing is sent."""
    wrong = next((one for one in made.people if one.number is None), None)
    if wrong is not None and not made.groups and not made.rows and all(one.number is None for one in made.people):
        raise Turned(Wrong("number_invalid", {"number": wrong.given, "why": wrong.why, "reason": wrong.code}))


def _all(of: Addressed) -> Iterator[Recipient]:
    yield from of.recipients
    if of.template is not None:
        yield of.template


def _said(of: Addressed, content: Content) -> Iterator[Options]:
    yield from (one.address.options for one in _all(of))
    yield content.said
