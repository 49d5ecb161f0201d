"""The checker of `make chaos` finds nothing in a hub that kept its promises, and each promise that is broken on purpose."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, insert, update

from core import schema
from core.carriers.simulator_endings import Taken
from hub.hooks.relay import relay
from hub.hooks.triggers import TRIGGERS
from tests.chaos.checker import Told, findings
from tests.support.engine import Engine

PARIS, LYON, BREST = 33612345678, 33612345679, 33612345680


class World:
    """A hub at rest after a campaign, a message to one, and an opt-out; and what its client and carrier know."""

    def __init__(self, engine: Engine) -> None:
        self.engine, self.told = engine, Told()
        self.account = engine.account()
        campaign = engine.campaign(self.account, f"+{PARIS}", f"+{LYON}")
        self.told.campaigns[campaign.id] = frozenset({PARIS, LYON})
        self.single = engine.send(self.account, f"+{BREST}", reference="key").id
        self.told.singles["key"].add(self.single)
        engine.later(3, hours=1)
        engine.block(self.account, BREST)
        self.told.stops[self.account.id, BREST] = engine.clock.now
        while relay(engine.runtime, TRIGGERS, []):
            pass
        self.log = engine.taken()

    def findings(self) -> str:
        return "\n".join(findings(self.engine.runtime, self.log, self.told))

    def write(self, statement: Any) -> None:
        with self.engine.runtime.begin() as tx:
            tx.execute(statement)

    def one(self) -> Any:
        return schema.messages.c.id == self.single


@pytest.fixture
def world(database_url: str, tmp_path: Path) -> Iterator[World]:
    engine = Engine(database_url, tmp_path)
    yield World(engine)
    engine.close()


def test_a_hub_that_kept_its_promises_has_no_findings(world: World) -> None:
    assert len(world.log) == 3
    assert world.findings() == ""


def double(world: World) -> None:
    world.log.append(Taken(9, *world.log[0][1:]))


def lose(world: World) -> None:
    world.write(delete(schema.messages).where(world.one()))


def forget_sending(world: World) -> None:
    world.log = [one for one in world.log if one.reference != world.single]


def miss_a_receipt(world: World) -> None:
    world.write(update(schema.messages).where(world.one()).values(status="sent"))


def stop_earlier(world: World) -> None:
    world.told.stops[world.account.id, BREST] = 0


def miss_an_event(world: World) -> None:
    world.told.listening = world.account.id


def answer_twice(world: World) -> None:
    world.told.singles["key"].add("another")


def expect_more(world: World) -> None:
    campaign_id = next(iter(world.told.campaigns))
    world.told.campaigns[campaign_id] |= {BREST}


def leave_a_window(world: World) -> None:
    row = {"chunk_id": world.single, "carrier": "simulator", "owner": "x", "size": 1, "claimed_at": 1, "lease_until": 1}
    world.write(insert(schema.windows).values(id=world.single, **row))


def leave_a_chunk(world: World) -> None:
    world.write(update(schema.chunks).values(step="lookup", status="ready"))


def lose_money(world: World) -> None:
    world.write(update(schema.ledger_accounts).where(schema.ledger_accounts.c.kind == "spent").values(balance=1))


@pytest.mark.parametrize(
    "break_it, words",
    [
        (double, "was sent more than once"),
        (lose, "was accepted and is lost"),
        (forget_sending, "is charged and was never sent"),
        (miss_a_receipt, "did not end as it should"),
        (stop_earlier, "after its opt-out was seen"),
        (miss_an_event, "events never arrived"),
        (answer_twice, "keys were answered differently"),
        (expect_more, "recipients are lost"),
        (leave_a_window, "1 windows are left behind"),
        (leave_a_chunk, "chunks are left behind"),
        (lose_money, "the ledger"),
    ],
)
def test_a_promise_that_is_broken_is_found(world: World, break_it: Callable[[World], None], words: str) -> None:
    break_it(world)
    assert words in world.findings()
