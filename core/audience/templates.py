"""Texts to write again: as many as the account likes."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, delete, select, update

from core.audience.own import own_row
from core.runtime import Tx
from core.schema import templates


@dataclass(frozen=True, slots=True)
class Template:
    """A named text, with merge fields or without."""

    id: str
    account_id: str
    name: str
    text: str
    created_at: int
    updated_at: int


def create(tx: Tx, account_id: str, name: str, text: str) -> Template:
    made = Template(tx.new_id(), account_id, name, text, tx.now, tx.now)
    columns = tuple(Template.__dataclass_fields__)
    tx.insert(templates, columns, [tuple(getattr(made, column) for column in columns)])
    return made


def get(tx: Tx, account_id: str, template_id: str) -> Template:
    """Refuses with `not_found`."""
    return _template(own_row(tx, templates, account_id, template_id))


def listed(tx: Tx, account_id: str, limit: int, after: str | None = None) -> list[Template]:
    """The account's templates, newest first; `after` is the id of the last one seen."""
    page = select(templates).where(templates.c.account_id == account_id)
    if after is not None:
        page = page.where(templates.c.id < after)
    return [_template(row) for row in tx.all(page.order_by(templates.c.id.desc()).limit(limit))]


def change(tx: Tx, account_id: str, template_id: str, changes: Mapping[str, Any]) -> Template:
    """Another name or text."""
    row = own_row(tx, templates, account_id, template_id)
    tx.execute(update(templates).where(templates.c.id == row.id).values(**changes, updated_at=tx.now))
    return get(tx, account_id, template_id)


def remove(tx: Tx, account_id: str, template_id: str) -> None:
    row = own_row(tx, templates, account_id, template_id)
    tx.execute(delete(templates).where(templates.c.id == row.id))


def _template(row: Row[Any]) -> Template:
    return Template(**row._mapping)
