"""Several processes under one parent, as a program of its own: who dies is followed by another, and nobody outlives the parent."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from tests.support.serving import PATIENCE_S, ROOT, wait_for

PROGRAM = """
import os, signal, sys
from hub.roles import stopping
from hub.roles.children import Children

def child(ready, well):
    os.write(1, b"begins %d\\n" % os.getpid())  # at once: what print writes may be pieces, and the other child's between them
    if {fails}:
        return 3
    ready()
    stopping.hold_back()
    return 0 if stopping.until_told(well) else 7

print("waits", flush=True)
sys.exit(Children(2, child, lambda: print("ready", flush=True)).run())
"""


class Family:
    """A parent with two children, and what they said."""

    def __init__(self, folder: Path, *, fails: bool = False) -> None:
        self.out, self.err = folder / "out", folder / "err"
        with self.out.open("a") as out, self.err.open("a") as err:
            self.parent = subprocess.Popen(
                [sys.executable, "-P", "-c", PROGRAM.format(fails=fails)],
                stdout=out,
                stderr=err,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
            )

    def lines(self) -> Sequence[str]:
        return self.out.read_text().splitlines()

    def begun(self) -> list[int]:
        return [int(line.split()[1]) for line in self.lines() if line.startswith("begins")]

    def ready(self) -> list[int]:
        wait_for(lambda: "ready" in self.lines())
        return self.begun()


@pytest.fixture
def family(tmp_path: Path) -> Iterator[Family]:
    made = Family(tmp_path)
    yield made
    made.parent.kill()
    made.parent.wait()


def is_there(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


def test_it_is_ready_once_all_are_and_ends_when_told(family: Family) -> None:
    children = family.ready()
    assert len(children) == 2
    family.parent.send_signal(signal.SIGTERM)
    assert family.parent.wait(PATIENCE_S) == 0
    assert not any(map(is_there, children))


def test_a_child_that_dies_is_followed_by_another(family: Family) -> None:
    first, second = family.ready()
    os.kill(first, signal.SIGKILL)
    *_, third = wait_for(lambda: len(family.begun()) == 3 and family.begun())
    assert is_there(second)
    assert is_there(third)
    assert "child.ended" in family.out.read_text()
    assert family.lines().count("ready") == 1


def test_children_end_when_their_parent_is_killed(family: Family) -> None:
    children = family.ready()
    family.parent.kill()
    wait_for(lambda: not any(map(is_there, children)))


def test_those_that_never_start_are_tried_again_ever_later_until_it_is_told_to_stop(tmp_path: Path) -> None:
    family = Family(tmp_path, fails=True)
    wait_for(lambda: len(family.begun()) >= 4)
    family.parent.send_signal(signal.SIGTERM)
    assert family.parent.wait(PATIENCE_S) == 0
    assert "ready" not in family.lines()
