"""Receipts and replies that an HTTP provider pushes, read by the rules of its settings. Pure.

A status that the settings don't name is most often a stage on the way ("buffered"), so it means nothing unless `otherwise` says what;
refusing it would have the provider repeat it, and all that came with it, for days.
"""

import codecs
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.message import Message
from typing import Any, Final
from urllib.parse import parse_qsl
from zoneinfo import ZoneInfo

from core.carriers.contract import LONGEST_REF, Inbound, Receipt
from core.carriers.http_rules import LONGEST_CODE, id_at, is_among
from core.carriers.http_settings import Provider, Read, ReceiptRules, ReplyRules
from core.carriers.pointer import MISSING, look, storable, text_at
from core.errors import Fault, Refused

LONGEST_BODY: Final = 1_048_576
MOST_ITEMS: Final = 10_000
CHARSETS: Final = frozenset({"utf-8", "ascii", "iso8859-1", "iso8859-15", "cp1252", "utf-16"})
MILLISECONDS_FROM: Final = 100_000_000_000  # as seconds, the year 5138
LAST: Final = 253_402_300_800_000  # the year 10000
_NUMBER: Final = re.compile(r"[1-9][0-9]{2,14}")
_BETWEEN: Final = re.compile(r"[\s.()/-]")
_EPOCH: Final = re.compile(r"[0-9]{1,15}(\.[0-9]+)?")

Source = tuple[Read, str | None]


@dataclass(frozen=True, slots=True)
class Item:
    """One thing that was told, where it stands, and where it was read."""

    document: object
    pointer: str
    source: Source


def read(
    provider: Provider, headers: Mapping[str, str], query: Mapping[str, str], body: bytes, now: int
) -> tuple[list[Receipt], list[Inbound]]:
    """What a request brings: all of it, or Refused with a fault for each thing that can't be read."""
    if len(body) > LONGEST_BODY:
        raise Refused("callback_too_large", f"A callback may have {LONGEST_BODY} bytes.")
    sources = dict.fromkeys((rules.read, rules.each) for rules in (provider.receipts, provider.replies) if rules)
    items = [item for source in sources for item in _items(source, _charset(headers), query, body)]
    if not items:
        raise _refusal("", "brings nothing where the settings look")
    told: list[Receipt | Inbound | None] = []
    faults: list[Fault] = []
    for item in items:
        try:
            told.append(_told(provider, item, now))
        except Refused as refused:
            faults += refused.faults
    if faults:
        raise Refused("invalid_callback", f"{faults[0].pointer or 'It'} {faults[0].message}", tuple(faults))
    return [one for one in told if isinstance(one, Receipt)], [one for one in told if isinstance(one, Inbound)]


def _told(provider: Provider, item: Item, now: int) -> Receipt | Inbound | None:
    """The receipt or the reply that an item is. Others are passed over where the settings say by `when` that there are others."""
    receipts, replies = provider.receipts, provider.replies
    if receipts and item.source == (receipts.read, receipts.each) and _is_receipt(receipts, item):
        return _receipt(receipts, item, now)
    if replies and item.source == (replies.read, replies.each) and _is_reply(replies, item):
        return _reply(replies, item, now)
    if any(rules is not None and rules.when is not None for rules in (receipts, replies)):
        return None
    raise _refusal(item.pointer, "is neither a receipt nor a reply as the settings describe them")


def _is_receipt(rules: ReceiptRules, item: Item) -> bool:
    return (
        text_at(item.document, rules.status) is not None if rules.when is None else is_among(item.document, rules.when)
    )


def _is_reply(rules: ReplyRules, item: Item) -> bool:
    if rules.when is not None:
        return is_among(item.document, rules.when)
    return all(look(item.document, pointer) is not MISSING for pointer in (rules.sender, rules.text))


def _receipt(rules: ReceiptRules, item: Item, now: int) -> Receipt | None:
    raw = _needed(item, rules.status)
    status = rules.statuses.get(raw, rules.otherwise)
    if status is None:
        return None
    reference, own_id = id_at(item.document, rules.reference), id_at(item.document, rules.id)
    if reference is None and own_id is None:
        raise _refusal(item.pointer + (rules.reference or rules.id or ""), "is missing: it names no message")
    code = text_at(item.document, rules.code) or raw
    return Receipt(status, code[:LONGEST_CODE], _time(item, rules.time, rules.zone, now), reference, own_id)


