"""An HTTP provider as its entry of SMSHUB_CARRIERS describes it: read once, so that sending only fills in."""

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, cast
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, available_timezones

from core.carriers import http_template as template
from core.carriers.contract import ReceiptStatus
from core.carriers.http_template import ALL, PLAIN, Scalar, Template
from core.errors import Fault

CONNECT_MS: Final = 5_000
READ_MS: Final = 15_000
RETRY_AFTER_S: Final = 10
CONCURRENCY: Final = 8
# The provider says that it did not take the message and that the message is not to blame (keys, money, address, pace), or that it is.
BUSY: Final = frozenset({401, 402, 403, 404, 405, 429})
REJECT: Final = frozenset({400, 413, 422})
ACCEPT: Final = frozenset({200, 201, 202})

_URL: Final = re.compile(r"https?://[^/?#{}@\s]+(?P<path>/[^?#\s]*)?(?P<query>\?[^#\s]*)?", re.ASCII)
_HEADER: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # a token of RFC 9110 section 5.6.2
_HEADER_VALUE: Final = re.compile(r"[\x21-\x7e]([\x20-\x7e\t]*[\x21-\x7e])?")

Entry = Mapping[str, Any]
Read = Literal["json", "form", "query"]


@dataclass(frozen=True, slots=True)
class Rule:
    """What an answer must be to count: of these statuses (None: any), and with one of these values at a path (None: any value)."""

    statuses: frozenset[int] | None = None
    path: str | None = None
    values: frozenset[str] | None = None
    retry_after_ms: int | None = None


@dataclass(frozen=True, slots=True)
class LookupRules:
    """How to ask what became of a reference."""

    url: Template
    found: Rule
    not_found: Rule
    id: str | None


@dataclass(frozen=True, slots=True)
class ReceiptRules:
    """How to read receipts; `otherwise` is what a status that is not in `statuses` means, None: nothing."""

    read: Read
    each: str | None
    when: Rule | None
    id: str | None
    reference: str | None
    status: str
    statuses: Mapping[str, ReceiptStatus]
    otherwise: ReceiptStatus | None
    code: str | None
    time: str | None
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class ReplyRules:
    """How to read replies."""

    read: Read
    each: str | None
    when: Rule | None
    sender: str
    to: str
    text: str
    id: str | None
    time: str | None
    zone: ZoneInfo


@dataclass(frozen=True, slots=True)
class Provider:
    """An HTTP provider. Secrets stay out of its repr."""

    name: str
    method: str
    url: Template = field(repr=False)
    query: Mapping[str, Template] = field(repr=False)
    headers: Mapping[str, Template] = field(repr=False)
    body: Any = field(repr=False)
    body_type: Literal["json", "form"]
    encodings: Mapping[str, Scalar]
    accept: Rule
    busy: tuple[Rule, ...]
    reject: tuple[Rule, ...]
    retry_after_ms: int
    id: str | None
    id_missing: Literal["ambiguous", "accepted"]
    code: str | None
    lookup: LookupRules | None
    secret: str | None = field(repr=False)
    receipts: ReceiptRules | None
    replies: ReplyRules | None
    promises_receipts: bool
    per_second: float | None
    concurrency: int
    lanes: int
    connect_ms: int
    read_ms: int
    ca_file: str | None


def read(entry: Entry) -> Provider:
    """Read an entry in which the schema and `faults` found nothing."""
    timeouts = entry.get("timeouts", {})
    return Provider(
        name=entry["name"],
        method=entry.get("method", "POST"),
        url=template.parse(entry["url"]),
        query=_templates(entry.get("query", {})),
        headers=_templates(entry.get("headers", {})) | _authorization(entry.get("auth")),
        body=template.shape(entry.get("body")),
        body_type=entry.get("body_type", "json"),
        encodings=entry.get("encodings", {}),
        accept=_rule(entry["accept"]) if "accept" in entry else Rule(ACCEPT),
        busy=_rules(entry.get("busy"), BUSY),
        reject=_rules(entry.get("reject"), REJECT),
        retry_after_ms=round(1000 * entry.get("retry_after", RETRY_AFTER_S)),
        id=entry.get("id"),
        id_missing=entry.get("id_missing", "ambiguous"),
        code=entry.get("code"),
        lookup=_lookup(entry.get("lookup")),
        secret=entry.get("secret"),
        receipts=_receipts(entry.get("receipts")),
        replies=_replies(entry.get("replies")),
        promises_receipts=entry.get("promises_receipts", "receipts" in entry),
        per_second=entry.get("per_second"),
        concurrency=entry.get("concurrency", CONCURRENCY),
        lanes=entry.get("lanes", 1),
        connect_ms=timeouts.get("connect_ms", CONNECT_MS),
        read_ms=timeouts.get("read_ms", READ_MS),
        ca_file=entry.get("ca_file"),
    )


def faults(entry: Entry) -> Iterator[Fault]:
    """What is wrong with an entry that its schema finds sound."""
    yield from _url_faults("/url", entry["url"], PLAIN, ALL)
    if "lookup" in entry:
        yield from _url_faults(
            "/lookup/url", entry["lookup"]["url"], frozenset({"reference"}), frozenset({"reference"})
        )
        if "reference" not in template.names(entry["lookup"]["url"]):
            yield Fault("/lookup/url", "must say {reference}")
    yield from _header_faults(entry)
    for part in ("query", "body"):
        for pointer, text in template.texts(entry.get(part), f"/{part}"):
            yield from (Fault(pointer, message) for message in template.faults(text, ALL))
    yield from _body_faults(entry)
    yield from _callback_faults(entry)
    if "ca_file" in entry and not Path(entry["ca_file"]).is_file():
        yield Fault("/ca_file", "is not a file")


