"""A text as it can be sent: what can't be seen is gone, save where it makes one picture of several."""

import re
import unicodedata
from typing import Final

LONGEST: Final = 100_000  # characters: what is longer is too long to be sent, and is left as it is
_COMPOSED: Final = 10_000  # characters: a letter with very many accents takes the square of them to put together

# Signs that only end lines, or only part words.
_LINE_ENDS: Final = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_BLANKS: Final = re.compile("[\u00a0\u2007\u202f]")  # GSM 03.38 has one blank; another would double the price
# A flag with letters of its own (England's), a zero-width joiner before a picture, or joiners between letters of scripts that use them.
_KEPT: Final = (
    "\U0001f3f4[\U000e0020-\U000e007f]{1,8}"
    "|(?<=[\u00a9-\U0001faff])\u200d(?=[\u2190-\u2bff\U0001f000-\U0001faff])"
    "|(?<=[\u0590-\u109f])[\u200c\u200d](?=[\u0590-\u109f])"
)
_UNSEEN: Final = (
    "\x00-\x08\x0e-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u3164\ufeff\uffa0\ufff0-\uffff\U000e0000-\U000e0fff\ud800-\udfff"
)
_HIDDEN: Final = re.compile(f"({_KEPT})|[{_UNSEEN}]")
_EMPTY_LINES: Final = re.compile(r"\n[ \t\n]*\n")


def clean(text: str, *, tabs: bool = False) -> str:
    """The text with plain line ends and blanks, and nothing that can't be seen. tabs: they stay, as they part cells."""
    plain = _BLANKS.sub(" ", _LINE_ENDS.sub("\n", text if tabs else text.replace("\t", " ")))
    return _composed(_HIDDEN.sub(lambda found: found[1] or "", plain))


def single_spaced(text: str) -> str:
    """The text with one empty line where there were more, and none around it."""
    return _EMPTY_LINES.sub("\n\n", text).strip()


def tidy(text: str) -> str:
    """The same, without blanks at the ends of lines."""
    single = single_spaced(text)
    lines = "\n".join(line.rstrip() for line in single.split("\n")) if len(single) <= LONGEST else single
    return _composed(lines)


def _composed(text: str) -> str:
    """Letters with their accents in one (NFC), as phones have them: Macs write them apart."""
    return unicodedata.normalize("NFC", text) if len(text) <= _COMPOSED and not text.isascii() else text
