"""Words for tests of the simulator."""

from collections.abc import Callable

from core.carriers.simulator import Simulator
from tests.core.carriers.contract_cases import Gathered
from tests.support.world import ManualClock

ORDINARY = 33612345678
ARRIVAL = ["delivered_operator", "received"]

Open = Callable[..., Simulator]


def ending_in(digits: int) -> int:
    return ORDINARY // 100 * 100 + digits


def statuses(inbox: Gathered) -> list[str]:
    return [receipt.status for receipt in inbox.receipts]


def heard_in_time(simulator: Simulator, clock: ManualClock) -> Gathered:
    """All that is told within the next three seconds."""
    inbox = Gathered()
    for _ in range(60):
        clock.forward(ms=50)
        while simulator.pump(inbox):
            pass
    return inbox