def _url_faults(pointer: str, url: str, in_path: frozenset[str], in_query: frozenset[str]) -> Iterator[Fault]:
    """Free text may stand behind the question mark only: in a path, a recipient's `..` would lead elsewhere."""
    found = _URL.fullmatch(url)
    if found is None or not _has_address(url):
        yield Fault(pointer, "must be http(s)://host/..., with no user, fragment or placeholder in the host")
        return
    yield from (Fault(pointer, message) for message in template.faults(found["path"] or "", in_path))
    yield from (Fault(pointer, message) for message in template.faults(found["query"] or "", in_query))


def _has_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _header_faults(entry: Entry) -> Iterator[Fault]:
    for name, text in entry.get("headers", {}).items():
        pointer = f"/headers/{name.replace('~', '~0').replace('/', '~1')}"
        if not _HEADER.fullmatch(name):
            yield Fault(pointer, "is not the name of a header")
        if not _HEADER_VALUE.fullmatch(text):
            yield Fault(pointer, "must be visible ASCII, not empty")
        yield from (Fault(pointer, message) for message in template.faults(text, PLAIN | {"to_e164"}))
        if name.lower() == "authorization" and "auth" in entry:
            yield Fault(pointer, "is given by auth already")
    token = entry.get("auth", {}).get("token")
    if token is not None and not _HEADER_VALUE.fullmatch(token):
        yield Fault("/auth/token", "must be visible ASCII")


def _body_faults(entry: Entry) -> Iterator[Fault]:
    body, method = entry.get("body"), entry.get("method", "POST")
    if method == "GET" and body is not None:
        yield Fault("/body", "does not go with GET: use query")
    flat = isinstance(body, dict) and all(isinstance(item, str | int | float) for item in body.values())
    if entry.get("body_type") == "form" and not flat:
        yield Fault("/body", "must be an object of texts and numbers, for a form")
    said = frozenset[str]().union(
        *(template.names(text) for _, text in template.texts([entry["url"], entry.get("query"), body]))
    )
    if "text" not in said:
        yield Fault("/body", "must say {text}, here or in query")
    if not said & {"to", "to_e164", "to_number"}:
        yield Fault("/body", "must say {to}, {to_e164} or {to_number}, here or in query")


def _callback_faults(entry: Entry) -> Iterator[Fault]:
    for part in ("receipts", "replies"):
        if part in entry and "secret" not in entry:
            yield Fault("/secret", f"is missing: {part} are called back at /carriers/{entry['name']}/<secret>")
        if entry.get(part, {}).get("zone", "UTC") not in available_timezones():
            yield Fault(f"/{part}/zone", "must be an IANA name such as Europe/Paris")


def _templates(texts: Mapping[str, str]) -> dict[str, Template]:
    return {name: template.parse(text) for name, text in texts.items()}


def _authorization(auth: Mapping[str, str] | None) -> dict[str, Template]:
    """RFC 7617 (in UTF-8) or RFC 6750."""
    if auth is None:
        return {}
    if auth["type"] == "bearer":
        return {"Authorization": Template((f"Bearer {auth['token']}",))}
    pair = f"{auth['username']}:{auth['password']}".encode()
    return {"Authorization": Template((f"Basic {base64.b64encode(pair).decode()}",))}


def _rules(given: Mapping[str, Any] | list[Mapping[str, Any]] | None, statuses: frozenset[int]) -> tuple[Rule, ...]:
    if given is None:
        return (Rule(statuses),)
    return tuple(_rule(rule) for rule in (given if isinstance(given, list) else [given]))


def _rule(given: Mapping[str, Any]) -> Rule:
    return Rule(
        statuses=frozenset(given["statuses"]) if "statuses" in given else None,
        path=given.get("path"),
        values=_written(given.get("values")),
        retry_after_ms=round(1000 * given["retry_after"]) if "retry_after" in given else None,
    )


def _when(given: Mapping[str, Any] | None) -> Rule | None:
    return None if given is None else _rule(given)


def _written(values: Iterable[Scalar] | None) -> frozenset[str] | None:
    return None if values is None else frozenset(map(template.written, values))


def _lookup(given: Entry | None) -> LookupRules | None:
    if given is None:
        return None
    return LookupRules(template.parse(given["url"]), _rule(given["found"]), _rule(given["not_found"]), given.get("id"))


def _receipts(given: Entry | None) -> ReceiptRules | None:
    if given is None:
        return None
    return ReceiptRules(
        read=given.get("read", "json"),
        each=given.get("each"),
        when=_when(given.get("when")),
        id=given.get("id"),
        reference=given.get("reference"),
        status=given["status"],
        statuses=cast("Mapping[str, ReceiptStatus]", given["statuses"]),
        otherwise=given.get("otherwise"),
        code=given.get("code"),
        time=given.get("time"),
        zone=ZoneInfo(given.get("zone", "UTC")),
    )


def _replies(given: Entry | None) -> ReplyRules | None:
    if given is None:
        return None
    return ReplyRules(
        read=given.get("read", "json"),
        each=given.get("each"),
        when=_when(given.get("when")),
        sender=given["from"],
        to=given["to"],
        text=given["text"],
        id=given.get("id"),
        time=given.get("time"),
        zone=ZoneInfo(given.get("zone", "UTC")),
    )
