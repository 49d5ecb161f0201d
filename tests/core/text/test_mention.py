"""The STOP mention."""

import pytest

from core.text.mention import Mentions

MENTIONS = Mentions("36034", "stop.test")


def test_france_texts_stop_to_a_short_code_and_others_visit_a_page() -> None:
    assert MENTIONS.append("Soldes", "FR") == "Soldes STOP 36034"
    assert MENTIONS.append("Sale", "GB") == "Sale stop.test"


def test_the_mentions_have_the_promised_lengths() -> None:
    assert len(MENTIONS.of("FR")) == 10
    assert len(MENTIONS.of("GB")) == 9


@pytest.mark.parametrize("text", ["Soldes STOP 36034", "Soldes STOP 36034 \n", "Soldes\nSTOP 36034"])
def test_a_text_that_ends_in_the_mention_gets_no_second_one(text: str) -> None:
    assert MENTIONS.append(text, "FR") == text.rstrip()


@pytest.mark.parametrize("text", ["NONSTOP 36034", "STOP 36034 avant lundi", "Soldes stop.test"])
def test_a_text_that_only_resembles_it_gets_the_mention(text: str) -> None:
    assert MENTIONS.append(text, "FR") == f"{text} STOP 36034"


def test_white_space_at_the_end_makes_way_for_the_mention() -> None:
    assert MENTIONS.append("Soldes \n", "FR") == "Soldes STOP 36034"


@pytest.mark.parametrize(
    "ending, after",
    [
        ("Soldes", " STOP 36034"),
        ("Soldes STOP 36034", ""),
        ("NONSTOP 36034", " STOP 36034"),
        ("STOP 36034", None),
        ("6034", None),
        ("", None),
    ],
)
def test_what_stands_before_matters_only_where_the_ending_may_be_a_part_of_the_mention(
    ending: str, after: str | None
) -> None:
    assert MENTIONS.after(ending, "FR") == after
