"""What an answer of a provider means. Pure: this table is what keeps a message from being lost or sent twice."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import quote, urlencode

from core.carriers import http_template as template
from core.carriers.contract import (
    HELD_UP,
    LONGEST_REF,
    Accepted,
    Ambiguous,
    Attempt,
    Busy,
    Found,
    Lookup,
    NotFound,
    Outcome,
    Rejected,
    held_up,
)
from core.carriers.http_settings import LookupRules, Provider, Rule
from core.carriers.pointer import MISSING, text_at

LONGEST_RETRY_MS: Final = 3_600_000
LONGEST_CODE: Final = 64


@dataclass(frozen=True, slots=True)
class Request:
    """What goes out."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back; `document` is the JSON value of its body, MISSING if it is none. Header names are in lower case."""

    status: int
    headers: Mapping[str, str]
    document: object


@dataclass(frozen=True, slots=True)
class Grounded:
    """Not a byte of the request left: definitely not taken. HELD_UP: its time to leave was over."""

    code: str


@dataclass(frozen=True, slots=True)
class Lost:
    """Bytes left, and no whole answer came."""

    code: str


Landing = Answer | Grounded | Lost


def request(provider: Provider, attempt: Attempt) -> Request:
    """The request that hands over a message."""
    values = template.of_attempt(attempt, provider.encodings)
    pairs = [(name, template.fill(text, values)) for name, text in provider.query.items()]
    url = _with_query(template.fill(provider.url, values, _quoted), pairs)
    headers = {name: template.fill(text, values) for name, text in provider.headers.items()}
    if provider.body is None:
        return Request(provider.method, url, headers)
    kind, body = _body(provider, values)
    own_kind = any(name.lower() == "content-type" for name in headers)
    return Request(provider.method, url, headers if own_kind else headers | {"Content-Type": kind}, body)


def question(provider: Provider, rules: LookupRules, reference: str) -> Request:
    """The request that asks what became of a reference. It goes with the headers that name no message."""
    values = {"reference": reference}
    headers = {name: template.fill(text, values) for name, text in provider.headers.items() if _fixed(text, values)}
    return Request("GET", template.fill(rules.url, values, _quoted), headers)


def outcome(provider: Provider, reference: str, landing: Landing, now: int) -> Outcome:
    """What became of a message.

    Refusals are looked for first, since many providers refuse with status 200. What no rule knows is Ambiguous: an
    unknown 5xx may come from a proxy behind which the message was taken.
    """
    if isinstance(landing, Grounded):
        late = landing.code == HELD_UP
        return held_up(reference) if late else Busy(reference, provider.retry_after_ms, landing.code)
    if isinstance(landing, Lost):
        return Ambiguous(reference, landing.code)
    code = (text_at(landing.document, provider.code) or f"http_{landing.status}")[:LONGEST_CODE]
    for rule in provider.busy:
        if matches(rule, landing):
            return Busy(
                reference, _retry_after_ms(landing, _or(rule.retry_after_ms, provider.retry_after_ms), now), code
            )
    if any(matches(rule, landing) for rule in provider.reject):
        return Rejected(reference, code)
    if matches(provider.accept, landing):
        return _accepted(provider, reference, landing)
    return Ambiguous(reference, code)


def found(rules: LookupRules, reference: str, landing: Landing) -> Lookup | None:
    """What a look-up told; None when it told nothing."""
    if not isinstance(landing, Answer):
        return None
    if matches(rules.found, landing):
        return Found(reference, id_at(landing.document, rules.id))
    return NotFound(reference) if matches(rules.not_found, landing) else None


def matches(rule: Rule, answer: Answer) -> bool:
    """Whether the status and what stands at the path are what the rule asks for."""
    if rule.statuses is not None and answer.status not in rule.statuses:
        return False
    return rule.path is None or is_among(answer.document, rule)


def is_among(document: object, rule: Rule) -> bool:
    """Whether one of the rule's values (or, if it names none, any) stands at its path."""
    there = text_at(document, rule.path)
    return there is not None and (rule.values is None or there in rule.values)


def id_at(document: object, pointer: str | None) -> str | None:
    """The id that stands there, cut the same wherever it is told: in answers, look-ups and receipts."""
    text = text_at(document, pointer)
    return None if text is None else text[:LONGEST_REF]


def document(body: bytes | None) -> object:
    """The JSON value of a body, MISSING when it is none."""
    try:
        return MISSING if body is None else json.loads(body)
    except (ValueError, RecursionError):
        return MISSING


def _accepted(provider: Provider, reference: str, answer: Answer) -> Outcome:
    """A success that lacks the id it should have may be a page of somebody else's: by the setting, that is not believed."""
    own_id = id_at(answer.document, provider.id)
    if own_id is None and provider.id is not None and provider.id_missing == "ambiguous":
        return Ambiguous(reference, "no_id")
    return Accepted(reference, own_id)


def _retry_after_ms(answer: Answer, default_ms: int, now: int) -> int:
    """Retry-After in seconds or as a date (RFC 9110 section 10.2.3), at most an hour."""
    said = answer.headers.get("retry-after", "").strip()
    if said.isdecimal() and said.isascii():
        return min(int(said[:9]) * 1000, LONGEST_RETRY_MS)
    try:
        date = parsedate_to_datetime(said)
    except ValueError:
        return default_ms
    moment = date if date.tzinfo else date.replace(tzinfo=UTC)
    return min(max(int(moment.timestamp() * 1000) - now, 0), LONGEST_RETRY_MS)


def _or(given: int | None, default: int) -> int:
    return default if given is None else given


def _body(provider: Provider, values: Mapping[str, template.Scalar]) -> tuple[str, bytes]:
    filled = template.shaped(provider.body, values)
    if provider.body_type == "json":
        return "application/json", json.dumps(filled).encode()
    fields = [(name, template.written(item)) for name, item in filled.items()]
    return "application/x-www-form-urlencoded", urlencode(fields, errors="replace").encode()


def _fixed(text: template.Template, values: Mapping[str, template.Scalar]) -> bool:
    return all(isinstance(part, str) or part.name in values for part in text.parts)


def _with_query(url: str, pairs: list[tuple[str, str]]) -> str:
    if not pairs:
        return url
    return f"{url}{'&' if '?' in url else '?'}{urlencode(pairs, quote_via=quote, errors='replace')}"


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="replace")
