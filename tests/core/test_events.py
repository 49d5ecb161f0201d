"""Facts in the outbox: written a row a batch, read back one by one."""

import json

from core import events
from core.schema import outbox
from tests.support.engine import Engine

COMMON = {"campaign_id": None, "status": "sent", "status_detail": None, "carrier_code": "é\0", "at": 5}


def test_facts_that_differ_in_one_value_are_read_back_as_they_would_be_apart(engine: Engine) -> None:
    account = engine.account()
    apart = [{"message_id": id_, **COMMON} for id_ in ("a", "b", "c")]
    with engine.runtime.begin() as tx:
        events.emit(tx, account.id, "message.status", apart)
        events.append(tx, events.alike(account.id, "message.status", "message_id", ["a", "b", "c"], COMMON))
    one, other = engine.all(outbox)
    assert events.facts(one.payload) == events.facts(other.payload) == apart
    assert len(other.payload) < len(one.payload)


def test_a_row_of_before_is_read_as_ever() -> None:
    assert events.facts(json.dumps([{"reply_id": "r", "at": 1}])) == [{"reply_id": "r", "at": 1}]


def test_a_row_holds_so_many_facts_and_no_more(engine: Engine) -> None:
    account = engine.account()
    ids = [str(place) for place in range(events.ALIKE_FACTS + 1)]
    with engine.runtime.begin() as tx:
        events.append(tx, events.alike(account.id, "message.status", "message_id", ids, COMMON))
        events.emit(tx, account.id, "reply.received", [{"reply_id": id_} for id_ in ids[: events.ROW_FACTS + 1]])
    sizes = [len(events.facts(row.payload)) for row in engine.all(outbox)]
    assert sizes == [events.ALIKE_FACTS, 1, events.ROW_FACTS, 1]
    assert [fact["message_id"] for fact in engine.facts(account, "message.status")] == ids


def test_no_facts_are_no_row(engine: Engine) -> None:
    with engine.runtime.begin() as tx:
        events.emit(tx, tx.new_id(), "message.status", [])
        events.append(tx, events.alike(tx.new_id(), "message.status", "message_id", [], COMMON))
        assert not tx.rings
    assert engine.all(outbox) == []
