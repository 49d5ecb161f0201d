"""DKIM (RFC 6376, RFC 8301, RFC 8463): which signatures of a mail are good, for whom, and what they cover.

The rules of a signature and of its key are ours, since time comes from whoever got the mail, and a name server's silence is no forgery;
canonical forms, digests and keys are dkimpy's.
"""

import base64
import binascii
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from logging import getLogger
from typing import Final

import dkim
from dkim.canonicalization import compress_whitespace

from connectors.mail2sms.authenticate.alignment import is_host
from connectors.mail2sms.authenticate.fields import Field, Mail
from connectors.mail2sms.authenticate.resolver import Lookup

MOST_SIGNATURE_BYTES: Final = 8192
# Of which a mail has one (RFC 5322 section 3.6, RFC 2045): a second one on top is read by some, while the one below is verified.
ONCE: Final = ("subject", "date", "message-id", "mime-version", "content-type", "content-transfer-encoding")
MOST_NAMES: Final = 200  # of headers that one covers
MOST_KEY_LETTERS: Final = (
    1000  # base64 of an RSA key of 4096 bits is 736; a key is its signer's choice, and the work ours
)
FEWEST_BITS: Final = 1024  # RFC 8301 section 3.2
SLACK_MS: Final = 3600 * 1000  # a signer's clock may be ahead of ours

_KEY_OF: Final = {b"rsa-sha256": b"rsa", b"ed25519-sha256": b"ed25519"}  # rsa-sha1 is none: RFC 8301 section 3.1
_NEEDED: Final = (b"v", b"a", b"b", b"bh", b"d", b"h", b"s")
_TAG: Final = re.compile(rb"[A-Za-z][A-Za-z0-9_]*")
_SECONDS: Final = re.compile(rb"[0-9]{1,12}")
_BLANKS: Final = re.compile(rb"[ \t\r\n]+")
_QUIET: Final = getLogger(f"{__name__}.dkim")
_QUIET.disabled = True  # what is wrong with a signature is ours to tell

Tags = Mapping[bytes, bytes]


class Bad(Exception):  # noqa: N818 - the word of the house for what a signature is; it never leaves this room
    """Why a signature counts for nothing, in a few words."""


@dataclass(frozen=True, slots=True)
class Signature:
    """One that keeps the rules, and may be good. names: the headers that it covers, as often as it names them."""

    field: Field
    tags: Tags
    domain: str
    key: str
    names: tuple[str, ...]
    signed_at: int | None


def read(field: Field, received_at: int) -> Signature:
    """What a signature says. Raises Bad where it breaks a rule of RFC 6376 section 6.1.1, or one of ours."""
    if len(field.value) > MOST_SIGNATURE_BYTES:
        raise Bad("it is too long")
    tags = tags_of(field.value)
    if tags is None or not all(tags.get(name) for name in _NEEDED):
        raise Bad("it is incomplete")
    if tags[b"v"] != b"1" or tags[b"a"] not in _KEY_OF:
        raise Bad("its algorithm is not accepted")
    if b"l" in tags:
        raise Bad("it covers a part of the body only")  # section 8.2: anybody may append to the rest
    if not (_is_base64(tags[b"b"]) and _is_base64(tags[b"bh"])):
        raise Bad("it is no base64")
    domain, selector = _word(tags[b"d"]), _word(tags[b"s"])
    if not (is_host(domain) and is_host(selector)):
        raise Bad("it names no domain")
    if not _is_within(_word(tags.get(b"i", b"@" + tags[b"d"])), domain):
        raise Bad("its i= is of another domain")
    names = tuple(_word(name) for name in tags[b"h"].split(b":"))
    if "from" not in names or len(names) > MOST_NAMES:
        raise Bad("it does not cover From")
    return Signature(field, tags, domain, f"{selector}._domainkey.{domain}", names, _signed_at(tags, received_at))


def check(mail: Mail, signature: Signature, lookup: Lookup) -> None:
    """Raises Bad where the signature is not the domain's, or the mail not what was signed; NoAnswer where the key can't be asked for."""
    twice = next((name for name in ONCE if len(mail.named(name)) > 1), None)
    if twice:
        raise Bad(f"{twice} stands there twice")
    record = _key(lookup(signature.key), signature)
    signer = dkim.DKIM(logger=_QUIET, minkey=FEWEST_BITS)
    signer.headers = [[field.written, field.value] for field in mail.fields]
    signer.body = _body(mail, signature)
    given = (dict(signature.tags), [name.encode() for name in signature.names])
    header = (signature.field.written, signature.field.value)
    try:
        good = signer.verify_sig(*given, header, lambda _name, **_timeout: record)
    except Exception as error:
        # Whatever the library stumbles over in bytes that a stranger chose: what it can't verify is not verified.
        raise Bad(f"can't be verified: {type(error).__name__}") from error
    if not good:
        raise Bad("the mail was changed, or signed with another key")


