"""The words: the same in both languages, all of them there, and none in a template."""

import re
import string
from html.parser import HTMLParser
from pathlib import Path

import pytest

import hub.console
from hub.console import language

FOLDER = Path(hub.console.__file__).parent
TEMPLATES = sorted((FOLDER / "html").glob("*.html"))
CODE = [path.read_text(encoding="utf-8") for path in (*TEMPLATES, *FOLDER.parent.rglob("*.py"))]
NAME = "smshub"  # the one word that is the same everywhere


def places(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_have_the_same_words_with_the_same_places() -> None:
    english, french = (language.words(code) for code in language.LANGUAGES)
    assert english.keys() == french.keys()
    assert [key for key in english if places(english[key]) != places(french[key])] == []
    assert [key for key in english if not english[key].strip() or not french[key].strip()] == []


def test_french_has_its_own_blanks_before_double_signs() -> None:
    plain = re.compile(r"(?<=\w) [;:!?»]|« (?=\w)")
    assert [key for key, text in language.words("fr").items() if plain.search(text)] == []


def test_every_word_that_a_template_says_is_there() -> None:
    said = {key for text in CODE for key in re.findall(r"\bt\(\"([\w.]+)\"[,)]", text)}
    assert said - language.words("en").keys() == set()
    counted = {key for text in CODE for key in re.findall(r"\btn\(\"([\w.]+)\"", text)}
    assert {f"{key}.{form}" for key in counted for form in ("one", "other")} <= language.words("en").keys()


def test_no_word_is_there_for_nothing() -> None:
    everything = "\n".join(CODE)

    def said(key: str) -> bool:
        """As it stands, or by its beginning: `"role." ~ role` in a template, `f"month.{number}"` in code."""
        parts = key.split(".")
        begins = [".".join(parts[:count]) for count in range(1, len(parts))]
        exact = key.removesuffix(".one").removesuffix(".other")
        written = [f'"{exact}"', *(f'"{one}." ~' for one in begins), *(f'"{one}.{{' for one in begins)]
        return any(text in everything for text in written)

    assert [key for key in language.words("en") if not said(key)] == []


class Bare(HTMLParser):
    """Words that stand in a template themselves."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        without = re.sub(r"\{%.*?%\}|\{\{.*?\}\}|\{#.*?#\}", " ", text, flags=re.DOTALL)
        self.feed(without)

    def handle_data(self, data: str) -> None:
        self.found += re.findall(r"[^\W\d_]{2,}", data.replace(NAME, ""))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        shown = {"aria-label", "alt", "title", "placeholder"}
        self.found += [word for name, value in attrs if name in shown for word in re.findall(r"\w{2,}", value or "")]


@pytest.mark.parametrize("template", TEMPLATES, ids=lambda path: path.name)
def test_no_template_holds_a_word_of_its_own(template: Path) -> None:
    assert Bare(template.read_text(encoding="utf-8")).found == []


@pytest.mark.parametrize(
    "code, shown",
    [
        ("en", ("1,234,567", "1,234.5", "12.5%", "100%", "3 May 2026, 14:05", "0 messages", "1 message")),
        (
            "fr",
            (
                "1\u202f234\u202f567",
                "1\u202f234,5",
                "12,5\u202f%",
                "100\u202f%",
                "3 mai 2026, 14:05",
                "0 message",
                "1 message",
            ),
        ),
    ],
)
def test_figures_and_times_are_written_as_the_language_writes_them(code: str, shown: tuple[str, ...]) -> None:
    at = 1_777_817_100_000  # 2026-05-03T14:05Z
    assert shown == (
        language.whole(code, 1_234_567),
        language.credits_(code, 1_234_500),
        language.percent(code, 12.5),
        language.percent(code, 100.0),
        language.moment(code, at),
        *(str(language.counted(code, "home.messages", count)) for count in (0, 1)),
    )


@pytest.mark.parametrize(
    "milliseconds, said",
    [
        (1, "1 second"),
        (59_000, "59 seconds"),
        (60_000, "1 minute"),
        (60_001, "2 minutes"),
        (3_600_000, "1 hour"),
        (86_400_000, "24 hours"),
    ],
)
def test_a_wait_is_told_in_words_and_never_too_short(milliseconds: int, said: str) -> None:
    assert str(language.duration("en", milliseconds)) == said


def test_what_a_visitor_typed_is_escaped_wherever_it_is_said() -> None:
    assert "&lt;b&gt;" in language.say("en", "link.invitation.title", account="<b>")
