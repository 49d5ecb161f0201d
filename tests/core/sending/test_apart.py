"""One receipt or reply that can't be applied holds up no other, whoever's they are; it is told, counted and tried again."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from structlog.testing import capture_logs

from core import backlog
from core.carriers.contract import LONGEST_REF, Ambiguous, Inbound, Receipt
from core.schema import receipt_batches, replies
from core.schema import receipts as parked
from core.sending import receipts
from core.sending import replies as answered
from core.sending.apart import PUT_OFF_MS
from core.text.mention import Mentions
from tests.support.engine import Engine
from tests.support.scripted import Scripted

PARIS, LYON = "+33612345620", "+33612345621"
NO_CODE: Any = ["a code that no column takes"]


@pytest.fixture
def engine(make_engine: Callable[..., Engine]) -> Engine:
    return make_engine(carrier=Scripted())


def two_sent(engine: Engine) -> list[str]:
    """Messages of two accounts; their ids."""
    sent = [engine.send(engine.account(name), number).id for name, number in (("A", PARIS), ("B", LYON))]
    engine.settle()
    return sent


def left(engine: Engine, *came: Receipt) -> None:
    """One batch that waits."""
    receipts.inbox(engine.runtime)(engine.carrier.name, came, [])


def put_off(engine: Engine) -> int:
    with engine.runtime.read() as tx:
        return backlog.counts(tx)["put_off"]


def test_a_batch_that_cannot_be_applied_holds_up_no_other(engine: Engine) -> None:
    first, second = two_sent(engine)
    left(engine, Receipt("received", NO_CODE, 1, first))
    left(engine, Receipt("received", "000", 1, second))
    with capture_logs() as logs:
        receipts.apply(engine.runtime)
    assert [engine.row(id_).status for id_ in (first, second)] == ["sent", "received"]
    assert [row.applied_at is None for row in engine.all(receipt_batches)] == [True, False]
    assert [line["error"] for line in logs if line["event"] == "receipts.put_off"] == ["TypeError"]
    assert put_off(engine) == 1
    assert engine.faults() == []


def test_nor_does_one_receipt_hold_up_those_that_came_with_it(engine: Engine) -> None:
    first, second = two_sent(engine)
    many = [Receipt("delivered_operator", "1", 1, second) for _ in range(40)]
    left(engine, *many, Receipt("received", NO_CODE, 1, first), Receipt("received", "2", 1, second))
    assert receipts.apply(engine.runtime)
    assert [engine.row(id_).status for id_ in (first, second)] == ["sent", "received"]
    assert [row.size for row in engine.all(receipt_batches) if row.applied_at is None] == [1]
    assert json.loads(engine.all(receipt_batches)[0].outcome) == {"split": 42}
    assert engine.faults() == []


def test_what_was_put_off_is_tried_again_and_not_before_its_time(engine: Engine) -> None:
    first, _ = two_sent(engine)
    left(engine, Receipt("received", NO_CODE, 1, first))
    receipts.apply(engine.runtime)
    engine.clock.forward(ms=PUT_OFF_MS - 1)
    assert receipts.apply(engine.runtime) == 0
    (row,) = engine.all(receipt_batches)
    with engine.runtime.begin() as tx:  # as if the fault were mended
        mended = json.dumps([["received", "000", 1, first, None]])
        tx.execute(receipt_batches.update().where(receipt_batches.c.id == row.id).values(raw=mended))
    engine.clock.forward(ms=1)
    assert receipts.apply(engine.runtime) == 1
    assert (engine.row(first).status, put_off(engine)) == ("received", 0)


def test_a_batch_that_cannot_be_read_waits_and_holds_up_no_other(engine: Engine) -> None:
    """A newer version may have written it."""
    first, second = two_sent(engine)
    left(engine, Receipt("received", "000", 1, first))
    with engine.runtime.begin() as tx:
        tx.execute(receipt_batches.update().values(raw='[["received", "000", 1, null, null, "and more"]]'))
    left(engine, Receipt("received", "000", 1, second))
    receipts.apply(engine.runtime)
    assert [engine.row(id_).status for id_ in (first, second)] == ["sent", "received"]
    assert put_off(engine) == 1


def test_a_receipt_that_was_parked_and_cannot_be_applied_holds_up_no_other(engine: Engine) -> None:
    """Such as one whose id is too long for an index of PostgreSQL; it waited for its account's credits."""
    in_doubt(engine)
    first, second = two_sent(engine)
    endless = f"{random.Random(5).getrandbits(32_000):x}"
    with engine.runtime.begin() as tx:
        row = {"id": tx.new_id(), "carrier": "scripted", "status": "received", "reference": first, "at": 1}
        times = {"received_at": tx.now, "due_at": tx.now}
        tx.execute(parked.insert().values(carrier_id=endless, **row, **times))
    left(engine, Receipt("received", "000", 1, second))
    receipts.apply(engine.runtime)
    assert engine.row(second).status == "received"
    limited = engine.database.dialect == "postgresql"
    assert (engine.row(first).status, put_off(engine)) == (("unknown", 1) if limited else ("received", 0))
    assert receipts.apply(engine.runtime) == 0
    assert engine.faults() == []


