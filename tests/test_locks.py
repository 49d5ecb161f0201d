"""The locked requirements install on the day they are needed, not only on the day they were written."""

import re
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]


@pytest.mark.parametrize("lock", ["requirements.lock", "requirements-dev.lock"])
def test_a_package_that_is_wanted_with_extras_is_locked_with_them(lock: str) -> None:
    """Else pip takes `coverage[toml]` from the newest coverage, which has no hash here."""
    locked = _locked(ROOT / lock)
    wanted = {
        canonicalize_name(requirement.name): requirement.extras
        for name in locked
        for requirement in _requirements(name)
        if requirement.extras and (requirement.marker is None or requirement.marker.evaluate({"extra": ""}))
    }
    assert {name: extras for name, extras in wanted.items() if not extras <= locked.get(name, set())} == {}


def _locked(path: Path) -> dict[str, set[str]]:
    """The extras of each package that the lock names."""
    found = re.findall(r"^([A-Za-z0-9._-]+)(?:\[([^\]]*)\])?==", path.read_text(), re.MULTILINE)
    assert found
    return {canonicalize_name(name): set(filter(None, extras.split(","))) for name, extras in found}


def _requirements(name: str) -> list[Requirement]:
    try:
        return [Requirement(line) for line in metadata.requires(name) or ()]
    except metadata.PackageNotFoundError:  # of another platform
        return []
