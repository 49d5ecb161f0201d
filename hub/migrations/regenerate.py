"""Write the first revisions again from the tables in code: `python -P -m hub.migrations.regenerate`.

One for each room of the hub, and one for each connector of ours that has tables. Until the first release a change of the schema is no
migration yet. From then on every change is a revision of its own, and this module goes.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.operations.ops import CreateTableOp, UpgradeOps
from alembic.runtime.migration import MigrationContext
from sqlalchemy import MetaData, create_engine

import connectors
from hub.migrations.compare import same_type, write
from hub.migrations.tables import SOURCES, metadata

VERSIONS: Final = Path(__file__).with_name("versions")
CONNECTORS: Final = Path(connectors.__file__).parent
_HEAD: Final = '''"""The tables of {room}.

Revision ID: {number}
Revises:{revises}
"""

import sqlalchemy as sa
from alembic import op

from core import schema

revision = "{number}"
down_revision = {down}
branch_labels = {labels}
depends_on = None


def upgrade() -> None:
    {calls}


def downgrade() -> None:
    {drops}
'''


@dataclass(frozen=True, slots=True)
class _First:
    """A first revision. label: of its branch, where it begins one; room: whose tables these are."""

    path: Path
    number: str
    before: str | None
    label: str | None
    room: str
    tables: Sequence[str]


def revisions() -> Mapping[Path, str]:
    """The text of each revision by its file."""
    of_the_hub = _created(metadata)
    found = {first.path: _revision(first, of_the_hub) for first in _rooms()}
    for first in _branches():
        own = import_module(f"connectors.{first.room}.tables").metadata
        found[first.path] = _revision(first, _created(own))
    return found


def main() -> None:
    wanted = revisions()
    for folder in {path.parent for path in wanted}:
        folder.mkdir(exist_ok=True)
        for old in folder.glob("*.py"):
            old.unlink()
    for path, text in wanted.items():
        path.write_text(text, encoding="utf-8")
    for arguments in (["format"], ["check", "--fix"]):
        subprocess.run([sys.executable, "-m", "ruff", *arguments, "-q", *map(str, wanted)], check=True)  # noqa: S603 - fixed words


def _revision(first: _First, created: Mapping[str, Mapping[str, str]]) -> str:
    head = _HEAD.format(
        room=first.room,
        number=first.number,
        revises=f" {first.before}" if first.before else "",
        down=repr(first.before),
        labels=repr((first.label,) if first.label else None),
        calls="\n    ".join(f"_{name}()" for table in first.tables for name in created[table]),
        drops="\n    ".join(f'op.drop_table("{name}")' for name in reversed(first.tables)),
    )
    functions = (item for table in first.tables for item in created[table].items())
    return head + "".join(f"\n\ndef _{name}() -> None:\n    {code}\n" for name, code in functions)


def _rooms() -> Iterator[_First]:
    """Those of the hub, in one branch, in order."""
    before = None
    rooms = [(room, tables) for room, path in SOURCES.items() if (tables := _declared(path))]
    for at, (room, tables) in enumerate(rooms, 1):
        number = f"{at:04}"
        label = None if before else "hub"
        yield _First(VERSIONS / f"{number}_{room}.py", number, before, label, room, tables)
        before = number


def _branches() -> Iterator[_First]:
    """Those of connectors, each a branch of its own."""
    for path in sorted(CONNECTORS.glob("*/tables.py")):
        name = path.parent.name
        number = f"{name}_0001"
        yield _First(path.with_name("migrations") / f"{number}.py", number, None, name, name, _declared(path))


def _declared(path: Path) -> list[str]:
    """The tables of a room, in order."""
    return [name for node in ast.parse(path.read_text(encoding="utf-8")).body for name in _tables(node)]


def _tables(node: ast.stmt) -> Iterator[str]:
    """The name in `accounts = Table("accounts", ...)`."""
    call = node.value if isinstance(node, ast.Assign) else None
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Table":
        yield str(ast.literal_eval(call.args[0]))


def _created(metadata: MetaData) -> dict[str, dict[str, str]]:
    """For each table the functions that make it: itself, and its indexes."""
    with create_engine("sqlite://").connect() as empty:
        options = {"compare_type": same_type, "target_metadata": metadata}
        script = produce_migrations(MigrationContext.configure(empty, opts=options), metadata)
    found: dict[str, dict[str, list[Any]]] = {}
    for operation in script.upgrade_ops.ops if script.upgrade_ops else ():
        table: str = operation.table_name  # type: ignore[attr-defined]
        name = table if isinstance(operation, CreateTableOp) else f"{table}_indexes"
        found.setdefault(table, {}).setdefault(name, []).append(operation)
    return {table: {name: _tidy(each) for name, each in functions.items()} for table, functions in found.items()}


def _tidy(operations: Iterable[Any]) -> str:
    """Without Alembic's remarks to a person who would edit it."""
    code = render_python_code(UpgradeOps(ops=list(operations)), render_item=write)
    return re.sub(r"^ *# ###.*\n?", "", code, flags=re.MULTILINE).strip()


if __name__ == "__main__":
    main()
