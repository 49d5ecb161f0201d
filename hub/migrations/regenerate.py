"""Write the first revisions again from the tables in code, one for each room: `python -P -m hub.migrations.regenerate`.

Until the first release a change of the schema is no migration yet. From then on every change is a revision of its own, and this
module goes.
"""

import ast
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.operations.ops import CreateTableOp, UpgradeOps
from alembic.runtime.migration import MigrationContext
from sqlalchemy import create_engine

from hub.migrations.compare import same_type, write
from hub.migrations.tables import SOURCES, metadata

VERSIONS: Final = Path(__file__).with_name("versions")
_HEAD: Final = '''"""The tables of {room}.

Revision ID: {number}
Revises: {before}
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


def revisions() -> Mapping[str, str]:
    """The text of each revision by its file's name."""
    created = _created()
    return {
        f"{number:04}_{room}.py": _revision(number, room, names, created)
        for number, (room, names) in enumerate(_rooms(), 1)
    }


def main() -> None:
    VERSIONS.mkdir(exist_ok=True)
    for old in VERSIONS.glob("*.py"):
        old.unlink()
    for name, text in revisions().items():
        (VERSIONS / name).write_text(text, encoding="utf-8")
    for arguments in (["format"], ["check", "--fix"]):
        subprocess.run([sys.executable, "-m", "ruff", *arguments, "-q", str(VERSIONS)], check=True)  # noqa: S603 - fixed words


def _revision(number: int, room: str, tables: Sequence[str], created: Mapping[str, Mapping[str, str]]) -> str:
    before = f"{number - 1:04}" if number > 1 else ""
    head = _HEAD.format(
        room=room,
        number=f"{number:04}",
        before=before,
        down=repr(before or None),
        labels=repr(None if before else ("hub",)),
        calls="\n    ".join(f"_{name}()" for table in tables for name in created[table]),
        drops="\n    ".join(f'op.drop_table("{name}")' for name in reversed(tables)),
    )
    functions = (item for table in tables for item in created[table].items())
    return head + "".join(f"\n\ndef _{name}() -> None:\n    {code}\n" for name, code in functions)


def _rooms() -> Iterator[tuple[str, list[str]]]:
    """The rooms and the tables that each declares, in order."""
    for room, path in SOURCES.items():
        names = [name for node in ast.parse(path.read_text(encoding="utf-8")).body for name in _tables(node)]
        if names:
            yield room, names


def _tables(node: ast.stmt) -> Iterator[str]:
    """The name in `accounts = Table("accounts", ...)`."""
    call = node.value if isinstance(node, ast.Assign) else None
    if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == "Table":
        yield str(ast.literal_eval(call.args[0]))


def _created() -> dict[str, dict[str, str]]:
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
