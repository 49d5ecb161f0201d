"""Every table there is: those of the engine by room, and those of the hub's own rooms (hub/*/tables.py), in one metadata."""

from collections.abc import Mapping
from importlib import import_module
from pathlib import Path
from typing import Final

from core import schema

_ENGINE: Final = Path(schema.__file__).parent
_HUB: Final = Path(__file__).parents[1]
_OWN: Final = {path.parent.name: path for path in sorted(_HUB.glob("*/tables.py")) if path.parent.name != "migrations"}

for _room in _OWN:
    import_module(f"hub.{_room}.tables")  # declares them

metadata: Final = schema.metadata
SOURCES: Final[Mapping[str, Path]] = {path.stem: path for path in sorted(_ENGINE.glob("*.py"))} | _OWN
