"""kill -9 at random, a victim of each kind, under a campaign with singles, STOPs, receipts and hooks; `make chaos` is the long form."""

import os
import signal
from collections.abc import Iterator

import pytest
from sqlalchemy import select

from core import schema
from tests.chaos import checker
from tests.chaos.house import House, Plan
from tests.chaos.load import Load
from tests.chaos.rounds import CHILD, REST_S, WIPE, Course, play, visited
from tests.support.serving import wait_for

pytestmark = pytest.mark.slow
SEED = 20_261_122
PEOPLE = 2_000
PLAN = Plan(workers=2, listen=True, per_second=1_000)


@pytest.fixture(scope="module")
def hub() -> Iterator[tuple[House, Load]]:
    """One hub for all: its processes take longer to start than a round takes."""
    with visited(PLAN, SEED) as made:
        yield made


@pytest.mark.parametrize(
    "victims",
    [["web", CHILD], ["worker-1", "worker-2"], ["listen"], ["redis", WIPE], ["postgres"]],
    ids=lambda them: them[0],
)
def test_nothing_is_lost_or_doubled(hub: tuple[House, Load], victims: list[str]) -> None:
    course = Course(SEED, PEOPLE, 30, victims, between_s=(0.2, 1.0), dead_s=(0.1, 0.5), plan=PLAN, kills=2)
    outcome = play(course, *hub)
    assert "\n".join(outcome.findings) == ""
    assert outcome.killed.total() == 2
    assert outcome.sent > 0


def test_a_lane_whose_process_hangs_is_taken_over_and_the_process_is_fenced(hub: tuple[House, Load]) -> None:
    house, load = hub
    before = len(house.log())
    load.campaign(PEOPLE)
    load.start()
    wait_for(lambda: len(house.log()) > before + PEOPLE // 8)
    hanging = lane_of(house)
    os.kill(process_of(hanging), signal.SIGSTOP)
    try:
        wait_for(lambda: lane_of(house) != hanging)
    finally:
        os.kill(process_of(hanging), signal.SIGCONT)
    load.stop()
    checker.rest(house.runtime, REST_S)
    assert "\n".join(checker.findings(house.runtime, house.log(), load.told)) == ""
    assert not house.fallen(), [house.residents[name].words()[-3000:] for name in house.fallen()]


def lane_of(house: House) -> str:
    """Who has the lane of the campaign's carrier."""
    with house.runtime.read() as tx:
        return str(tx.scalar(select(schema.lanes.c.owner).where(schema.lanes.c.carrier == "simulator")))


def process_of(owner: str) -> int:
    return int(owner.rsplit("-", 2)[1])
