"""What is inserted in bulk reads back as it was, by every way in and on both databases."""

from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Boolean, Column, Float, LargeBinary, MetaData, Table, Text, select

from core import copying
from core.copying import Rows
from core.database import COPY_FROM_ROWS
from core.schema import Id
from tests.support.engine import Engine
from tests.support.examples import examples

THINGS = Table(
    "things",
    MetaData(),
    Column("place", BigInteger(), primary_key=True),
    Column("words", Text()),
    Column("other", Text()),
    Column("whole", BigInteger()),
    Column("yes", Boolean()),
    Column("real", Float()),
    Column("raw", LargeBinary()),
    Column("made", Id()),
)
NAMES = [column.name for column in THINGS.c]
WORDS = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])) | st.text(
    st.sampled_from("\\N\t\n\r.")
)
WHOLE = st.integers(min_value=-(2**63), max_value=2**63 - 1)
ROW = st.tuples(
    st.none() | WORDS,
    WORDS,
    st.none() | WHOLE,
    st.none() | st.booleans(),
    st.none() | st.floats(allow_nan=False, allow_infinity=False),
    st.none() | st.binary(max_size=20),
    st.none() | st.uuids().map(str),
)


@pytest.fixture
def things(engine: Engine) -> Iterator[Engine]:
    THINGS.create(engine.database.engine)
    yield engine
    THINGS.drop(engine.database.engine)


def read_back(engine: Engine) -> list[tuple[Any, ...]]:
    with engine.runtime.read() as tx:
        return [tuple(row) for row in tx.all(select(THINGS).order_by(THINGS.c.place))]


def test_rows_read_back_as_they_were_written_however_many_there_are(things: Engine) -> None:
    @examples(60)
    @given(st.lists(ROW, min_size=1, max_size=4), st.sampled_from([1, COPY_FROM_ROWS]))
    def holds(rows: list[tuple[Any, ...]], times: int) -> None:
        written = [(place, *row) for place, row in enumerate(rows * times)]
        with things.runtime.begin() as tx:
            tx.execute(THINGS.delete())
            tx.insert(THINGS, NAMES, written)
        assert read_back(things) == written

    holds()


def test_what_rows_have_in_common_is_in_each_of_them(things: Engine) -> None:
    @examples(60)
    @given(ROW, ROW, st.lists(WORDS, min_size=1, max_size=4), st.sampled_from([1, COPY_FROM_ROWS]), st.booleans())
    def holds(first: tuple[Any, ...], second: tuple[Any, ...], words: list[str], times: int, drawn: bool) -> None:
        written: list[tuple[Any, ...]] = []
        heaps = []
        for common in (first, second):
            places = range(len(written), len(written) + times * len(words))
            rows = Rows({"place": places, "words": words * times})
            heaps.append((rows.draw() if drawn else rows, dict(zip(NAMES[2:], common[1:], strict=True))))
            written += [(place, word, *common[1:]) for place, word in zip(places, words * times, strict=True)]
        with things.runtime.begin() as tx:
            tx.execute(THINGS.delete())
            tx.insert_alike(THINGS, heaps)
        assert read_back(things) == written

    holds()


def test_nothing_is_inserted_out_of_nothing(things: Engine) -> None:
    with things.runtime.begin() as tx:
        tx.insert(THINGS, NAMES, [])
        tx.insert_alike(THINGS, [])
    assert read_back(things) == []


def test_tuples_are_the_rows(things: Engine) -> None:
    with things.runtime.begin() as tx:
        made = tx.new_id()
        tx.insert(THINGS, ("place", "words", "made"), [(1, "é", made), (2, None, None)])
        chosen = select(THINGS.c.place, THINGS.c.words, THINGS.c.made).order_by(THINGS.c.place)
        assert tx.tuples(chosen) == [(1, "é", made), (2, None, None)]


@pytest.mark.parametrize("words", [["\0"], ["a", "b\0", "c"], [None, "\0"]])
def test_a_nul_is_refused_since_postgresql_has_none(words: list[str | None]) -> None:
    with pytest.raises(psycopg.DataError):
        copying.fields([words])


def test_what_has_no_text_is_refused() -> None:
    with pytest.raises(TypeError):
        copying.fields([[object()]])
