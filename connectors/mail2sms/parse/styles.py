"""What a page hides by its styles. Only as much of CSS as newsletters use to hide a line that mail lists show (a preheader)."""

import re
from collections.abc import Iterator
from typing import Final

MOST: Final = 200_000  # characters of style sheets that are looked at

_DECLARED: Final = re.compile(
    r"(?:^|;)(?:display:none|visibility:hidden|mso-hide:all|opacity:0(?:\.0+)?|font-size:0[a-z%]*|max-height:0[a-z%]*)(?:!important)?(?=;|$)"
)
_COMMENT: Final = re.compile(r"/\*.*?\*/", re.DOTALL)
_SELECTOR: Final = re.compile(r"[\w-]*([.#][\w-]+)")
_SPACE: Final = re.compile(r"\s+")


def hides(declarations: str) -> bool:
    """Whether declarations, such as those of a style attribute, hide what they are for."""
    return _DECLARED.search(_SPACE.sub("", declarations[:MOST].lower())) is not None


def hidden(sheet: str) -> Iterator[str]:
    """The classes (.preheader) and ids (#preheader) that a style sheet hides everywhere: what it says of some screens only is let be."""
    depth, selectors = 0, ""
    for piece in re.split(r"([{}])", _COMMENT.sub("", sheet[:MOST])):
        if piece == "{":
            depth += 1
        elif piece == "}":
            depth = max(depth - 1, 0)
        elif depth == 0:
            selectors = piece
        elif depth == 1 and "@" not in selectors and hides(piece):
            found = (_SELECTOR.fullmatch(one.strip()) for one in selectors.split(","))
            yield from (one[1].lower() for one in found if one)
