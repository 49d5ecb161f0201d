"""`make chaos`: MINUTES=5 of random kill -9 under load, then a table. SEED= repeats a run's chances; exit code 1 on any finding."""

import os
import secrets
import sys
import time

from rich.console import Console
from rich.table import Table

from tests.chaos.house import Plan
from tests.chaos.rounds import Course, everybody, figures, run

PEOPLE = 20_000
SHARE = 0.6  # of the time that the carrier needs for the campaign, were nobody killed


def main() -> int:
    minutes = float(os.environ.get("MINUTES") or 5)
    seed = int(os.environ.get("SEED") or secrets.randbelow(1_000_000))
    people = int(os.environ.get("PEOPLE") or PEOPLE)
    seconds = minutes * 60
    plan = Plan(per_second=max(20.0, people / (seconds * SHARE)))
    console, began = Console(), time.monotonic()
    console.print(f"chaos for {minutes:g} minutes among {people:,} recipients; SEED={seed} repeats it")
    course = Course(seed, people, seconds, everybody(plan), plan=plan)
    outcome = run(course, lambda line: console.print(f"{time.monotonic() - began:7.1f} s  {line}"))
    table = Table("what", "how many", title=f"SEED={seed}")
    for name, count in figures(outcome).items():
        table.add_row(name, f"{count:,}")
    console.print(table)
    for finding in outcome.findings:
        console.print(f"FINDING  {finding}", style="red", markup=False)
    console.print(
        "lost 0, doubled 0, nothing left behind" if not outcome.findings else f"{len(outcome.findings)} findings"
    )
    return 1 if outcome.findings else 0


if __name__ == "__main__":
    sys.exit(main())
