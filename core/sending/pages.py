"""A page of recipients, composed: what it costs and whom it leaves out. Campaigns and quotes read the same pages, so they can't differ."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import itemgetter
from typing import Any, NamedTuple

from core.accounts import Account
from core.blacklist import entries as blacklist
from core.copying import Rows
from core.errors import Refused
from core.runtime import Tx
from core.sending import recipients
from core.sending.recipients import Drop, Recipient, Source
from core.sending.terms import Terms
from core.text.compose import Size, compose, merged
from core.text.merge import Template


class Kind(NamedTuple):
    """What messages of one page have in common; nearly all of them are of one or two kinds."""

    country: str
    size: Size
    stopped: bool  # their numbers are on the blacklist

    @property
    def millicredits(self) -> int:
        """The price of each: who opted out costs nothing."""
        return 0 if self.stopped else self.size.millicredits


@dataclass(frozen=True, slots=True)
class Composed:
    """The recipients between two numbers with their texts, by kind; None for `position` when there are no more."""

    after: int
    position: int | None
    terms: Terms
    kinds: Mapping[Kind, Rows]  # of each `number`, in their order, and `text`
    drops: Sequence[Drop]

    @property
    def count(self) -> int:
        """How many messages it will be."""
        return sum(map(len, self.kinds.values()))


Write = Callable[[Recipient], tuple[str, Size]]


def read(
    tx: Tx, account: Account, terms: Terms, sources: Sequence[Source], after: int, size: int = recipients.PAGE
) -> Composed:
    """The next page after a number."""
    page = recipients.walk(sources, after, size)
    stopped = _stopped(tx, account, terms, page.recipients)
    write = _writer(terms)
    kinds: dict[tuple[str, Size, bool], tuple[list[int], list[str]]] = defaultdict(lambda: ([], []))
    drops = list(page.drops)
    for person in page.recipients:
        number = person[0]
        try:
            text, taken = write(person)
        except Refused as refusal:
            drops.append(Drop(f"+{number}", refusal.code, refusal.detail))
            continue
        numbers, texts = kinds[person[1], taken, number in stopped]
        numbers.append(number)
        texts.append(text)
    made = {Kind(*key): Rows({"number": numbers, "text": texts}) for key, (numbers, texts) in kinds.items()}
    return Composed(after, page.position, terms, made, drops)


def _stopped(tx: Tx, account: Account, terms: Terms, people: Sequence[Recipient]) -> set[int]:
    """A one-time password is what somebody waits for: it passes opt-outs."""
    if terms.purpose == "otp":
        return set()
    return blacklist.screen(tx, blacklist.scopes_of(tx, account.id), [person.number for person in people])


def _writer(terms: Terms) -> Write:
    """How each recipient's text is made."""
    plan = terms.plan
    if not plan.template.names:

        def same(person: Recipient) -> tuple[str, Size]:
            known = compose(plan, person.number, person.country, {})
            return known.text, known.size

        return same
    pick = _picker(plan.template)

    def own(person: Recipient) -> tuple[str, Size]:
        values = pick(person)
        return merged(plan, person[1], tuple([value or "" for value in values]) if None in values else values)

    return own


def _picker(template: Template) -> Callable[[Recipient], tuple[Any, ...]]:
    """The values of the template's fields, in their order."""
    places = [recipients.FIELDS.index(name) for name in template.names]
    if len(places) == 1:
        return lambda person: (person[places[0]],)
    return itemgetter(*places)
