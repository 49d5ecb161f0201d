"""From a draft and a recipient to the text that is sent and its price.

Quotes and sends both come through here, which is why they cannot differ.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from core.credits.tariff import Tariff
from core.errors import Refused
from core.text import gsm, merge
from core.text.gsm import Encoding, Sizing
from core.text.mention import Mentions
from core.text.merge import Template

MOST_SEGMENTS = 10
EURO_TO_E = "euro_to_e"

_is_sendable = re.compile("[\x01-\ud7ff\ue000-\U0010ffff]*+").fullmatch


class Size(NamedTuple):
    """What a text takes and costs; `substitutions` has codes of what was changed to save money."""

    encoding: Encoding
    segments: int
    millicredits: int
    substitutions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Composed:
    """One recipient's text as it is sent, and its price; `substitutions` has codes of what was changed to save money."""

    text: str
    encoding: Encoding
    segments: int
    millicredits: int
    substitutions: tuple[str, ...]

    @property
    def size(self) -> Size:
        return Size(self.encoding, self.segments, self.millicredits, self.substitutions)


@dataclass(frozen=True, slots=True)
class _Frame:
    """A country's template with its mention where that is the same for everyone, and the sizes of the plain texts it made, by length."""

    form: str
    sizes: dict[int, Size] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Plan:
    """All that the recipients of a draft have in common. Made once a draft, since it remembers what it composed."""

    template: Template
    mention: bool
    mentions: Mentions
    tariff: Tariff
    purpose: str
    by_country: dict[str, Composed] = field(default_factory=dict, init=False, repr=False, compare=False)
    frames: dict[str, _Frame | None] = field(default_factory=dict, init=False, repr=False, compare=False)


def compose(plan: Plan, number: int, country: str, fields: Mapping[str, str | None]) -> Composed:
    """The text for one number (E.164 digits) of a country (ISO 3166-1 alpha-2), and its price.

    Raises Refused: `text_empty`, `text_invalid`, `text_too_long` or `unpriced_country`.
    """
    if plan.template.names:
        text, size = merged(plan, country, merge.values(plan.template, fields))
        return Composed(text, *size)
    known = plan.by_country.get(country)
    if known is None:
        text, size = _compose(plan, country, plan.template.text)
        known = plan.by_country[country] = Composed(text, *size)
    return known


def plain(plan: Plan, country: str, text: str) -> tuple[str, Size]:
    """The same for a text without fields that is not the plan's own: drafts with many texts have the rest of their plan in common."""
    return _compose(plan, country, text)


def merged(plan: Plan, country: str, values: tuple[str, ...]) -> tuple[str, Size]:
    """The same for the values of the template's fields, in their order: a text, and the size that many texts share."""
    frame = plan.frames[country] if country in plan.frames else _frame(plan, country)
    if frame is not None:
        text = frame.form % values
        if gsm.plain(text):
            return text, frame.sizes.get(len(text)) or _measured(plan, country, frame, text)
    return _compose(plan, country, merge.render(plan.template, values))


def _frame(plan: Plan, country: str) -> _Frame | None:
    """None where a text may be empty, or whether it ends in its mention already depends on the values."""
    ending, form = plan.template.ending.rstrip(), plan.template.form
    more: str | None = "" if ending else None
    if ending and plan.mention:
        form, more = form.rstrip(), plan.mentions.after(ending, country)
    plan.frames[country] = None if more is None else _Frame(form + more.replace("%", "%%"))
    return plan.frames[country]


def _measured(plan: Plan, country: str, frame: _Frame, text: str) -> Size:
    """Plain texts of one length are of one size."""
    _, size = _sized(plan, country, text)
    frame.sizes[len(text)] = size
    return size


def _compose(plan: Plan, country: str, text: str) -> tuple[str, Size]:
    if not text or text.isspace():
        raise Refused("text_empty", "The text is empty.")
    return _sized(plan, country, plan.mentions.append(text, country) if plan.mention else text)


def _sized(plan: Plan, country: str, whole: str) -> tuple[str, Size]:
    text, sizing = _without_costly_euros(whole, gsm.size(whole))
    _check(text, sizing)
    price = sizing.segments * _price(plan, country)
    return text, Size(sizing.encoding, sizing.segments, price, () if text is whole else (EURO_TO_E,))


def _without_costly_euros(text: str, sizing: Sizing) -> tuple[str, Sizing]:
    """A euro sign takes two septets. Where that costs a segment, every one becomes an E; in UCS-2 nothing is gained."""
    if sizing.segments == 1 or sizing.encoding != "gsm7" or "€" not in text:
        return text, sizing
    shorter = text.replace("€", "E")
    smaller = gsm.size(shorter)
    return (shorter, smaller) if smaller.segments < sizing.segments else (text, sizing)


def _check(text: str, sizing: Sizing) -> None:
    # Neither NUL nor half a surrogate pair is in the GSM alphabet: only UCS-2 can hold them.
    if sizing.encoding == "ucs2" and not _is_sendable(text):
        raise Refused(
            "text_invalid", "The text holds a character that cannot be sent (NUL, or half of a surrogate pair)."
        )
    if sizing.segments > MOST_SEGMENTS:
        detail = f"The text takes {sizing.segments} segments; the most is {MOST_SEGMENTS}."
        raise Refused("text_too_long", detail, facts={"segments": sizing.segments})


def _price(plan: Plan, country: str) -> int:
    price = plan.tariff.price(country, plan.purpose)
    if price is None:
        raise Refused("unpriced_country", f"There is no price for {country}: messages to it can't be sent.")
    return price
