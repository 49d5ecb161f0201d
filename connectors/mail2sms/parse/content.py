"""What a mail says: its new text, what it says of how to send it, and the people of its lists."""

import hashlib
from collections.abc import Iterator
from typing import Final

from connectors.mail2sms.mail import MOST_BYTES, Content, Options, Row, Wrong
from connectors.mail2sms.parse import body, cut, directives, lists, parts
from connectors.mail2sms.parse.fields import Head
from connectors.mail2sms.parse.parts import Part

_LISTS: Final = frozenset({"text/csv", "application/csv", "text/comma-separated-values", "application/x-csv"})


def read(raw: bytes, head: Head) -> Content | Wrong:
    """Wrong: a code of `refusals` that says why there is nothing to be sent. With a list the text may be empty: a template may have it."""
    if len(raw) > MOST_BYTES:
        return Wrong("too_large", {"most": MOST_BYTES})
    try:
        root = parts.read(raw, head)
    except parts.TooComplexError:
        return Wrong("too_complex")
    if why := body.obstacle(root):
        return Wrong(why)
    files = list(_files(root))
    contents = [parts.content(raw, part) for part in files]
    rows = _rows(files, contents)
    text = body.text(raw, root)
    if isinstance(rows, Wrong):
        return rows
    if isinstance(text, Wrong):
        return Content("", _digest("", contents), rows=rows) if rows and text.code == "no_body" else text
    return _content(text, rows, _digest(text, contents))


def _content(text: str, rows: tuple[Row, ...], digest: str) -> Content | Wrong:
    taken = directives.take(cut.cut(text))
    if isinstance(taken, Wrong):
        return taken
    new, said = taken
    return Content(new, digest, said, rows) if new or rows or said != Options() else Wrong("text_empty")


def _files(root: Part) -> Iterator[Part]:
    """Lists among the attachments."""
    for part in root.leaves():
        media = part.media
        if media.filename.lower().endswith(".csv") or (media.kind in _LISTS and part is not root):
            yield part


def _rows(files: list[Part], contents: list[bytes | None]) -> tuple[Row, ...] | Wrong:
    rows: list[Row] = []
    for part, data in zip(files, contents, strict=True):
        if data is None:
            return Wrong("list_unreadable", {"why": "it can't be decoded."})
        found = lists.read(data, part.media.parameters.get("charset", ""))
        if isinstance(found, Wrong):
            return found
        rows += found
    if len(rows) > lists.MOST_ROWS:
        return Wrong("list_unreadable", {"why": f"there are more than {lists.MOST_ROWS} lines: send them in parts."})
    return tuple(rows)


def _digest(text: str, contents: list[bytes | None]) -> str:
    """Of the text and the lists as they came, however they were encoded for the way."""
    digest = hashlib.sha256(text.strip().encode("utf-8"))
    for data in contents:
        digest.update(hashlib.sha256(data or b"").digest())
    return digest.hexdigest()
