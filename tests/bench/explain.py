"""The plans of every statement of the engine, on a database with a past: `python -m tests.bench.explain URL [MESSAGES]`.

The database is made, and must be empty. Plans that read all of a growing table stand first.
"""

import sys
import tempfile
from pathlib import Path

from tests.support import day, plans
from tests.support.databases import create_tables
from tests.support.engine import Engine


def main(url: str, count: int = 120_000) -> int:
    """Print the plans; how many read all of a growing table."""
    create_tables(url)
    with tempfile.TemporaryDirectory() as folder:
        found = gather(url, Path(folder), count)
    for plan in sorted(found, key=lambda plan: not plan.scans):
        print(f"{'SCANS' if plan.scans else 'ok   '} {plan.work}: {' '.join(plan.statement.split())[:400]}")
        print("".join(f"        {line}\n" for line in plan.lines))
    return sum(1 for plan in found if plan.scans)


def gather(url: str, folder: Path, count: int) -> list[plans.Plan]:
    """The plans of a day's work after a past of `count` messages."""
    engine = Engine(url, folder, carrier=day.carrier())
    account, *others = [engine.account(f"account {n}") for n in range(10)]
    plans.fill(engine, [account.id, *(other.id for other in others)], count)
    caught = plans.catch(engine.database)
    day.work(engine, account, caught)
    found = plans.explain(engine.database, caught)
    engine.close()
    return found


if __name__ == "__main__":
    sys.exit(1 if main(sys.argv[1], *map(int, sys.argv[2:])) else 0)
