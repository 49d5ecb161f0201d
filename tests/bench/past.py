"""A hub with a past, made by SQL: ten million messages of fifty accounts over sixty days, and all that is left of them.

One account has six of the ten million, a campaign of a million among them, a million contacts and a million numbers on its blacklist.
PostgreSQL only. Ids rise with time, as those that the hub makes.
"""

from dataclasses import dataclass
from typing import Any, Final

import psycopg
from sqlalchemy import Table, create_engine
from sqlalchemy.schema import CreateIndex

from core import accounts, ledger
from core.runtime import Runtime
from core.schema import metadata
from tests.bench import past_rows

DAYS: Final = 60
DAY_MS: Final = 24 * 3_600_000
ACCOUNTS: Final = 50
MESSAGES: Final = 10_000_000
# fmt: off
NAMES: Final = (
    "Martin", "Bernard", "Dupont", "Dubois", "Durand", "Moreau", "Laurent", "Simon", "Michel", "Lefèvre", "Leroy",
    "Roux", "Garcia", "Fournier", "Girard", "Bonnet", "Lambert", "Fontaine", "Rousseau", "Vincent", "Muller", "Mercier",
    "Blanc", "Guérin", "Boyer", "Garnier", "Chevalier", "François", "Legrand", "Gauthier", "Perrin", "Robin", "Clément",
    "Morin",
)
# fmt: on
FIRST_NAMES: Final = (
    "Anne",
    "Zoé",
    "Jean",
    "Marie",
    "Léa",
    "Hugo",
    "Louis",
    "Chloé",
    "Paul",
    "Jules",
    "Inès",
    "Emma",
    "Noé",
)
# Of a thousand messages. The four that are open are put in apart: a few hundred of ten million.
FATES: Final = (
    *("received",) * 886,
    *("delivered_operator",) * 30,
    *("failed_temporary",) * 30,
    *("failed_permanent",) * 20,
    *("sent",) * 15,
    *("blacklisted",) * 10,
    *("rejected",) * 4,
    *("expired",) * 3,
    *("cancelled", "no_credit"),
)


@dataclass(frozen=True, slots=True)
class Past:
    """What was made: whose it is mostly, the large campaign, a group of all contacts and one of few, how many messages."""

    account_id: str
    campaign_id: str
    everybody: str
    few: str
    messages: int
    since: int


def fill(runtime: Runtime, raw: psycopg.Connection[Any], count: int = MESSAGES) -> Past:
    """Fill an empty database that has its tables; indexes are built when the rows are in."""
    with runtime.begin() as tx:
        people = [accounts.create(tx, f"account {place}").id for place in range(ACCOUNTS)]
        ledger.grant(tx, people[0], 10_000_000_000, "bench", "operator")
        everybody, few = tx.new_ids(2)
        since = tx.now - DAYS * DAY_MS
    large = _id_at(since + DAYS * DAY_MS * 4 // 10)
    past = Past(people[0], large, everybody, few, count, since)
    raw.execute("SET synchronous_commit = off")
    raw.execute("SET maintenance_work_mem = '1GB'")
    raw.execute("SET work_mem = '256MB'")
    given = {"accounts": people, "fates": list(FATES), "names": list(NAMES), "first": list(FIRST_NAMES)} | {
        "large": large,
        "n": count,
        "since": since,
        "span": DAYS * DAY_MS,
        "everybody": everybody,
        "few": few,
    }
    for name, statements in past_rows.STATEMENTS.items():
        table = metadata.tables[name]
        for index in table.indexes:
            raw.execute(f'DROP INDEX "{index.name}"'.encode())
        for columns, rows in statements:
            raw.execute(_insert(table, columns, rows), given)
        _build(raw, table)
    raw.execute("VACUUM (ANALYZE)")
    return past


def _insert(table: Table, columns: dict[str, str], rows: str) -> bytes:
    """Columns that the table does not have (any more) are left out."""
    known = {name: value for name, value in columns.items() if name in table.c}
    return f'INSERT INTO "{table.name}" ({", ".join(known)}) SELECT {", ".join(known.values())} FROM {rows}'.encode()


def _build(raw: psycopg.Connection[Any], table: Table) -> None:
    dialect = create_engine("postgresql+psycopg://").dialect
    for index in sorted(table.indexes, key=lambda index: str(index.name)):
        raw.execute(str(CreateIndex(index).compile(dialect=dialect)).encode())


def _id_at(ms: int) -> str:
    return f"{ms:012x}"[:8] + "-" + f"{ms:012x}"[8:] + "-7000-8000-000000000000"
