"""A real browser that looks at our pages: Chromium, driven from node by playwright-core, with axe-core for what people who see, hear or
point otherwise would stumble over.
"""

import json
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from tests.support.peers import missing

FOLDER: Final = Path(__file__).parents[1] / "peers"
PATIENCE_S: Final = 300


def look(base: str, visits: Sequence[Mapping[str, Any]], **plan: Any) -> list[Mapping[str, Any]]:
    """What it saw of each visit in each language, width and colour scheme: see tests/peers/pages.mjs."""
    node, chromium = shutil.which("node"), shutil.which("chromium") or shutil.which("chromium-browser")
    if node is None or chromium is None:
        missing("chromium", "node and chromium are not installed here")
    if not (FOLDER / "node_modules" / "playwright-core").is_dir():
        missing("playwright-core", "`make test` fetches it with npm")
    asked = {"base": base, "chromium": chromium, "visits": visits, "shots": None, "people": {}} | plan
    done = subprocess.run(
        [node, "pages.mjs"],
        cwd=FOLDER,
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen: list[Mapping[str, Any]] = json.loads(done.stdout)
    return seen