def in_doubt(engine: Engine) -> None:
    """No message has its answer, nor the carrier's id with it."""
    assert isinstance(engine.carrier, Scripted)
    engine.carrier.answer = lambda attempt: Ambiguous(attempt.reference, "timeout")


def test_an_id_of_the_longest_kind_is_kept_and_found(engine: Engine) -> None:
    chance = random.Random(3)
    longest = "".join(chr(chance.randrange(0x20000, 0x2A6D0)) for _ in range(LONGEST_REF - 1))  # four bytes each
    in_doubt(engine)
    sent = two_sent(engine)
    left(engine, *(Receipt("delivered_operator", None, 1, id_, f"{n}{longest}") for n, id_ in enumerate(sent)))
    assert receipts.apply(engine.runtime) == 2
    left(engine, Receipt("received", None, 1, None, f"1{longest}"))
    receipts.apply(engine.runtime)
    assert [engine.row(id_).status for id_ in sent] == ["delivered_operator", "received"]


@dataclass(frozen=True, slots=True)
class Forgetful(Mentions):
    """Way-outs that break once they are told to."""

    broken: list[bool] = field(default_factory=list)

    def of(self, country: str) -> str:
        if self.broken:
            raise LookupError(country)
        return f"STOP {self.short_code}"


def test_a_reply_that_cannot_be_applied_holds_up_no_other_and_is_tried_again(
    make_engine: Callable[..., Engine],
) -> None:
    mentions = Forgetful()
    engine = make_engine(carrier=Scripted(), operator={"mentions": mentions})
    engine.send(engine.account(), PARIS, sender="Acme", purpose="marketing")
    engine.settle()
    mentions.broken.append(True)
    said = [Inbound(f"r-{n}", number, "36034", text, 1) for n, (number, text) in enumerate(SAID)]
    with capture_logs() as logs:
        engine.deliver([], said)
    waiting = [row.carrier_ref for row in engine.all(replies) if row.applied_at is None]
    assert waiting == ["r-1", "r-2"]
    assert put_off(engine) == 2
    assert [line["event"] for line in logs if line["event"] == "reply.put_off"] == ["reply.put_off"] * 2
    assert answered.apply(engine.runtime) == 0
    mentions.broken.clear()
    engine.clock.forward(ms=PUT_OFF_MS)
    assert answered.apply(engine.runtime) == 2
    assert put_off(engine) == 0
    assert engine.faults() == []


SAID = [(33612345621, "Oui"), (33612345620, "Non"), (33612345620, "STOP"), (33612345622, "STOP"), (33612345623, "Oui")]
