"""One run: a hub under load, victims at random times, rest, and the checker."""

import random
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from tests.chaos import checker
from tests.chaos.house import House, Plan
from tests.chaos.load import Load, endpoint

WIPE: Final = "redis wiped"
CHILD: Final = "a web child"
REST_S: Final = 600.0
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Course:
    """How a run goes: for how long who is killed, by which chance, and after how long it is started again."""

    seed: int
    recipients: int
    seconds: float
    victims: Sequence[str]
    between_s: tuple[float, float] = (2.0, 8.0)
    dead_s: tuple[float, float] = (0.2, 3.0)
    plan: Plan = field(default_factory=Plan)
    kills: int = 1_000_000  # at most


@dataclass(slots=True)
class Outcome:
    """What became of it. `lost` and `doubled` are counted apart from all the `findings` that they are among."""

    seed: int
    killed: Counter[str] = field(default_factory=Counter)
    messages: int = 0
    sent: int = 0
    unknown: int = 0
    opted_out: int = 0
    answered: int = 0
    asked_again: int = 0
    rested_s: float = 0.0
    findings: list[str] = field(default_factory=list)


def everybody(plan: Plan) -> list[str]:
    """All that can be killed in such a hub."""
    workers = [f"worker-{n + 1}" for n in range(plan.workers)]
    return ["web", CHILD, *workers, *(["listen"] if plan.listen else []), "redis", "postgres", WIPE]


def run(course: Course, say: Say = lambda _line: None) -> Outcome:
    """A hub of its own, and one course through it."""
    with visited(course.plan, course.seed) as (house, load):
        return play(course, house, load, say)


@contextmanager
def visited(plan: Plan, seed: int) -> Iterator[tuple[House, Load]]:
    """A hub whose clients listen to its events, and have asked for nothing yet."""
    with House(plan) as house:
        load = Load(house, seed)
        with endpoint(load.told) as url:
            load.hook(url)
            yield house, load
            load.end()


def play(course: Course, house: House, load: Load, say: Say = lambda _line: None) -> Outcome:
    """A campaign and everything else that clients ask for; kill meanwhile, wait for rest, and check all there ever was."""
    outcome = Outcome(course.seed)
    load.campaign(course.recipients)
    load.start()
    _rampage(course, house, outcome, say)
    say("no more kills; the last clients get their answers")
    load.stop()
    _lift(house, outcome)
    say("waiting for rest")
    began = time.monotonic()
    checker.rest(house.runtime, REST_S, say)
    outcome.rested_s = time.monotonic() - began
    _judge(house, load, outcome)
    return outcome


def _rampage(course: Course, house: House, outcome: Outcome, say: Say) -> None:
    chance = random.Random(course.seed)
    ends = time.monotonic() + course.seconds
    while time.monotonic() < ends and outcome.killed.total() < course.kills:
        time.sleep(chance.uniform(*course.between_s))
        victim = chance.choice(list(course.victims))
        say(f"kill -9: {victim}" if victim != WIPE else WIPE)
        outcome.killed[victim] += 1
        _strike(house, victim, chance.uniform(*course.dead_s), chance)
        _lift(house, outcome)


def _lift(house: House, outcome: Outcome) -> None:
    """Start who ended by itself, as a service manager would: a finding, unless it met no database when it began."""
    for name in house.fallen():
        if not house.residents[name].met_no_database():
            outcome.findings.append(f"{name} ended though nobody killed it")
        house.again(name)


def _strike(house: House, victim: str, dead_s: float, chance: random.Random) -> None:
    if victim == WIPE:
        with house.redis.client() as client:
            client.flushall()
    elif victim == CHILD:
        if children := house.residents["web"].children():
            house.residents["web"].kill_child(chance.choice(children))
    else:
        house.kill(victim)
        time.sleep(dead_s)
        house.again(victim)


def _judge(house: House, load: Load, outcome: Outcome) -> None:
    log = house.log()
    outcome.findings.extend(load.refusals)
    outcome.findings.extend(checker.findings(house.runtime, log, load.told))
    outcome.messages = len(checker.read(house.runtime, log, load.told).rows)
    outcome.sent, outcome.opted_out = len(log), len(load.told.stops)
    outcome.unknown = checker.ever_unknown(house.runtime)
    outcome.answered, outcome.asked_again = len(load.told.singles), load.asked_again


def figures(outcome: Outcome) -> dict[str, Any]:
    """The outcome in words and numbers, for a table."""
    killed = {f"killed: {name}": count for name, count in sorted(outcome.killed.items())}
    return killed | {
        "messages": outcome.messages,
        "taken by carriers": outcome.sent,
        "unknown for a while, and settled": outcome.unknown,
        "opt-outs under way": outcome.opted_out,
        "requests answered": outcome.answered,
        "requests made again": outcome.asked_again,
        "seconds until rest": round(outcome.rested_s),
        "findings": len(outcome.findings),
    }
