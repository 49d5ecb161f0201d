"""Drafts looked at one by one and together, before any money is asked for: number, terms, text, blacklist.

What is left are heaps of drafts that will be messages that are alike.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from core import number
from core.blacklist.screening import screen_each
from core.errors import Refused
from core.runtime import Tx
from core.sending.drafts import Alike
from core.sending.terms import Terms, check_text, settle_for_all
from core.text.compose import Size, plain

Refusals = dict[int, Refused]  # by place


class People(NamedTuple):
    """Whom drafts go to, and with which text."""

    places: list[int]
    numbers: list[int]
    texts: list[str]
    references: list[str | None]

    def picked(self, which: Sequence[int]) -> "People":
        """Those that stand here in the lists."""
        places, numbers, texts, references = self
        return People(
            [places[at] for at in which],
            [numbers[at] for at in which],
            [texts[at] for at in which],
            [references[at] for at in which],
        )

    def part(self, start: int, end: int) -> "People":
        """Those from one place of the lists up to another."""
        places, numbers, texts, references = self
        return People(places[start:end], numbers[start:end], texts[start:end], references[start:end])


@dataclass(frozen=True, slots=True)
class Ready:
    """Drafts that have passed every check that needs no other, and will be messages that are alike."""

    asked: Alike
    terms: Terms
    country: str
    size: Size
    people: People
    stopped: bool = False  # they are on the blacklist, and what they are sent for heeds it

    @property
    def account_id(self) -> str:
        return self.asked.account.id

    def status(self, now: int) -> str:
        """What they are born as."""
        if self.stopped:
            return "blacklisted"
        return "scheduled" if (self.asked.manner.send_at or 0) > now else "queued"

    def without(self, refused: Mapping[int, Refused]) -> "Ready":
        """Those that are not refused."""
        if refused.keys().isdisjoint(self.people.places):
            return self
        left = [at for at, place in enumerate(self.people.places) if place not in refused]
        return replace(self, people=self.people.picked(left))


def ready(tx: Tx, asked: Iterable[Alike], refused: Refusals) -> list[Ready]:
    """The drafts that stand on their own; the refusals of the others go into their places."""
    known: dict[tuple[object, ...], _Composer] = {}
    return _screened(tx, [one for alike in asked for one in _read(alike, _composer(tx, alike, known), refused)])


class _Composer:
    """The texts of drafts that have one sender, purpose and mention, each composed once for a country."""

    __slots__ = ("_made", "terms")

    def __init__(self, terms: Terms | Refused) -> None:
        self.terms = terms
        self._made: dict[tuple[str, str], tuple[str, Size]] = {}

    def compose(self, text: str, country: str) -> tuple[str, Size]:
        """The text as it is sent there, and its size."""
        if isinstance(self.terms, Refused):
            raise self.terms
        made = self._made.get((text, country))
        if made is None:
            try:
                made = self._made[text, country] = plain(self.terms.plan, country, text)
            except Refused as refusal:
                raise refusal.about("/to" if refusal.code == "unpriced_country" else "/text") from None
        return made


def _composer(tx: Tx, alike: Alike, known: dict[tuple[object, ...], _Composer]) -> _Composer:
    """Whenever drafts are to go, and however long they are worth it, their terms are the same."""
    manner = alike.manner
    key = (alike.account.id, manner.sender, manner.purpose, manner.stop)
    if key not in known:
        terms: Terms | Refused
        try:
            terms = settle_for_all(tx, alike.account, sender=manner.sender, purpose=manner.purpose, stop=manner.stop)
        except Refused as refusal:
            terms = refusal
        known[key] = _Composer(terms)
    return known[key]


def _read(alike: Alike, composer: _Composer, refused: Refusals) -> Iterator[Ready]:
    """The drafts that stand on their own, by what their messages will have in common; the refusals of the others go into their places."""
    read, sorting = number.reader(alike.account.region), _Sorting(composer)
    for place, to, text, reference in zip(*alike.columns, strict=True):
        try:
            by_country = sorting.texts.get(text) or sorting.begin(text)
            try:
                value, country = read(to)
            except Refused as refusal:
                raise refusal.about("/to") from None
            whole, people = by_country.get(country) or sorting.add(text, country)
        except Refused as refusal:
            refused[place] = refusal
            continue
        people.places.append(place)
        people.numbers.append(value)
        people.texts.append(whole)
        people.references.append(reference)
    terms = composer.terms
    if isinstance(terms, Terms):
        yield from (Ready(alike, terms, country, size, people) for (country, size), people in sorting.heaps.items())


class _Sorting:
    """The texts of drafts that have one manner, by country, and whom texts of one size go to.

    Refusals come in the order that one draft has them in.
    """

    __slots__ = ("_composer", "heaps", "texts")

    def __init__(self, composer: _Composer) -> None:
        self._composer = composer
        self.texts: dict[str, dict[str, tuple[str, People]]] = {}
        self.heaps: dict[tuple[str, Size], People] = {}

    def begin(self, text: str) -> dict[str, tuple[str, People]]:
        """Where the text is kept by country, unless it may not be sent anywhere."""
        check_text(text)
        if isinstance(self._composer.terms, Refused):
            raise self._composer.terms
        return self.texts.setdefault(text, {})

    def add(self, text: str, country: str) -> tuple[str, People]:
        """The text as it is sent there, and the others whose texts are of its size."""
        whole, size = self._composer.compose(text, country)
        made = self.texts[text][country] = (whole, self.heaps.setdefault((country, size), People([], [], [], [])))
        return made


def _screened(tx: Tx, read: Sequence[Ready]) -> list[Ready]:
    """The same, those on the blacklist apart. A one-time password is what somebody waits for: it passes opt-outs."""
    wanted: dict[str, set[int]] = defaultdict(set)
    for one in read:
        if one.terms.purpose != "otp":
            wanted[one.account_id].update(one.people.numbers)
    stopped = screen_each(tx, wanted)
    return [part for one in read for part in _parted(one, stopped.get(one.account_id, set()))]


def _parted(one: Ready, stopped: set[int]) -> Iterator[Ready]:
    if one.terms.purpose == "otp" or stopped.isdisjoint(one.people.numbers):
        yield one
        return
    for theirs in (True, False):
        people = one.people.picked([at for at, value in enumerate(one.people.numbers) if (value in stopped) == theirs])
        if people.places:
            yield replace(one, people=people, stopped=theirs)
