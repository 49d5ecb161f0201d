"""Mails written by hand, octet by octet, as no library would write them; and what is read of them."""

from typing import Final

from connectors.mail2sms.mail import Content, Headers, Parsed, Wrong
from connectors.mail2sms.parse import parse

GATEWAY: Final = "sms.example.org"
SENDER: Final = "anne@example.org"
NUMBER: Final = f"0612345678@{GATEWAY}"


def mail(body: str | bytes = "Bonjour", *lines: str | bytes, sender: str = SENDER, to: str = NUMBER) -> bytes:
    """A mail with these lines of headers besides From and To. Texts are UTF-8."""
    head = [f"From: {sender}".encode(), f"To: {to}".encode(), *map(_octets, lines)]
    return b"\r\n".join([*head, b"", _octets(body)])


def part(body: str | bytes, kind: str = "text/plain; charset=utf-8", *lines: str) -> bytes:
    """A part, or all of a mail behind its other headers."""
    return b"\r\n".join([f"Content-Type: {kind}".encode(), *map(_octets, lines), b"", _octets(body)])


def multipart(kind: str, *parts: bytes, boundary: str = "limit", more: str = "") -> bytes:
    """A part that has parts."""
    mark = f"--{boundary}".encode()
    inner = b"".join(mark + b"\r\n" + one + b"\r\n" for one in parts)
    return part(inner + mark + b"--\r\n", f'multipart/{kind}; boundary="{boundary}"{more}')


def mime(content: bytes, *lines: str | bytes, sender: str = SENDER, to: str = NUMBER) -> bytes:
    """A mail whose last headers and whose body are those of `part` or `multipart`."""
    head = [f"From: {sender}".encode(), f"To: {to}".encode(), b"MIME-Version: 1.0", *map(_octets, lines)]
    return b"\r\n".join([*head, content])


def headers(raw: bytes, *, returns_to: str | None = None, gateway: str = GATEWAY) -> Headers:
    found = parse(raw, gateway, returns_to=returns_to).headers
    assert isinstance(found, Headers), found
    return found


def content(raw: bytes) -> Content:
    found = parse(raw, GATEWAY).content
    assert isinstance(found, Content), found
    return found


def text(raw: bytes) -> str:
    return content(raw).text


def refusal(found: Parsed | bytes) -> str:
    """The code of why a mail is not read, or its text is not."""
    parsed = parse(found, GATEWAY) if isinstance(found, bytes) else found
    wrong = parsed.headers if isinstance(parsed.headers, Wrong) else parsed.content
    assert isinstance(wrong, Wrong), wrong
    return wrong.code


def _octets(text: str | bytes) -> bytes:
    return text if isinstance(text, bytes) else text.encode()
