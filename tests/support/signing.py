"""Mails signed with DKIM by a signer of the tests' own (relaxed/relaxed, RFC 6376), and name servers that are a dictionary.

    key = key_of("office.example")
    raw = signed(mail("ann@office.example", "33612345678@sms.example"), key)
    authenticate(raw, "ann@office.example", NOON, None, names(key))

Every part of a signature can be said otherwise than it should be. Mails that others sign: tests.support.nodemailer; over the wire: tests.support.dns.
"""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import cache
from typing import Final

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from connectors.mail2sms.authenticate import Lookup, NoAnswer
from tests.support.world import NOON

COVERED: Final = ("from", "to", "cc", "subject", "date", "message-id", "mime-version", "content-type")
SELECTOR: Final = "hub"
WEAK_PRIMES: Final = (  # of 384 bits each: a key of 768, as no library makes them any more
    0xC86F9D00FDD17571ADCD9A847D8C56DBD1EA728C1688529D61DAD68B6847186A4A39C3515119F3C0CC6B429FAE323165,
    0xD7D92B31C84EE43574C06A4568D28B552CE8DFB43A3265E135D3B0DA8154E5CD5A570FCD26480C6AF9EFA21978C61F17,
)

Private = rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


@dataclass(frozen=True, slots=True)
class Key:
    """A key of a domain. name: where its record stands; record: what stands there."""

    domain: str
    selector: str
    private: Private

    @property
    def kind(self) -> str:
        return "rsa" if isinstance(self.private, rsa.RSAPrivateKey) else "ed25519"

    @property
    def name(self) -> str:
        return f"{self.selector}._domainkey.{self.domain}"

    @property
    def record(self) -> bytes:
        public = self.private.public_key()
        if isinstance(public, rsa.RSAPublicKey):
            form = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
        else:
            form = (serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        return f"v=DKIM1; k={self.kind}; p={_base64(public.public_bytes(*form))}".encode()

    @property
    def pem(self) -> str:
        return self.private.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        ).decode()

    def sign(self, data: bytes, *, sha1: bool = False) -> bytes:
        if isinstance(self.private, rsa.RSAPrivateKey):
            return self.private.sign(data, padding.PKCS1v15(), hashes.SHA1() if sha1 else hashes.SHA256())
        return self.private.sign(hashlib.sha256(data).digest())  # RFC 8463 section 3


@cache
def key_of(domain: str, kind: str = "rsa", bits: int = 2048, selector: str = SELECTOR) -> Key:
    """A key of this domain, made once in a run."""
    if kind == "ed25519":
        return Key(domain, selector, ed25519.Ed25519PrivateKey.generate())
    return Key(domain, selector, rsa.generate_private_key(65_537, bits))


def weak_key(domain: str) -> Key:
    """An RSA key that is too short to be believed (RFC 8301 section 3.2)."""
    p, q = WEAK_PRIMES
    d = pow(65_537, -1, (p - 1) * (q - 1))
    public = rsa.RSAPublicNumbers(65_537, p * q)
    numbers = rsa.RSAPrivateNumbers(
        p, q, d, rsa.rsa_crt_dmp1(d, p), rsa.rsa_crt_dmq1(d, q), rsa.rsa_crt_iqmp(p, q), public
    )
    return Key(domain, SELECTOR, numbers.private_key())


def mail(
    sender: str = "ann@office.example",
    to: str = "33612345678@sms.example",
    text: str = "La réunion est à 15h.",
    *,
    subject: str = "sms",
    at: int = NOON,
    message_id: str | None = "one@office.example",
    **headers: str,
) -> bytes:
    """A plain mail; `reply_to="..."` is a further header."""
    more = {name.replace("_", "-").title(): value for name, value in headers.items()}
    lines = {
        "From": sender,
        "To": to,
        "Subject": subject,
        "Date": format_datetime(datetime.fromtimestamp(at / 1000, UTC)),
        **({} if message_id is None else {"Message-ID": f"<{message_id}>"}),
        "MIME-Version": "1.0",
        "Content-Type": "text/plain; charset=utf-8",
        "Content-Transfer-Encoding": "8bit",
        **more,
    }
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{head}\r\n{text}\r\n".encode()


def with_headers(raw: bytes, *lines: str) -> bytes:
    """The same mail with these headers above all others, as servers on its way write them."""
    return "".join(f"{line}\r\n" for line in lines).encode() + raw


def signed(raw: bytes, key: Key, at: int | None = NOON, covers: Sequence[str] = COVERED, **tags: str | None) -> bytes:
    """The mail with a signature on top. tags: what is to be in it otherwise; None leaves one out. at: of t=, None for none."""
    head, _, body = raw.partition(b"\r\n\r\n")
    fields = [(name.lower(), value) for name, _, value in (line.partition(b":") for line in _unfolded(head))]
    said: dict[str, str | None] = {
        "v": "1",
        "a": f"{key.kind}-sha256",
        "c": "relaxed/relaxed",
        "d": key.domain,
        "s": key.selector,
        "t": None if at is None else str(at // 1000),
        "h": ":".join(covers),
        "bh": _base64(_digest(body, said=tags)),
        **tags,
    }
    listed = "; ".join(f"{name}={value}" for name, value in said.items() if value is not None)
    data = b"".join(name + b":" + _relaxed(value) + b"\r\n" for name, value in _chosen(fields, str(said["h"])))
    data += b"dkim-signature:" + _relaxed(f"{listed}; b=".encode())
    proof = _base64(key.sign(data, sha1=said["a"] == "rsa-sha1"))
    return f"DKIM-Signature: {listed}; b={proof}\r\n".encode() + raw


def names(*keys: Key, silent: Sequence[str] = (), **records: str) -> Lookup:
    """Name servers that know these keys, and the DMARC records of `records` (office_example="v=DMARC1; adkim=s"); `silent` as in `lookup`."""
    policies = {f"_dmarc.{name.replace('_', '.')}": [text.encode()] for name, text in records.items()}
    return lookup({key.name: [key.record] for key in keys} | policies, silent)


def lookup(records: Mapping[str, Sequence[bytes]], silent: Sequence[str] = ()) -> Lookup:
    """Name servers that know these records; none answers for `silent` names, or for any where it is ["*"]."""

    def ask(name: str) -> Sequence[bytes]:
        if name in silent or "*" in silent:
            raise NoAnswer(name)
        return records.get(name, ())

    return ask


def _digest(body: bytes, said: Mapping[str, str | None]) -> bytes:
    sha = hashlib.sha1 if said.get("a") == "rsa-sha1" else hashlib.sha256
    lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    text = b"\r\n".join(lines).rstrip(b"\r\n")
    whole = text + b"\r\n" if text else b""
    length = said.get("l")
    return sha(whole if length is None else whole[: int(length)]).digest()


def _unfolded(head: bytes) -> list[bytes]:
    return re.sub(rb"\r\n(?=[ \t])", b"", head).split(b"\r\n")


def _chosen(fields: Sequence[tuple[bytes, bytes]], listed: str) -> list[tuple[bytes, bytes]]:
    """The fields that are signed: of several with one name the lowest first (RFC 6376 section 5.4.2)."""
    left = list(fields)
    found = []
    for name in listed.lower().encode().split(b":"):
        at = next((at for at in reversed(range(len(left))) if left[at][0] == name), None)
        if at is not None:
            found.append(left.pop(at))
    return found


def _relaxed(value: bytes) -> bytes:
    return re.sub(rb"[ \t]+", b" ", value).strip()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
