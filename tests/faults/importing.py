"""A process of a hub that imports until it is killed; run by test_imports_killed. Arguments: database, import."""

import random
import sys

from core import Database, Runtime, UuidV7, imports, wall_clock
from tests.support.world import rules


def said(_point: str) -> None:
    """Tell who may kill us that a batch is about to commit."""
    sys.stdout.write("batch\n")
    sys.stdout.flush()


def main(url: str, import_id: str) -> None:
    chance = random.SystemRandom()
    ids = UuidV7(wall_clock, chance.getrandbits)
    runtime = Runtime(Database(url), rules(), ids=ids, random=chance, fault=said)
    imports.run(runtime, import_id)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