def _reply(rules: ReplyRules, item: Item, now: int) -> Inbound:
    number, code, text = _number(item, rules.sender), _code(item, rules.to), _text(item, rules.text)
    at = _time(item, rules.time, rules.zone, now)
    if rules.id is not None:
        carrier_ref = _needed(item, rules.id)[:LONGEST_REF]
    else:
        # Without an id of theirs the moment tells two replies apart; the same one told again has the same.
        moment = _needed(item, rules.time or "")
        carrier_ref = hashlib.sha256(json.dumps([number, code, moment, text]).encode()).hexdigest()[:32]
    return Inbound(carrier_ref, number, code, text, at)


def _items(source: Source, charset: str, query: Mapping[str, str], body: bytes) -> Iterator[Item]:
    way, each = source
    document = _document(way, charset, query, body)
    found, pointer = (document, "") if each is None else (look(document, each), each)
    if isinstance(found, list):
        if len(found) > MOST_ITEMS:
            raise _refusal(pointer, f"has more than {MOST_ITEMS} items")
        yield from (Item(one, f"{pointer}/{place}", source) for place, one in enumerate(found))
    elif found is not MISSING and found:
        yield Item(found, pointer, source)


def _document(way: Read, charset: str, query: Mapping[str, str], body: bytes) -> object:
    if way == "query":
        return dict(query)
    text = _decoded(body, charset)
    if way == "form":
        return _form(text, charset)
    try:
        return json.loads(text) if text.strip() else MISSING
    except (ValueError, RecursionError):
        raise _refusal("", "is not JSON") from None


def _form(text: str, charset: str) -> dict[str, str]:
    try:
        return dict(parse_qsl(text, keep_blank_values=True, encoding=charset, errors="replace", max_num_fields=1000))
    except ValueError:
        raise _refusal("", "is not a form, or has too many fields") from None


def _decoded(body: bytes, charset: str) -> str:
    try:
        return body.decode(charset)
    except UnicodeDecodeError:
        raise _refusal("", f"is not text in {charset}") from None


def _charset(headers: Mapping[str, str]) -> str:
    """The one that Content-Type names, of those that texts come in; UTF-8 otherwise."""
    kind = Message()
    kind["Content-Type"] = next(
        (value for name, value in headers.items() if name.lower() == "content-type"), "text/plain"
    )
    try:
        name = codecs.lookup(str(kind.get_content_charset() or "utf-8")).name
    except LookupError:
        name = ""
    if name not in CHARSETS:
        raise _refusal("", "is in a charset that is not known here: send UTF-8")
    return name


def _needed(item: Item, pointer: str) -> str:
    text = text_at(item.document, pointer)
    if text is None:
        raise _refusal(item.pointer + pointer, "is missing, or not a text")
    return text


def _number(item: Item, pointer: str) -> int:
    digits = _BETWEEN.sub("", _needed(item, pointer)).removeprefix("+").removeprefix("00")
    if not _NUMBER.fullmatch(digits):
        raise _refusal(item.pointer + pointer, "is not an international number")
    return int(digits)


def _code(item: Item, pointer: str) -> str:
    return _needed(item, pointer).strip().removeprefix("+")[:LONGEST_CODE]


def _text(item: Item, pointer: str) -> str:
    """What was written, empty if nothing; what could not be stored is replaced."""
    found: Any = look(item.document, pointer)
    if not isinstance(found, str | int | float):
        raise _refusal(item.pointer + pointer, "is missing, or not a text")
    return "".join(character if storable(character) else "\ufffd" for character in str(found))


def _time(item: Item, pointer: str | None, zone: ZoneInfo, now: int) -> int:
    """Seconds or milliseconds since 1970, or ISO 8601 (in `zone` where it has no offset); now, where nothing is told."""
    text = text_at(item.document, pointer)
    if text is None:
        return now
    moment = _since_1970(text) if _EPOCH.fullmatch(text) else _iso(text, zone)
    if moment is None or not 0 <= moment < LAST:
        raise _refusal(
            f"{item.pointer}{pointer}", "is not a time: send ISO 8601, or seconds or milliseconds since 1970"
        )
    return moment


def _since_1970(text: str) -> int:
    return int(float(text)) if float(text) >= MILLISECONDS_FROM else int(float(text) * 1000)


def _iso(text: str, zone: ZoneInfo) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
        return round((moment if moment.tzinfo else moment.replace(tzinfo=zone)).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def _refusal(pointer: str, message: str) -> Refused:
    return Refused("invalid_callback", f"{pointer or 'It'} {message}", (Fault(pointer, message),))
