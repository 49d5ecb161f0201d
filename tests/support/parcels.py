"""The connector of somebody else (tests/peers/example_connector): as its source, as a wheel that is built, and as it is installed."""

import hashlib
import hmac
import shutil
import subprocess
import sys
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from typing import Any, Final, cast

from connectors.contract import Connector

SOURCE: Final = Path(__file__).parents[1] / "peers" / "example_connector"
PACKAGE: Final = "smshub_parcels"
SECRET: Final = "a secret of the depot, for tests"
SETTINGS: Final = {"depot": "Lyon Sud", "secret": SECRET}


def connector() -> Connector:
    """The connector, from its source."""
    return cast("Connector", _module().CONNECTOR)


def _module() -> Any:
    if PACKAGE not in sys.modules:
        place = SOURCE / PACKAGE
        spec = spec_from_file_location(PACKAGE, place / "__init__.py", submodule_search_locations=[str(place)])
        assert spec is not None
        assert spec.loader is not None
        module = sys.modules[PACKAGE] = module_from_spec(spec)
        spec.loader.exec_module(module)
    return sys.modules[PACKAGE]


def installed(folder: Path) -> Path:
    """A folder for the path of a process: the package is built as a wheel and installed there, as its users would."""
    source = shutil.copytree(SOURCE, folder / "source", ignore=shutil.ignore_patterns("__pycache__"))
    _pip("wheel", "--no-build-isolation", "--wheel-dir", str(folder / "wheels"), str(source))
    (wheel,) = (folder / "wheels").glob("*.whl")
    _pip("install", "--target", str(folder / "installed"), str(wheel))
    return folder / "installed"


def _pip(command: str, *arguments: str) -> None:
    line = [sys.executable, "-m", "pip", "--disable-pip-version-check", command, "--no-index", "--no-deps", "--quiet"]
    subprocess.run([*line, *arguments], check=True, capture_output=True, text=True)


def signed(raw: bytes, secret: str = SECRET) -> dict[str, str]:
    """The headers of a scan that the depot signs."""
    return {"x-parcels-signature": hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()}
