"""Carriers to test: simulators on one file, and HTTP carriers of real servers."""

import random
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from core.carriers import http_settings
from core.carriers.contract import Outcome
from core.carriers.http import HttpCarrier
from core.carriers.simulator import Simulator, SimulatorSettings
from tests.core.carriers.contract_cases import attempt, sent
from tests.core.carriers.providers import PLAIN, Behaviour, Serve, serving
from tests.core.carriers.simulators import Open
from tests.support.world import ManualClock

OpenHttp = Callable[..., HttpCarrier]


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def open_simulator(tmp_path: Path, clock: ManualClock) -> Iterator[Open]:
    """Opens simulators on one file, as several processes of a host would."""
    opened: list[Simulator] = []

    def open_one(
        path: Path | None = None, sleep: Callable[[float], None] = lambda _: None, **options: Any
    ) -> Simulator:
        chance = random.Random(len(opened))
        busy = {"busy_timeout_s": options.pop("busy_timeout_s")} if "busy_timeout_s" in options else {}
        chosen = SimulatorSettings("simulator", **options)
        opened.append(
            Simulator(chosen, path or tmp_path / "simulator-simulator.db", clock, chance.getrandbits, sleep, **busy)
        )
        return opened[-1]

    yield open_one
    for simulator in opened:
        simulator.close()


@pytest.fixture
def simulator(open_simulator: Open) -> Simulator:
    return open_simulator()


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def serve(stack: ExitStack) -> Serve:
    return lambda behaviour, tls=None: stack.enter_context(serving(behaviour, tls))


@pytest.fixture
def open_carrier(stack: ExitStack, clock: ManualClock) -> OpenHttp:
    """A carrier by its settings, which are without fault."""

    def open_one(url: str, **changes: Any) -> HttpCarrier:
        entry = {name: value for name, value in (PLAIN | {"url": url} | changes).items() if value is not None}
        assert list(http_settings.faults(entry)) == []
        carrier = HttpCarrier(http_settings.read(entry), clock)
        stack.callback(carrier.close)
        return carrier

    return open_one


@pytest.fixture
def ask(serve: Serve, open_carrier: OpenHttp) -> Callable[..., Outcome]:
    """What one message comes to at a provider that behaves so."""

    def ask_one(behaviour: Behaviour, **changes: Any) -> Outcome:
        (outcome,) = sent(open_carrier(serve(behaviour).url, **changes), [attempt()])
        return outcome

    return ask_one
