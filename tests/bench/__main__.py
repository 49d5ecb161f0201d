"""`make bench`: how fast the house is on this machine. `--only engine` (all there is so far), `--json FILE` for the figures by name."""

import argparse
import json
import os
import platform
import statistics
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

from tests.bench import engine

BENCHES: Mapping[str, Callable[[Path, str], Mapping[str, float]]] = {"engine": engine.measure}
RUNS = 3


def main() -> None:
    parser = argparse.ArgumentParser(prog="make bench")
    parser.add_argument("--only", choices=sorted(BENCHES))
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    print(f"{platform.machine()}, {os.cpu_count()} CPUs, Python {platform.python_version()}; medians of {RUNS} runs")
    figures: dict[str, float] = {}
    for name in [asked.only] if asked.only else sorted(BENCHES):
        for database, url in databases().items():
            runs = []
            for _ in range(RUNS):
                with tempfile.TemporaryDirectory() as folder:
                    runs.append(BENCHES[name](Path(folder), url.format(folder=folder)))
            for figure in runs[0]:
                values = [run[figure] for run in runs]
                figures[f"{figure}_{database}"] = statistics.median(values)
                print(
                    f"  {figure}_{database:12} {statistics.median(values):10,.0f}   ({min(values):,.0f} to {max(values):,.0f})"
                )
    if asked.json:
        asked.json.write_text(json.dumps(figures, indent=2) + "\n")


def databases() -> Mapping[str, str]:
    """SQLite, and PostgreSQL where SMSHUB_BENCH_DATABASE_URL names an empty database that may be wiped."""
    found = {"sqlite": "sqlite:///{folder}/bench.db"}
    if url := os.environ.get("SMSHUB_BENCH_DATABASE_URL"):
        found["postgresql"] = url
    return found


if __name__ == "__main__":
    main()
