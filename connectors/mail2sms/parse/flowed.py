"""Text that flows (RFC 3676): lines that were broken to be shown are joined again."""

from collections.abc import Iterator
from typing import Final

MOST_LINES: Final = 50_000  # of more than so many nothing is sent, however they are broken


def joined(text: str, *, delete_space: bool) -> str:
    """The text with its soft breaks gone. delete_space: the blank before a break is part of it (DelSp).

    Quoted lines stay quoted, and keep their breaks: they are cut off.
    """
    if text.count("\n") > MOST_LINES:
        return text
    return "\n".join(_paragraphs(text.split("\n"), delete_space=delete_space))


def _paragraphs(lines: list[str], *, delete_space: bool) -> Iterator[str]:
    pieces: list[str] = []
    for line in lines:
        fixed = line.startswith(">") or line == "-- "  # a signature's line is none that flows (section 4.3)
        if fixed and pieces:
            yield "".join(pieces).rstrip(" ")
            pieces = []
        if fixed:
            yield line
            continue
        plain = line.removeprefix(" ")  # a blank that was put in (section 4.4)
        pieces.append(plain[:-1] if delete_space and plain.endswith(" ") else plain)
        if not plain.endswith(" "):
            yield "".join(pieces)
            pieces = []
    if pieces:
        yield "".join(pieces).rstrip(" ")
