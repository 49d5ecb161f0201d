"""Sealing anew: whatever stands under an older key is sealed under the first one, a page at a time.

May be killed at any moment and begun again: what is under the first key already is not read. The hub runs meanwhile: a page's rows are
locked while they are sealed anew, and a text is replaced where it is still the one that was read.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import ColumnElement, Row, Select, func, select, update

from core import Runtime, Tx
from hub import secrets
from hub.migrations.tables import metadata
from hub.sealing import used
from hub.sealing.columns import Place, places

PAGE: Final = 200
ROUNDS: Final = (
    3  # what was sealed with an old key while a round went on is the next one's; a process that goes on so is told of
)
SHOWN: Final = 20
Counts = Mapping[tuple[str, str], int]  # secrets by the name of their place and the id of their key


@dataclass(frozen=True, slots=True)
class Closed:
    """A secret that could not be opened, and why."""

    place: str
    row_id: str
    why: str


@dataclass(slots=True)
class Rotation:
    """What came of it. `resealed` by place; `current` were under the first key before.

    closed: the first of those that could not be opened, of `closed_count`; those whose keys were given up are counted apart.
    behind: what the last round still found to do: a process goes on sealing with an older key. retired: keys that seal nothing now.
    """

    resealed: Counter[str] = field(default_factory=Counter)
    current: int = 0
    closed: list[Closed] = field(default_factory=list)
    closed_count: int = 0
    given_up: int = 0
    behind: int = 0
    retired: list[str] = field(default_factory=list)

    @property
    def whole(self) -> bool:
        return not self.closed_count and not self.behind


def every() -> Sequence[Place]:
    """Every column of the hub that holds sealed text."""
    return list(places(metadata))


def count(tx: Tx) -> Counts:
    """How many secrets each key seals, by place. Reads every sealed column once: for operators, not for a start."""
    found: dict[tuple[str, str], int] = {}
    for place in every():
        key_id = _key_id(place).label("key_id")
        counted = select(key_id, func.count().label("secrets")).where(_filled(place)).group_by(key_id)
        found |= {(place.name, row.key_id): row.secrets for row in tx.all(counted)}
    return found


def by_key(counts: Counts) -> Counter[str]:
    """How many secrets each key seals."""
    found: Counter[str] = Counter()
    for (_, key_id), number in counts.items():
        found[key_id] += number
    return found


def rotate(
    runtime: Runtime, keys: secrets.Keys, told: Callable[[int], None] = lambda _count: None, rows: int = PAGE
) -> Rotation:
    """Seal everything under the first key. `told` hears how many secrets were sealed anew, a page of `rows` at a time."""
    with runtime.read() as tx:
        done = Rotation(current=by_key(count(tx))[keys.first])
        lost = frozenset(used.given_up(tx))
    for _ in range(ROUNDS):
        done.closed, done.closed_count, done.given_up, done.behind = [], 0, 0, 0
        for place in every():
            for page in _pages(runtime, keys, place, rows):
                _add(done, page, lost)
                told(page.resealed)
        if not done.behind:
            break
    done.retired = _retired(runtime, keys)
    return done


@dataclass(slots=True)
class _Page:
    """Some rows of a place, and what was done about them."""

    place: Place
    last_id: str = ""
    resealed: int = 0
    closed: list[tuple[str, Closed]] = field(default_factory=list)


def _add(done: Rotation, page: _Page, lost: frozenset[str]) -> None:
    done.resealed[page.place.name] += page.resealed
    done.behind += page.resealed
    for key_id, one in page.closed:
        if key_id in lost:
            done.given_up += 1
            continue
        done.closed_count += 1
        if len(done.closed) < SHOWN:
            done.closed.append(one)


def _pages(runtime: Runtime, keys: secrets.Keys, place: Place, limit: int) -> Iterator[_Page]:
    """Through the rows that are not under the first key, by their ids, up to the newest there is now: what comes after is another round's."""
    its_id = place.column.table.c.id
    with runtime.read() as tx:
        newest = tx.scalar(select(its_id).order_by(its_id.desc()).limit(1))
    if newest is None:
        return
    wanted = _older(place, keys.first).where(its_id <= newest).limit(limit)
    after: ColumnElement[bool] | None = None
    while True:
        with runtime.begin() as tx:
            rows = tx.all(wanted if after is None else wanted.where(after))
            page = _sealed_anew(tx, keys, place, rows)
        if not rows:
            return
        runtime.fault("rotation.page")
        yield page
        after = its_id > page.last_id


def _sealed_anew(tx: Tx, keys: secrets.Keys, place: Place, rows: Sequence[Row[Any]]) -> _Page:
    page = _Page(place)
    if rows:
        used.note(tx, keys.first)
    for row in rows:
        page.last_id = row.id
        try:
            plaintext = secrets.open_(keys, place.aad(row._asdict()), row.sealed_text)
        except secrets.Unreadable as why:
            page.closed.append((secrets.key_of(row.sealed_text), Closed(place.name, row.id, str(why))))
            continue
        fresh = secrets.seal(keys, place.aad(row._asdict()), plaintext)
        still = (place.column.table.c.id == row.id) & (place.column == row.sealed_text)
        page.resealed += tx.execute(update(place.column.table).where(still).values({place.column: fresh}))
    return page


def _older(place: Place, first: str) -> Select[Any]:
    table = place.column.table
    wanted = [table.c[name] for name in dict.fromkeys(("id", *place.bound))]
    older = select(*wanted, place.column.label("sealed_text")).where(_filled(place), _key_id(place) != first)
    return older.order_by(table.c.id).with_for_update(key_share=True)


def _filled(place: Place) -> ColumnElement[bool]:
    return place.column.is_not(None) & (place.column != "")


def _key_id(place: Place) -> ColumnElement[str]:
    return func.substr(place.column, 1, secrets.ID_LENGTH)


def _retired(runtime: Runtime, keys: secrets.Keys) -> list[str]:
    """The older keys that seal nothing any more. Looked at again under the key's lock: somebody may be sealing with it just now."""
    with runtime.read() as tx:
        sealing = by_key(count(tx))
        older = dict.fromkeys((*keys.by_id, *used.ever_used(tx)))
    idle = [key_id for key_id in older if key_id != keys.first and not sealing[key_id]]
    return [key_id for key_id in idle if _retire(runtime, key_id)]


def _retire(runtime: Runtime, key_id: str) -> bool:
    with runtime.begin() as tx:
        used.lock(tx, key_id)
        if by_key(count(tx))[key_id]:
            return False
        used.retire(tx, key_id)
    return True
