"""Where the CPU time of a Python process goes: each thread's stack, every few milliseconds, weighed by the CPU it used since the last look.

A thread that waits weighs nothing. Works in any process: `tests/bench/injected` starts it in those of the hub, children too.
"""

import atexit
import json
import os
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import FrameType
from typing import Final

EVERY_S: Final = 0.005
WRITE_S: Final = 1.0
ROOT: Final = str(Path(__file__).parents[2]) + "/"
TOP: Final = 15
BEGIN: Final = "begin"  # a file in the folder of the samples


class Sampler:
    """Looks at every thread but its own, until it is stopped; writes what it found to a file of the process."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._alone: Counter[str] = Counter()
        self._within: Counter[str] = Counter()
        self._used: dict[int, float] = {}
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sampler", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()
        self._write()

    def _run(self) -> None:
        while not (self._folder / BEGIN).exists():  # a start is not what is measured
            if self._stop.wait(EVERY_S):
                return
        written = time.monotonic()
        mine = threading.get_ident()
        while not self._stop.wait(EVERY_S):
            for ident, frame in sys._current_frames().items():
                if ident != mine:
                    self._look(ident, frame)
            if time.monotonic() - written > WRITE_S:
                self._write()
                written = time.monotonic()

    def _look(self, ident: int, frame: FrameType) -> None:
        now = time.clock_gettime(time.pthread_getcpuclockid(ident))
        used = now - self._used.get(ident, now)
        self._used[ident] = now
        if used <= 0:
            return
        names: list[str] = []
        here: FrameType | None = frame
        while here is not None:
            names.append(_name(here))
            here = here.f_back
        self._alone[names[0]] += used  # type: ignore[assignment]  # seconds, not a count
        for name in set(names):
            self._within[name] += used  # type: ignore[assignment]

    def _write(self) -> None:
        found = {"line": " ".join(sys.argv[:4]), "alone": self._alone, "within": self._within}
        new = self._folder / f"{os.getpid()}.new"
        new.write_text(json.dumps(found))
        new.rename(self._folder / f"{os.getpid()}.json")


def _name(frame: FrameType) -> str:
    code = frame.f_code
    path = code.co_filename.removeprefix(ROOT)
    if "site-packages/" in path:
        path = path.rpartition("site-packages/")[2]
    return f"{'/'.join(path.split('/')[-4:])}:{code.co_qualname}"


def begin(folder: Path) -> None:
    """Sample this process to its end, and each child that it forks."""
    _begin(folder)
    os.register_at_fork(after_in_child=lambda: _begin(folder))


def _begin(folder: Path) -> None:
    sampler = Sampler(folder)
    sampler.start()
    atexit.register(sampler.stop)


@contextmanager
def sampled(folder: Path | None) -> Iterator[None]:
    """Sample this process meanwhile."""
    if folder is None:
        yield
        return
    (folder / BEGIN).touch()
    sampler = Sampler(folder)
    sampler.start()
    try:
        yield
    finally:
        sampler.stop()


def table(folder: Path) -> str:
    """The functions that took most, of each process: by themselves, and with what they called."""
    words = []
    for path in sorted(folder.glob("*.json")):
        found = json.loads(path.read_text())
        alone, within = Counter(found["alone"]), found["within"]
        total = sum(alone.values())
        if total < 0.1:
            continue
        words.append(f"process {path.stem}: {total:.1f} s of CPU in Python threads")
        for title, top in (
            ("by itself", alone.most_common(TOP)),
            ("with what it calls", Counter(within).most_common(3 * TOP)),
        ):
            words.append(f"  {title}")
            words += [f"    {100 * used / total:5.1f} %  {name}" for name, used in top]
    return "\n".join(words) + "\n"
