"""docs/oauth.md names a test for each duty: they are there."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[3]


def test_every_test_that_the_page_names_is_there() -> None:
    named = set(re.findall(r"`(test_\w+)`", (ROOT / "docs" / "oauth.md").read_text(encoding="utf-8")))
    folders = (ROOT / "tests" / name for name in ("hub/oauth", "peers", "properties"))
    files = [path for folder in folders for path in folder.rglob("test_*.py") if "node_modules" not in path.parts]
    there = {name for path in files for name in re.findall(r"def (test_\w+)", path.read_text(encoding="utf-8"))}
    assert named
    assert named - there == set()
