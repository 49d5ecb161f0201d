"""The words of letters: both languages say the same, and every reason is told in both."""

import json
import string
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from connectors.mail2sms.answer import words
from connectors.mail2sms.answer.bodies import Teller
from connectors.mail2sms.decide import options
from connectors.mail2sms.parse import directives
from connectors.mail2sms.refusals import REFUSALS, said
from tests.support.correspondence import FACTS

EN, FR = words.of("en"), words.of("fr")
PARIS = ZoneInfo("Europe/Paris")


def sentences(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Each text of the words, by where it stands."""
    if isinstance(value, dict):
        for name, one in value.items():
            yield from sentences(one, f"{path}/{name}")
    elif isinstance(value, str):
        yield path, value


def facts_of(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


def test_both_languages_have_the_same_sentences_with_the_same_facts() -> None:
    english, french = dict(sentences(EN.of)), dict(sentences(FR.of))
    only_translated = {path for path in french if path.startswith("/values/")}
    assert set(english) - only_translated == set(french) - only_translated
    assert {path: facts_of(text) for path, text in english.items() if path in french} == {
        path: facts_of(text) for path, text in french.items() if path in english
    }
    assert [len(of.of[name]) for of in (EN, FR) for name in ("weekdays", "months")] == [7, 12] * 2


def test_every_reason_is_told_in_both_languages_with_the_same_facts() -> None:
    assert [code for code, one in REFUSALS.items() if not one.fr or facts_of(one.en) != facts_of(one.fr)] == []


@pytest.mark.parametrize("code", sorted(REFUSALS))
def test_a_reason_is_a_sentence_with_its_facts_filled_in(code: str) -> None:
    facts = dict.fromkeys(facts_of(REFUSALS[code].en), "seven")
    for language in ("en", "fr"):
        told = said(code, facts, language)
        assert "{" not in told
        assert told.count("seven") >= len(facts)
        assert "…" in said(code, {}, language) or not facts


def test_what_parsers_advise_is_told_in_french_too() -> None:
    cures = [cure for _, cure in directives._KNOWN.values()] + [options.CURE]
    assert [cure for cure in cures if FR.value(cure) == cure] == []
    assert FR.refusal("held_sender_cap", {"most": 100, "period": "an hour"}).endswith("100 SMS en une heure.")


def test_why_the_engine_refused_is_told_by_its_code() -> None:
    facts = {"number": "0142685300", "why": "This is a fixed line, which takes no SMS.", "reason": "fixed_line_number"}
    assert EN.refusal("number_invalid", facts).endswith("can't be texted: This is a fixed line, which takes no SMS.")
    assert FR.refusal("number_invalid", facts) == "Aucun SMS ne peut être envoyé à 0142685300 : c'est une ligne fixe."
    unknown = facts | {"reason": "never_heard_of"}
    assert FR.refusal("number_invalid", unknown).endswith("This is a fixed line, which takes no SMS.")


@pytest.mark.parametrize(
    "of, count, told",
    [
        (EN, 0, "0 credits"),
        (EN, 1, "1 credit"),
        (EN, 1.5, "1.5 credits"),
        (EN, 1234567.125, "1234567.125 credits"),
        (FR, 0, "0 crédit"),
        (FR, 1, "1 crédit"),
        (FR, 1.5, "1,5 crédit"),
        (FR, 2, "2 crédits"),
    ],
)
def test_counts_agree_with_their_number(of: words.Words, count: float, told: str) -> None:
    assert of.count("credits", count) == told


def test_moments_are_those_of_the_account() -> None:
    assert EN.moment(1_798_099_200_000, PARIS) == "Thursday 24 December 2026 at 09:00 (Europe/Paris)"
    assert FR.moment(1_798_099_200_000, PARIS) == "jeudi 24 décembre 2026 à 09:00 (Europe/Paris)"


def test_an_acceptance_names_everybody_and_says_why_somebody_gets_nothing() -> None:
    people = [
        {"number": 33612345678, "status": "queued", "segments": 2, "credits": 2, "why": None},
        {"group": "clients", "people": 42, "status": "queued"},
        {"group": "list", "people": 3, "status": "queued"},
        {"number": 33698765432, "status": "blacklisted", "segments": 0, "credits": 0, "why": "opted_out"},
        {"number": "0142685300", "status": "refused", "segments": 0, "credits": 0, "why": "fixed_line_number"},
        {"number": "12", "status": "refused", "segments": 0, "credits": 0, "why": "never_heard_of"},
    ]
    body = Teller(EN, PARIS).body("accepted", FACTS["accepted"] | {"people": people, "segments": None, "credits": 47})
    opening, gets, left_out, *_ = body.split("\n\n")
    assert opening == "Your mail goes out now to 46 people: 47 credits."
    assert gets.splitlines() == [
        "Who gets it:",
        "  +33 6 12 34 56 78: 2 segments, 2 credits",
        "  clients (42 people)",
        "  the attached list (3 people)",
    ]
    assert left_out.splitlines() == [
        "Who does not get it:",
        "  +33 6 98 76 54 32: this person asked for no more SMS",
        "  0142685300: this is a fixed line",
        "  12: it can't be texted (never_heard_of)",
    ]


def test_what_became_of_them_is_one_line_of_counts() -> None:
    counts = {"received": 2, "sent": 1, "unknown": 1, "failed_temporary": 1, "expired": 1, "refused": 1, "cancelled": 0}
    told = Teller(FR, PARIS).body("digest", FACTS["digest"] | {"counts": counts})
    assert told.splitlines()[0] == "Ce que sont devenus vos SMS : 2 reçus, 2 en route, 2 en échec, 1 laissé de côté."


def test_an_empty_text_and_every_status_of_the_engine_can_be_told() -> None:
    for status in ("scheduled", "queued", "sending", "rejected", "no_credit", "blacklisted", "failed_permanent"):
        failed = [{"number": 33612345678, "status": status, "why": None}] if status in EN.of["why"] else []
        told = Teller(EN, PARIS).body("digest", FACTS["digest"] | {"counts": {status: 3}, "failed": failed})
        assert "3 " in told
    assert Teller(EN, PARIS).body("reply", FACTS["reply"] | {"text": ""}).startswith("\n\n")


def test_the_files_are_json_that_people_can_read() -> None:
    for language in words.LANGUAGES:
        path = Path(words.__file__).with_name(f"{language}.json")
        assert "\\u" not in path.read_text(encoding="utf-8")
        assert json.loads(path.read_text(encoding="utf-8")) == words.of(language).of
