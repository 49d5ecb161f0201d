"""HTML as the text that its reader sees, without what is quoted or signed: linear, and one walk without recursion.

Written for lines of a phone: a table is its cells one after the other. (Libraries that draw tables fill them with blanks: 140 kB of
HTML became 200 MB of text in one of them.)
"""

import re
from collections.abc import Iterator
from typing import Any, Final

from lxml import etree
from lxml import html as parser

from connectors.mail2sms.parse import styles

MOST: Final = 4 * 1024 * 1024  # characters
MOST_ELEMENTS: Final = 200_000
MOST_DEPTH: Final = 250  # libxml2 stops at 256, and drops what is deeper

Element = Any  # of lxml, which has no types

_UNSEEN: Final = (
    "head script style title template noframes svg iframe object audio video canvas select textarea datalist"
)
_PARAGRAPHS: Final = "p h1 h2 h3 h4 h5 h6 ul ol dl blockquote pre hr table"
_LINES: Final = (
    "div li tr dt dd address article aside body caption center fieldset figcaption figure footer form header main nav section tbody thead"
    " tfoot details summary"
)
# Quotes and signatures, as Gmail, Thunderbird, Apple, Yahoo, Proton, Zoho, Outlook and its mobile sister mark them.
_LEFT_OUT: Final = (
    "gmail_quote gmail_attr gmail_signature gmail_extra moz-cite-prefix moz-signature moz-forward-container yahoo_quoted protonmail_quote"
    " protonmail_signature_block zmail_extra tutanota_quote outlookmessageheader ms-outlook-mobile-reference-message"
    " ms-outlook-mobile-signature applemailsignature signature x_signature mail-editor-reference-message-container"
)
_KINDS: Final = {
    **dict.fromkeys(_UNSEEN.split(), "unseen"),
    **dict.fromkeys(_PARAGRAPHS.split(), "paragraph"),
    **dict.fromkeys(_LINES.split(), "line"),
}
_MARKED: Final = frozenset(_LEFT_OUT.split())
_NOTHING_BELOW: Final = frozenset(
    {"divrplyfwdmsg", "appendonsend", "stopspelling", "x_divrplyfwdmsg", "x_appendonsend"}
)
_BLANKS: Final = re.compile("[ \t\r\n\f]+")
_CONTROLS: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NO_MARGIN: Final = re.compile(r"margin(?:-top|-bottom)?:0")


class DeepError(Exception):
    """More elements, or elements within elements, than are read."""


def text_of(source: str) -> str:
    """What is seen, unclean. Raises DeepError: where the parser gave up, what it gives is not the whole text."""
    tree = _tree(source)
    if tree is None:
        return ""
    hidden = frozenset(one for style in tree.iter("style") for one in styles.hidden(style.text or ""))
    page = _Page()
    for mark, element in _walk(tree, hidden):
        page.take(mark, element)
    return "".join(page.pieces)


def _tree(source: str) -> Element | None:
    plain = _CONTROLS.sub("", source)
    if not plain.strip():
        return None
    reader = parser.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True)
    try:
        return parser.document_fromstring(plain.encode("utf-8"), parser=reader)
    except (etree.ParserError, etree.XMLSyntaxError):  # nothing but comments
        return None


def _walk(root: Element, hidden: frozenset[str]) -> Iterator[tuple[str, Element]]:
    """Each element that is seen, as it begins, as it ends, and (`tail`) what stands behind it."""
    path: list[Element] = []
    element, seen = root, 0
    while True:
        seen += 1
        if seen > MOST_ELEMENTS or len(path) > MOST_DEPTH:
            raise DeepError
        names = _names(element)
        if names & _NOTHING_BELOW:
            return
        left_out = _is_left_out(element, names, hidden)
        if not left_out:
            yield "begin", element
            if len(element):
                path.append(element)
                element = element[0]
                continue
            yield "end", element
        if element is root:
            return
        yield "tail", element
        while (following := element.getnext()) is None:
            element = path.pop()
            yield "end", element
            if element is root:
                return
            yield "tail", element
        element = following


def _names(element: Element) -> frozenset[str]:
    """Its classes, and its id, in lower case."""
    return frozenset(f"{element.get('class') or ''} {element.get('id') or ''}".lower().split())


def _is_left_out(element: Element, names: frozenset[str], hidden: frozenset[str]) -> bool:
    if not isinstance(element.tag, str) or _KINDS.get(element.tag) == "unseen" or names & _MARKED:
        return True
    if element.get("hidden") is not None or any("preheader" in name for name in names):
        return True
    style = element.get("style") or ""
    if element.tag == "blockquote":
        return "border:none" not in style.replace(" ", "").lower()  # so does Gmail indent what is new
    return styles.hides(style) or any(f".{name}" in hidden or f"#{name}" in hidden for name in names)


class _Page:
    """The text as it grows: how many line ends are due before the next letter, and whether a blank is."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self._lines = 0
        self._blank = False
        self._plain = 0  # within <pre>

    def take(self, mark: str, element: Element) -> None:
        if mark == "tail":
            self._text(element.tail)
            return
        self._break(element, begins=mark == "begin")
        if element.tag == "pre":
            self._plain += 1 if mark == "begin" else -1
        if mark == "begin":
            if element.tag == "li":
                self._text("- ")
            self._text(element.text)

    def _break(self, element: Element, *, begins: bool) -> None:
        kind = _KINDS.get(element.tag)
        if element.tag == "br":
            self._lines += begins
        elif kind == "paragraph":
            self._lines = max(self._lines, 1 if element.tag == "p" and _is_tight(element) else 2)
        elif kind == "line":
            self._lines = max(self._lines, 1)
        elif element.tag in {"td", "th"}:
            self._blank = True

    def _text(self, text: str | None) -> None:
        if not text:
            return
        if self._plain:
            self._flush()
            self.pieces.append(text)
            return
        words = _BLANKS.sub(" ", text)
        bare = words.strip(" ")
        if bare:
            self._blank = self._blank or words[0] == " "
            self._flush()
            self.pieces.append(bare)
        self._blank = words[-1] == " "

    def _flush(self) -> None:
        if self.pieces:
            self.pieces.append("\n" * self._lines if self._lines else " " * self._blank)
        self._lines, self._blank = 0, False


def _is_tight(paragraph: Element) -> bool:
    """Whether it is a line only, as Outlook writes them."""
    style = (paragraph.get("style") or "").replace(" ", "").lower()
    return "msonormal" in (paragraph.get("class") or "").lower() or _NO_MARGIN.search(style) is not None
