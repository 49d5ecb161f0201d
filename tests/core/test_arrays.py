"""Lists as text arrays: what goes in comes out."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Boolean, Text, select

from core.arrays import literal
from core.database import Database
from core.schema import Id

ID = "01997b2c-1a2b-7c3d-8e4f-123456789abc"
TEXTS = ["plain", 'a"b', "back\\slash", '","', "", "NULL", "{é},", " spaced ", "line\nbreak", None]


@pytest.fixture
def database(database_url: str) -> Any:
    opened = Database(database_url)
    yield opened
    opened.close()


def test_values_come_back_as_they_were_given(database: Database) -> None:
    rows = [(ID, text, place) for place, text in enumerate(TEXTS)]
    with database.read() as connected:
        given_rows = connected.values("given", {"id": Id, "text": Text, "place": BigInteger}, rows)
        assert [tuple(row) for row in connected.all(select(given_rows).order_by(given_rows.c.place))] == rows


def test_truth_and_nothing_come_back_too(database: Database) -> None:
    rows = [(1, True), (2, False), (3, None), (None, True)]
    with database.read() as connected:
        given_rows = connected.values("given", {"place": BigInteger, "flag": Boolean}, rows)
        assert set(map(tuple, connected.all(select(given_rows)))) == set(rows)


def test_no_rows_are_an_empty_table(database: Database) -> None:
    with database.read() as connected:
        assert connected.all(select(connected.values("given", {"id": Id, "text": Text}, []))) == []


def test_what_needs_no_care_is_joined_and_the_rest_is_escaped() -> None:
    assert literal([1, 2]) == "{1,2}"
    assert literal(["a", "b"]) == '{"a","b"}'
    assert literal(['","', "b"]) == '{"\\",\\"","b"}'
    assert literal(['a"', "\\"]) == '{"a\\"","\\\\"}'
    assert literal([None, True, "a"]) == '{NULL,true,"a"}'
    assert literal([]) == "{}"


@given(st.lists(st.text(alphabet='",\\ab{}', max_size=4), max_size=4))
def test_however_texts_are_made_of_quotes_and_commas_each_is_told_from_the_next(texts: list[str]) -> None:
    read, rest = [], literal(texts)[1:-1]
    while rest:
        end = 1
        while rest[end] != '"':
            end += 2 if rest[end] == "\\" else 1
        read.append(rest[1:end].replace('\\"', '"').replace("\\\\", "\\"))
        rest = rest[end + 2 :]
    assert read == texts
