"""What is new in a mail: cut off are quotes, signatures, and whatever stands below a line that says so.

Looked for are lines, each by a pattern that reads no line twice; what takes more than one line is looked at a few lines long. Nothing is
cut off for beginning with > or with dashes: `> 20 EUR offerts` and `-- entree` may be what is to be said.
"""

import re
from collections.abc import Iterator
from itertools import islice
from typing import Final

from connectors.mail2sms.parse import clean

SIGNATURE_LINES: Final = 12  # at the end of a text: no signature is longer
MOST_CANDIDATES: Final = 200

_END: Final = re.compile(r"^[ \t]*(?:#end|--end)[ \t]*$", re.MULTILINE | re.IGNORECASE)
_SIGNATURE: Final = re.compile(r"^-- ?$", re.MULTILINE)
_DEVICE: Final = re.compile(
    r"^(?:envoyé (?:de|depuis) mon |envoyé à partir de |envoyé depuis (?:outlook|l['’]application)"
    r"|sent from (?:my |outlook|mail for|yahoo|samsung|proton)|von meine[mr] [^\n]{1,40} gesendet|gesendet von (?:mein|outlook|mail für)"
    r"|gesendet mit der |enviado desde (?:mi |outlook)|inviato (?:dal mio |da (?:outlook|iphone|ipad|posta))"
    r"|(?:get|obtenir|obtenez|téléchargez?r?|holen sie sich|obtener|ottieni|scarica) outlook (?:for|pour|für|para|per) )[^\n]{0,80}$",
    re.MULTILINE | re.IGNORECASE,
)

# Such as -----Message d'origine----- or "Begin forwarded message:".
_DIVIDER: Final = re.compile(
    r"^[ \t]*-{2,20} ?(?:original message|forwarded message|message d['’]origine|message original|message transféré|courriel d['’]origine"
    r"|ursprüngliche nachricht|weitergeleitete nachricht|mensaje original|mensaje reenviado|messaggio originale|messaggio inoltrato)"
    r" ?-{2,20}[ \t]*$"
    r"|^[ \t]*(?:begin forwarded message|début du message (?:réexpédié|transféré)|anfang der weitergeleiteten nachricht"
    r"|inicio del mensaje reenviado|inizio (?:del )?messaggio inoltrato) ?:[ \t]*$",
    re.MULTILINE | re.IGNORECASE,
)

# "Le mar. 24 nov. 2026 à 09:00, Anne <anne@example.org> a écrit :", over three lines at most, with a moment or an address in it,
# or with a quote right below.
_OPENING: Final = re.compile(r"^[ \t]*(?:le|on|am|el|il) [^\n]", re.MULTILINE | re.IGNORECASE)
_WROTE: Final = re.compile(
    r"(?:\ba écrit|\bwrote|\bescribió|\bha scritto|\bschrieb [^:]{0,120}|\bschrieb) ?:$", re.IGNORECASE
)
_WHEN: Final = re.compile(r"[0-9]{1,2} ?[:h.] ?[0-9]{2}|[0-9]/[0-9]{1,2}|@|\b20[0-9]{2}\b")
_ATTRIBUTION_LINES: Final = 3

# Outlook's: From, Sent, To and Subject, each on its line.
_FROM: Final = re.compile(r"^[ \t*]{0,4}(?:from|de|von|da)[ \t]?\*?[ \t]?:", re.MULTILINE | re.IGNORECASE)
_SENT: Final = re.compile(
    r"\*?(?:sent|date|envoyé|gesendet|datum|enviado(?: el)?|fecha|inviato|data)[ *]{0,2}:", re.IGNORECASE
)
_SUBJECT: Final = re.compile(r"\*?(?:subject|objet|betreff|asunto|oggetto)[ *]{0,2}:", re.IGNORECASE)
_BLOCK_LINES: Final = 8


def cut(text: str) -> str:
    """The new text, tidy. `text` is clean."""
    new = clean.single_spaced(text)
    new = new[: min(_first(_END, new), _first(_DIVIDER, new))]
    new = _less_rule(new[: min(_attribution(new), _block(new))])
    return clean.tidy(_without_signature(new.rstrip()))


def _first(pattern: re.Pattern[str], text: str) -> int:
    """Where it is first found; where the text ends, if it is not."""
    found = pattern.search(text, 0, clean.LONGEST)
    return found.start() if found else len(text)


def _attribution(text: str) -> int:
    """Where somebody is said to have written what follows."""
    for place, lines in _candidates(_OPENING, text, _ATTRIBUTION_LINES):
        for count in range(1, len(lines) + 1):
            said = " ".join(lines[:count]).strip()
            if _WROTE.search(said) and (_WHEN.search(said) or "".join(lines[count : count + 1]).startswith(">")):
                return place
    return len(text)


def _block(text: str) -> int:
    """Where the headers of another mail stand. One line such as "De : Paris" is none of them."""
    for place, lines in _candidates(_FROM, text, _BLOCK_LINES):
        following = [line.strip() for line in lines[1:]]
        if any(map(_SENT.match, following)) and any(map(_SUBJECT.match, following)):
            return place
    return len(text)


def _candidates(pattern: re.Pattern[str], text: str, most: int) -> Iterator[tuple[int, list[str]]]:
    """Where a line begins so, and that line with those that follow at once, of 300 characters at most each."""
    for found in islice(pattern.finditer(text, 0, clean.LONGEST), MOST_CANDIDATES):
        lines = text[found.start() : found.start() + most * 300].split("\n", most)[:most]
        until = next((place for place, line in enumerate(lines) if place and not line.strip()), len(lines))
        yield found.start(), lines[:until]


def _less_rule(text: str) -> str:
    """The text without the line of underscores that Outlook draws above its block."""
    above, _, last = text.rstrip().rpartition("\n")
    return above if len(last) >= 5 and not last.strip("_ ") else text


def _without_signature(text: str) -> str:
    """The text above the first line, of its last ones, that begins a signature."""
    start = len(text)
    for _ in range(SIGNATURE_LINES):
        start = text.rfind("\n", 0, max(start, 0))
        if start < 0:
            break
    found = [one.start() for one in (_SIGNATURE.search(text, start + 1), _DEVICE.search(text, start + 1)) if one]
    return text[: min(found, default=len(text))]
