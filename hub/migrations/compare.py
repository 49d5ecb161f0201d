"""How the tables in code and in a database are compared, and how a difference is written down."""

from typing import Any, Literal

from alembic.autogenerate.api import AutogenContext
from alembic.runtime.migration import MigrationContext
from sqlalchemy import Column, Text
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.sql.elements import False_, True_
from sqlalchemy.types import TypeEngine

from core import schema


def same_type(
    _context: MigrationContext,
    _found: Column[Any],
    _wanted: Column[Any],
    found: TypeEngine[Any],
    wanted: TypeEngine[Any],
) -> bool | None:
    """Whether the type has changed (None: let Alembic judge). An id is a UUID in PostgreSQL, and text in SQLite."""
    return not isinstance(found, UUID | Text) if isinstance(wanted, schema.Id) else None


def write(kind: str, value: Any, _context: AutogenContext) -> str | Literal[False]:
    """What Alembic would write for one database only, in words that both understand; the rest it writes itself."""
    if kind == "type" and isinstance(value, schema.Id):
        return "schema.Id()"
    if kind == "server_default" and isinstance(getattr(value, "arg", None), True_ | False_):
        return "sa.true()" if isinstance(value.arg, True_) else "sa.false()"
    return False
