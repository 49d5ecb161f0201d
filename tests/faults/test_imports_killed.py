"""kill -9 at random moments of an import: no row is lost, none is imported twice."""

import random
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from core import contacts, groups
from tests.support.book import a_book
from tests.support.spreadsheet import BAD, HEADER, WRITERS, people

ROOT = Path(__file__).parents[2]
PEOPLE, AGAIN, MOST_LIVES = 5_000, 700, 60


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["csv", "xlsx"])
def test_an_import_that_is_killed_again_and_again_ends_as_if_it_never_was(database_url: str, kind: str) -> None:
    chance = random.Random(20260921)
    rows = [HEADER, *people(PEOPLE), *([bad] for bad in BAD), *people(AGAIN)]
    with a_book(database_url) as book:
        job = book.accept(WRITERS[kind](rows), f"people.{kind}", group_name="Salon")
        lives = 0
        while book.job(job.id).status != "finished" and lives < MOST_LIVES:
            live_and_die(database_url, job.id, batches=chance.randint(1, 2), after_s=chance.uniform(0, 0.06))
            lives += 1
        done = book.job(job.id)
        assert lives > 1
        assert (done.status, done.problem) == ("finished", None)
        assert (done.created, done.updated, done.rejected, done.duplicates) == (PEOPLE, 0, len(BAD), AGAIN)
        assert len(book.wrong(job.id)) == len(BAD)
        assert len({fact["contact_id"] for fact in book.told("contact.created")}) == PEOPLE
        with book.runtime.read() as tx:
            assert contacts.duplicates(tx, book.account_id, 10) == ([], None)
            [group] = groups.listed(tx, book.account_id, 10)
        assert group.contacts == PEOPLE


def live_and_die(url: str, import_id: str, batches: int, after_s: float) -> None:
    """One life of the process: it is killed a little after it began to commit so many batches, if it is not done before."""
    command = [sys.executable, "-P", "-m", "tests.faults.importing", url, import_id]
    with subprocess.Popen(command, cwd=ROOT, env={"PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE) as process:
        assert process.stdout
        reached = read_lines(process.stdout.readline, batches)
        threading.Event().wait(after_s if reached else 0)
        process.kill()
    assert process.returncode in (0, -9)


def read_lines(readline: Callable[[], bytes], count: int) -> bool:
    """Wait for so many lines; False when the other side ended before."""
    return all(readline() for _ in range(count))
