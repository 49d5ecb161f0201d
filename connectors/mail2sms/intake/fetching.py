"""What is asked of a server about its mails. None of it marks a mail as read."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError

from connectors.mail2sms.mail import MOST_BYTES

MOST_HEADERS: Final = 262_144  # bytes: From may stand below thousands of recipients
_FACTS: Final = ("RFC822.SIZE", "INTERNALDATE")


class Unfetched(Exception):  # noqa: N818 - what it is
    """The server does not give this mail now, though it is there."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a mail before it is read: its size in bytes, and when the server got it (ms; None where it does not say)."""

    size: int
    at: int | None


def facts(client: IMAPClient, uids: Sequence[int]) -> Mapping[int, Facts]:
    """Of these mails; of those that are gone nothing. Raises Unfetched."""
    with _unfetched():
        found = client.fetch(uids, _FACTS) if uids else {}
    return {
        uid: Facts(each[b"RFC822.SIZE"], _ms(each.get(b"INTERNALDATE")))
        for uid, each in found.items()
        if _is_whole(each)
    }


def facts_of(client: IMAPClient, uid: int) -> Facts | None:
    """Of one mail; None where it is gone. Raises Unfetched."""
    found = facts(client, [uid]).get(uid)
    if found is None and is_there(client, uid):
        raise Unfetched
    return found


def body(client: IMAPClient, uid: int) -> bytes | None:
    """The mail, up to a byte more than one may have (a size is what the server says it is); None where it is gone. Raises Unfetched."""
    return _part(client, uid, "", MOST_BYTES + 1)


def headers(client: IMAPClient, uid: int) -> bytes | None:
    """The beginning of its headers; None where it is gone. Raises Unfetched."""
    return _part(client, uid, "HEADER", MOST_HEADERS)


def is_there(client: IMAPClient, uid: int) -> bool:
    """Whether the folder still has it, now."""
    client.noop()  # a session sees what others took out once it is told
    return bool(client.search(f"UID {uid}"))


def _part(client: IMAPClient, uid: int, section: str, most: int) -> bytes | None:
    with _unfetched():
        found = client.fetch([uid], [f"BODY.PEEK[{section}]<0.{most}>"]).get(uid, {})
        part = found.get(f"BODY[{section}]<0>".encode())
        if part is None and not is_there(client, uid):
            return None
    if not isinstance(part, bytes):  # the server leaves a damaged mail out, or says NIL
        raise Unfetched
    return part


@contextmanager
def _unfetched() -> Iterator[None]:
    """What the server refuses to do, and no end of the connection."""
    try:
        yield
    except IMAPClientAbortError:
        raise
    except (IMAPClientError, LookupError, TypeError, ValueError) as error:  # or it answers what makes no sense
        raise Unfetched from error


def _is_whole(answer: Mapping[bytes, Any]) -> bool:
    return isinstance(answer.get(b"RFC822.SIZE"), int)


def _ms(date: object) -> int | None:
    return round(date.timestamp() * 1000) if isinstance(date, datetime) else None
