"""What a figure was measured on."""

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

from tests.bench.place import Place

SYNCS = 200
WORK = """
import statistics, time
def took():
    began = time.perf_counter()
    for _ in range(2_000_000):
        pass
    return time.perf_counter() - began
print(statistics.median(took() for _ in range(9)))
"""


def describe(place: Place) -> Mapping[str, str]:
    """The machine and the programs, as words."""
    return {
        "CPU": f"{_cpu()}, {os.cpu_count()} of them",
        "memory": f"{os.sysconf('SC_PAGE_SIZE') * os.sysconf('SC_PHYS_PAGES') / 1024**3:.0f} GB",
        "fdatasync": f"{_fdatasync_us(place.folder()):.0f} us (median of {SYNCS})",
        "load before": f"{os.getloadavg()[0]:.1f}",
        "Python": platform.python_version(),
        "PostgreSQL": _postgresql(place),
        "system": f"{platform.system()} {platform.release()} {platform.machine()}",
    }


def pace_ms() -> float:
    """How long a fixed piece of work takes with every core at it: machines that others share are not always equally quick."""
    line = [sys.executable, "-S", "-c", WORK]
    busy = [subprocess.Popen(line, stdout=subprocess.PIPE, text=True) for _ in range(os.cpu_count() or 1)]
    return statistics.mean(float(each.communicate()[0]) for each in busy) * 1000


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def _fdatasync_us(folder: Path) -> float:
    """A commit can't be quicker than this."""
    took = []
    with (folder / "synced").open("wb") as file:
        for _ in range(SYNCS):
            file.write(b"x" * 512)
            file.flush()
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            took.append(time.perf_counter() - began)
    return statistics.median(took) * 1e6


def _postgresql(place: Place) -> str:
    with place.postgres.connect(place.postgres.url("postgres")) as raw:
        row = raw.execute("SHOW server_version").fetchone()
    assert row
    changed = ", ".join(f"{name}={value}" for name, value in place.postgres.settings.items())
    return f"{row[0]} (fsync and synchronous_commit on; {changed})"
