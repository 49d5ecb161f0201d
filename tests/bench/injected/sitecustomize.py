"""Found by every Python that is started with this folder on its path: samples itself when BENCH_PROFILE names a folder."""

import os
from pathlib import Path

if folder := os.environ.get("BENCH_PROFILE"):
    from tests.bench import sampler

    sampler.begin(Path(folder))