def covered(mail: Mail, signature: Signature) -> frozenset[str]:
    """Headers that nobody can have changed or added since (section 5.4.2): all of that name are covered, or there is none."""
    counted = {name: signature.names.count(name) for name in signature.names}
    return frozenset(name for name, count in counted.items() if len(mail.named(name)) <= count)


def body(signature: Signature) -> str:
    """The digest of the body that was signed. The signature itself is no name of a mail: an RSA one can be written in many ways."""
    return base64.b64decode(_BLANKS.sub(b"", signature.tags[b"bh"])).hex()


def signed_at(mail: Mail, signature: Signature, received_at: int) -> int | None:
    """When it was signed (ms): as the signature says, else as a Date says that it covers. None too for one that is still to come."""
    if signature.signed_at is not None or "date" not in covered(mail, signature):
        return signature.signed_at
    dates = mail.named("date")
    at = _date(dates[0].text) if dates else None
    return None if at is None or at > received_at + SLACK_MS else at


def tags_of(value: bytes) -> Tags | None:
    """A list of tags (section 3.2); None where it is none, or names one twice."""
    found: dict[bytes, bytes] = {}
    for part in value.strip().rstrip(b";").split(b";"):
        name, equals, text = part.partition(b"=")
        name = name.strip()
        if not equals or name in found or not _TAG.fullmatch(name):
            return None
        found[name] = text.strip()
    return found


def _key(records: Sequence[bytes], signature: Signature) -> bytes:
    """The record of the key (section 3.6.1). Raises Bad where there is none for this signature."""
    known = [(record, tags) for record in records if (tags := tags_of(record)) and b"p" in tags]
    if not known:
        raise Bad("there is no key")
    record, tags = known[0]
    kinds = tags.get(b"k", b"rsa"), tags.get(b"v", b"DKIM1")
    if kinds != (_KEY_OF[signature.tags[b"a"]], b"DKIM1") or not _allows(tags, b"h", b"sha256"):
        raise Bad("the key is for something else")
    if not tags[b"p"]:
        raise Bad("the key was revoked")
    if len(tags[b"p"]) > MOST_KEY_LETTERS:
        raise Bad("the key is too long")
    flags = _list(tags.get(b"t", b""))
    if not (_allows(tags, b"s", b"email") or _allows(tags, b"s", b"*")) or b"y" in flags:
        raise Bad("the key is not for mail, or being tried out")
    identity = _word(signature.tags.get(b"i", b"@" + signature.tags[b"d"]))
    if b"s" in flags and not identity.endswith(f"@{signature.domain}"):
        raise Bad("the key is for the domain itself alone")
    return record


def _body(mail: Mail, signature: Signature) -> bytes:
    """The body for dkimpy. Blanks that a relaxed form (section 3.4.4) makes one anyway are made one before: it takes their square in time."""
    _, _, kind = signature.tags.get(b"c", b"simple/simple").partition(b"/")
    return bytes(compress_whitespace(mail.body)) if kind == b"relaxed" else mail.body


def _signed_at(tags: Tags, received_at: int) -> int | None:
    """When it was signed (ms), if it says. Raises Bad where that is still to come, or it is over (t=, x= of section 3.5)."""
    signed, ends = (_seconds(tags.get(name)) for name in (b"t", b"x"))
    if signed is not None and signed > received_at + SLACK_MS:
        raise Bad("it was made in the future")
    if ends is not None and (ends < received_at or ends < (signed or 0)):
        raise Bad("it is over")
    return signed


def _seconds(text: bytes | None) -> int | None:
    if text is None:
        return None
    if not _SECONDS.fullmatch(text):
        raise Bad("its times are none")
    return int(text) * 1000


def _date(text: str) -> int | None:
    try:
        at = parsedate_to_datetime(text)
        return int((at if at.tzinfo else at.replace(tzinfo=UTC)).timestamp() * 1000)
    except (ValueError, OverflowError):
        return None


def _is_within(identity: str, domain: str) -> bool:
    _, at, host = identity.rpartition("@")
    return bool(at) and (host == domain or host.endswith(f".{domain}"))


def _is_base64(text: bytes) -> bool:
    try:
        return bool(base64.b64decode(_BLANKS.sub(b"", text), validate=True))
    except binascii.Error:
        return False


def _allows(tags: Tags, name: bytes, wanted: bytes) -> bool:
    return name not in tags or wanted in _list(tags[name])


def _list(text: bytes) -> list[bytes]:
    return [part.strip() for part in text.split(b":")]


def _word(text: bytes) -> str:
    return text.strip().decode("ascii", "replace").lower()
