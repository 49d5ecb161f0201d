"""What belongs to an account, by its id: somebody else's, a wrong id and no id at all are equally not there."""

import re
from typing import Any, Final

from sqlalchemy import Row, Table, select

from core.errors import Refused
from core.runtime import Tx

_ID: Final = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}", re.ASCII)


def is_id(text: str) -> bool:
    """Whether a database can compare it with ids; PostgreSQL fails on what is not a UUID."""
    return _ID.fullmatch(text) is not None


def own_row(tx: Tx, table: Table, account_id: str, row_id: str, *, lock: bool = False) -> Row[Any]:
    """The account's row of this table; with `lock` nobody else changes it until the end of the transaction. Refuses with `not_found`."""
    mine = select(table).where(table.c.id == row_id.lower(), table.c.account_id == account_id)
    row = tx.one(mine.with_for_update() if lock else mine) if is_id(row_id) else None
    if row is None:
        raise Refused("not_found", f"There is no such {table.name.removesuffix('s')}.")
    return row
