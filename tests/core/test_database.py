"""The same answers from both databases."""

import sqlite3

import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from core.schema import pauses
from tests.support.engine import Engine

ROW = {"kind": "hub", "subject": "", "reason": "test", "created_at": 1}


def test_an_insert_tells_how_many_rows_it_wrote(engine: Engine) -> None:
    with engine.runtime.begin() as tx:
        statement = tx.upsert(pauses).values(**ROW).on_conflict_do_nothing()
        assert [tx.execute(statement), tx.execute(statement)] == [1, 0]


def test_a_conditional_upsert_tells_whether_it_did_anything(engine: Engine) -> None:
    with engine.runtime.begin() as tx:
        later = {"created_at": 2}
        statement = (
            tx.upsert(pauses)
            .values(**ROW)
            .on_conflict_do_update(index_elements=["kind", "subject"], set_=later, where=pauses.c.created_at < 2)
        )
        assert [tx.execute(statement) for _ in range(3)] == [1, 1, 0]


def test_an_error_of_the_database_does_not_tell_the_values(engine: Engine) -> None:
    with pytest.raises(IntegrityError) as caught, engine.runtime.begin() as tx:
        tx.execute(pauses.insert().values([ROW | {"reason": "+33612345678"}] * 2))
    assert "+33612345678" not in str(caught.value)


def test_a_pipeline_within_another_is_part_of_it_and_takes_rows_of_any_number(engine: Engine) -> None:
    columns = ("kind", "subject", "reason", "created_at")
    many = [("account", str(number), "test", number) for number in range(50)]
    with engine.runtime.begin() as tx:
        with tx.pipelined():
            tx.insert(pauses, columns, [("hub", "", "test", 1)])
            with tx.pipelined():
                tx.insert(pauses, columns, many)
            tx.connection.execute(pauses.update().values(reason="again"))
        assert tx.scalar(select(func.count()).where(pauses.c.reason == "again")) == 51
    refused = (IntegrityError, sqlite3.IntegrityError)
    with pytest.raises(refused), engine.runtime.begin() as tx, tx.pipelined(), tx.pipelined():
        tx.insert(pauses, columns, many)
    with engine.runtime.begin() as tx:  # what failed leaves nothing behind
        assert tx.scalar(select(func.count()).select_from(pauses)) == 51
