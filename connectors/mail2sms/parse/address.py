"""The grammar of the gateway's addresses: where a mail goes and how, never what it says.

    address = [<local>"+"] <dest> ["+"<token>] ("."<option>)* "@" <domain>
    dest    = ["+"]["00"]<6 to 15 digits> | "g-"<slug> | "c-"<slug> | "r-"<thread> | "list"
    option  = "n" | "m" | "p"<1 to 9> | "s-"<slug> | "d-"<yyyymmddThhmm> | "test"

<local> is that of an ordinary mailbox, "list" the people of an attached list. A thread is the id of a sending, its 128 bits in 26 letters
of base32 (RFC 4648 section 6). All is read in any case, as clients may change it, and written in lower case. A local part has 64 octets
at most (RFC 5321 section 4.5.3.1.1).
"""

import base64
import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from connectors.mail2sms.mail import Address, Kind, Options, Wrong

MOST_OCTETS: Final = 64
_SHOWN: Final = 100  # characters of an address that is told to be wrong

_SLUG: Final = r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?"
_LOCAL: Final = re.compile(
    rf"(?:(?P<number>\+?(?:00)?[0-9]{{6,15}})|g-(?P<group>{_SLUG})|c-(?P<template>{_SLUG})|r-(?P<thread>[a-z2-7]{{26}})|(?P<list>list))"
    r"(?:\+(?P<token>[a-z0-9]+))?(?P<options>(?:\.[^.]*)*)"
)
_OPTION: Final = re.compile(
    rf"(?P<n>n)|(?P<m>m)|p(?P<parts>[1-9])|s-(?P<sender>{_SLUG})|d-(?P<at>[0-9]{{8}}t[0-9]{{4}})|(?P<test>test)"
)
_LETTERS: Final[dict[Kind, str]] = {"number": "", "group": "g-", "list": "", "template": "c-", "thread": "r-"}
_NOBODY: Final = frozenset({"no-reply", "noreply", "postmaster", "mailer-daemon", "abuse"})
_TOKEN: Final = re.compile(r"(?<=.)\+[^.@]*")  # behind the plus that a number may begin with


def read(text: str, local: str, domain: str) -> Address | Wrong | None:
    """An address of this gateway, as it stands in a mail or in its envelope; None where it is somebody else's.

    Wrong: `address_invalid` (address, domain, prefix), `option_unknown` (option, address). The token is never among these facts.
    """
    name, _, host = text.strip().rpartition("@")
    bare, host = _unquoted(name).lower(), host.rstrip(".").lower()
    if host != domain.lower():
        return None
    rest = _behind(bare, local.lower())
    if rest is None:
        return None
    if rest in _NOBODY or (local and not rest):
        return Address("nobody", rest)
    prefix = f"{local}+" if local else ""
    found = _LOCAL.fullmatch(rest) if len(bare.encode("utf-8", "replace")) <= MOST_OCTETS else None
    value = _value(found) if found else None
    if found is None or value is None:
        return Wrong("address_invalid", {"address": _shown(prefix, rest, domain), "domain": domain, "prefix": prefix})
    options = _options(found["options"])
    if isinstance(options, str):
        return Wrong("option_unknown", {"option": f".{options}", "address": _shown(prefix, rest, domain)})
    return Address(*value, found["token"], options)


def write(address: Address, local: str, domain: str) -> str:
    """The address in letters, which `read` reads as it was. Raises ValueError where they are more than a local part may have."""
    prefix = f"{local}+" if local else ""
    if address.kind == "nobody":
        rest = address.value
        prefix = prefix if rest else local
    else:
        value = _packed(address.value) if address.kind == "thread" else address.value
        token = f"+{address.token}" if address.token else ""
        rest = f"{_LETTERS[address.kind]}{value}{token}{''.join(_written(address.options))}"
    if len(prefix + rest) > MOST_OCTETS:
        raise ValueError(f"The local part of an address has {MOST_OCTETS} octets at most: {prefix} leaves too few.")
    return f"{prefix}{rest}@{domain}"


def _unquoted(name: str) -> str:
    """A local part out of quotation marks, which mean nothing by themselves (RFC 5321 section 4.1.2)."""
    return name[1:-1] if len(name) > 2 and name[0] == name[-1] == '"' else name


def _behind(name: str, local: str) -> str | None:
    """What stands behind the mailbox's own name; "" where nothing does, None where it is another mailbox."""
    if not local:
        return name
    return "" if name == local else name.removeprefix(f"{local}+") if name.startswith(f"{local}+") else None


def _value(found: re.Match[str]) -> tuple[Kind, str] | None:
    if found["number"]:
        return "number", found["number"]
    if found["group"]:
        return "group", found["group"]
    if found["template"]:
        return "template", found["template"]
    if found["list"]:
        return "list", found["list"]
    thread = _unpacked(found["thread"])
    return None if thread is None else ("thread", thread)


def _unpacked(letters: str) -> str | None:
    """The id; None where the two bits that are left over are not 0, so that a thread has one spelling."""
    thread = str(UUID(bytes=base64.b32decode(f"{letters.upper()}======")))
    return thread if _packed(thread) == letters else None


def _packed(thread: str) -> str:
    return base64.b32encode(UUID(thread).bytes).decode("ascii").rstrip("=").lower()


def _options(text: str) -> Options | str:
    """What stands behind the dots; the one that means nothing, says another time what was said, or is no time."""
    options = Options()
    for word in text.split(".")[1:]:
        found = _OPTION.fullmatch(word)
        said = _said(found) if found else None
        if said is None or any(getattr(options, name) not in {None, False} for name in said):
            return word
        options = replace(options, **said)
    return options


def _said(found: re.Match[str]) -> dict[str, Any] | None:
    if found["n"] or found["m"]:
        return {"purpose": "notification" if found["n"] else "marketing"}
    if found["parts"]:
        return {"max_segments": int(found["parts"])}
    if found["sender"]:
        return {"sender": found["sender"]}
    if found["at"]:
        return {"send_at": found["at"].upper()} if _is_time(found["at"].upper()) else None
    return {"test": True}


def _is_time(text: str) -> bool:
    try:
        datetime.strptime(text, "%Y%m%dT%H%M")  # noqa: DTZ007 - the account's zone is for whoever reads it
    except ValueError:
        return False
    return True


def _written(options: Options) -> Iterator[str]:
    if options.purpose:
        yield ".n" if options.purpose == "notification" else ".m"
    if options.max_segments:
        yield f".p{options.max_segments}"
    if options.sender:
        yield f".s-{options.sender}"
    if options.send_at:
        yield f".d-{options.send_at.lower()}"
    if options.test:
        yield ".test"


def _shown(prefix: str, rest: str, domain: str) -> str:
    """The address as its writer may be told of it: without its token, and on one line."""
    told = _TOKEN.sub("+...", rest[: MOST_OCTETS * 2])
    shown = f"{prefix}{told}@{domain}"[:_SHOWN]
    return "".join(char if char.isprintable() and char != " " else "?" for char in shown)
