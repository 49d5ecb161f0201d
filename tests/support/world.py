"""A small world to test in: a runtime on a fresh database with a clock that a test moves by hand."""

import random
from collections.abc import Mapping
from typing import Any

from core.credits import tariff
from core.database import Database
from core.ids import UuidV7
from core.runtime import Rules, Runtime
from core.text.mention import Mentions

NOON = 1_790_000_000_000  # 2026-09-21, a Monday, in UTC milliseconds


class ManualClock:
    """A clock that stands still until a test moves it."""

    def __init__(self, now: int = NOON) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now

    def forward(self, *, ms: int = 0, seconds: int = 0, minutes: int = 0, hours: int = 0, days: int = 0) -> None:
        self.now += ms + 1000 * (seconds + 60 * (minutes + 60 * (hours + 24 * days)))


class Rung:
    """A doorbell that remembers what rang."""

    def __init__(self) -> None:
        self.topics: list[str] = []

    def ring(self, topic: str) -> None:
        self.topics.append(topic)


class Letters:
    """Mail that stays here."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, str]] = []

    def send(self, to: str, subject: str, body: str) -> None:
        self.sent.append((to, subject, body))


def rules(**changes: Any) -> Rules:
    plain: dict[str, Any] = {
        "tariff": tariff.load(None),
        "mentions": Mentions("36034", "stop.test"),
        "short_code": "36034",
    }
    return Rules(**(plain | changes))


def runtime_on(database: Database, carriers: Mapping[str, Any] | None = None, **changes: Any) -> Runtime:
    """A runtime whose every source of chance is fixed."""
    clock = changes.pop("clock", None) or ManualClock()
    chance = random.Random(7)
    parts: dict[str, Any] = {
        "rules": rules(),
        "clock": clock,
        "random": chance,
        "ids": UuidV7(clock, chance.getrandbits),
        "doorbell": Rung(),
        "mail": Letters(),
    }
    return Runtime(database=database, carriers=carriers or {}, **(parts | changes))
