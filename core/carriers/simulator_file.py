"""The simulator's memory: one SQLite file that every process of the host shares. What it holds survives a kill."""

import fcntl
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import starmap
from pathlib import Path
from typing import Final, NamedTuple

import orjson

from core.carriers.simulator_endings import EARLY, Answer, Play, Span, Stage, Taken, Trace, replies_once, turns_away

BUSY_TIMEOUT_S: Final = 30.0
LEASE_MS: Final = 10_000  # what was claimed and not handed over is claimed again after this
INDEXED_AT_ONCE: Final = 20_000

PRAGMAS: Final = (
    "journal_mode = WAL",
    "synchronous = NORMAL",  # enough against a kill; a power cut may lose the last of a simulation
    "wal_autocheckpoint = 4000",
    "cache_size = -16000",
)
# The log has no index on number: at a hundred thousand messages a second its pages would be most of what is written. Those who ask
# by number bring `by_number` up to date first.
SCHEMA: Final = (
    "CREATE TABLE IF NOT EXISTS birth (one INTEGER PRIMARY KEY CHECK (one = 1), mark TEXT NOT NULL, indexed INTEGER NOT NULL)",
    """CREATE TABLE IF NOT EXISTS taken (
        seq INTEGER PRIMARY KEY, number INTEGER NOT NULL, sender TEXT NOT NULL, text TEXT NOT NULL, reference TEXT NOT NULL,
        at INTEGER NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS ix_taken_reference ON taken (reference)",
    "CREATE TABLE IF NOT EXISTS by_number (number INTEGER, seq INTEGER, PRIMARY KEY (number, seq)) WITHOUT ROWID",
    "CREATE TABLE IF NOT EXISTS texted (number INTEGER PRIMARY KEY)",
    "CREATE TABLE IF NOT EXISTS refusals (reference TEXT PRIMARY KEY, count INTEGER NOT NULL) WITHOUT ROWID",
    """CREATE TABLE IF NOT EXISTS spans (
        id INTEGER PRIMARY KEY, lease_until INTEGER NOT NULL, due_at INTEGER NOT NULL, tick INTEGER NOT NULL,
        receipt_ms INTEGER NOT NULL, first INTEGER NOT NULL, last INTEGER NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS ix_spans_due_at ON spans (due_at)",
    """CREATE TABLE IF NOT EXISTS answers (
        id INTEGER PRIMARY KEY, lease_until INTEGER NOT NULL, due_at INTEGER NOT NULL, carrier_ref TEXT NOT NULL,
        number INTEGER NOT NULL, code TEXT NOT NULL, text TEXT NOT NULL)""",
    "CREATE INDEX IF NOT EXISTS ix_answers_due_at ON answers (due_at)",
)


class Claimed(NamedTuple):
    """Rows that are ours to hand over, by their ids: spans, and what people write back."""

    spans: dict[int, Span]
    answers: dict[int, Answer]

    def tables(self) -> tuple[tuple[str, Iterable[int]], ...]:
        """The rows by table."""
        return ("spans", self.spans), ("answers", self.answers)


class SimulatorFile:
    """One connection, opened at its first use (so a process may fork before, not after) and used by one thread at a time."""

    def __init__(self, path: Path, random_bits: Callable[[int], int], busy_timeout_s: float = BUSY_TIMEOUT_S) -> None:
        self._path = path
        self._random_bits = random_bits
        self._busy_timeout_s = busy_timeout_s
        self._lock = threading.Lock()
        self._connection: sqlite3.Connection | None = None

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A transaction, alone among all processes. Raises sqlite3.OperationalError, and nothing has happened."""
        with self.reading() as connection:
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                connection.rollback()
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """The connection, for one statement."""
        with self._lock:
            if self._connection is None:
                self._connection = self._open()
            yield self._connection

    def close(self) -> None:
        with self._lock:
            if self._connection is not None:
                self._connection.close()
                self._connection = None

    def _open(self) -> sqlite3.Connection:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            self._path, timeout=self._busy_timeout_s, isolation_level=None, check_same_thread=False
        )
        try:
            # Of two that turn a new file to WAL at once SQLite fails one without waiting.
            with self._path.with_suffix(".lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                self._prepare(connection)
        except BaseException:
            connection.close()
            raise
        return connection

    def _prepare(self, connection: sqlite3.Connection) -> None:
        for pragma in PRAGMAS:
            connection.execute(f"PRAGMA {pragma}")
        connection.execute("BEGIN IMMEDIATE")
        for statement in SCHEMA:
            connection.execute(statement)
        # Carrier ids carry the mark: those of a file that was thrown away never come again.
        connection.execute("INSERT OR IGNORE INTO birth VALUES (1, ?, 0)", (f"{self._random_bits(32):08x}",))
        connection.execute("COMMIT")


def mark(connection: sqlite3.Connection) -> str:
    """What tells the ids of this file from those of any other."""
    return str(connection.execute("SELECT mark FROM birth").fetchone()[0])


def next_seq(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT coalesce(max(seq), 0) + 1 FROM taken").fetchone()[0])


def refusals(connection: sqlite3.Connection, messages: Iterable[tuple[str, int]]) -> dict[str, int]:
    """How often each message (reference, number) was turned away, of those that are."""
    asked = [reference for reference, number in messages if turns_away(number)]
    found = "SELECT reference, count FROM refusals WHERE reference IN (SELECT value FROM json_each(?))"
    return dict(connection.execute(found, (_array(asked),))) if asked else {}


def texted(connection: sqlite3.Connection, numbers: Iterable[int]) -> frozenset[int]:
    """Which of these had a message before, of those who reply to the first only."""
    asked = [number for number in numbers if replies_once(number)]
    found = "SELECT number FROM texted WHERE number IN (SELECT value FROM json_each(?))"
    return frozenset(number for (number,) in connection.execute(found, (_array(asked),))) if asked else frozenset()


def keep(connection: sqlite3.Connection, played: Play, stage: Stage) -> tuple[Claimed, Claimed]:
    """Write what a window came to. What is told early, and what with the answers, is claimed from the start: whoever wrote it tells it."""
    connection.executemany("INSERT INTO taken VALUES (?, ?, ?, ?, ?, ?)", played.taken)
    connection.executemany("INSERT INTO texted VALUES (?)", [(number,) for number in played.texted])
    raised = "INSERT INTO refusals VALUES (?, 1) ON CONFLICT (reference) DO UPDATE SET count = count + 1"
    connection.executemany(raised, [(reference,) for reference in played.refused])
    early = _claimed(connection, [span for span in played.spans if span.tick == EARLY], stage.now)
    prompt = _claimed(connection, [span for span in played.spans if stage.prompt(span)], stage.now)
    later = [(0, *span) for span in played.spans if span.tick != EARLY and not stage.prompt(span)]
    connection.executemany(_NEW_SPAN, later)
    promise(connection, played.replies)
    return early, prompt


def _claimed(connection: sqlite3.Connection, spans: Sequence[Span], now: int) -> Claimed:
    written = [connection.execute(_NEW_SPAN, (now + LEASE_MS, *span)).lastrowid or 0 for span in spans]
    return Claimed(dict(zip(written, spans, strict=True)), {})


def promise(connection: sqlite3.Connection, answers: Iterable[Answer]) -> None:
    """Keep what people will write back."""
    connection.executemany("INSERT INTO answers VALUES (NULL, 0, ?, ?, ?, ?, ?)", answers)


def claim(connection: sqlite3.Connection, now: int, limit: int) -> Claimed:
    """What is due and nobody else hands over, oldest first: spans of some `limit` messages, and the replies no younger than they."""
    spans, horizon = _claim_spans(connection, now, limit)
    rows = connection.execute(_DUE.format("answers"), (horizon, now, limit)).fetchall()
    claimed = Claimed(spans, {row_id: Answer(*answer) for row_id, _, *answer in rows})
    for table, ids in claimed.tables():
        leases = [(now + LEASE_MS, row_id) for row_id in ids]
        connection.executemany(f"UPDATE {table} SET lease_until = ? WHERE id = ?", leases)  # noqa: S608 - one of two names
    return claimed


def forget(connection: sqlite3.Connection, claimed: Claimed) -> None:
    """They were stored for good by whom they were for."""
    for table, ids in claimed.tables():
        connection.executemany(f"DELETE FROM {table} WHERE id = ?", [(row_id,) for row_id in ids])  # noqa: S608 - one of two names


def traces(connection: sqlite3.Connection, span: Span) -> list[Trace]:
    """The messages of a span."""
    rows = connection.execute(
        "SELECT seq, number, reference, at FROM taken WHERE seq BETWEEN ? AND ?", (span.first, span.last)
    )
    return list(starmap(Trace, rows))


def find(connection: sqlite3.Connection, references: Sequence[str]) -> dict[str, tuple[int, int]]:
    """The first acceptance of each reference that has one: its seq and number."""
    found = "SELECT reference, min(seq), number FROM taken WHERE reference IN (SELECT value FROM json_each(?)) GROUP BY reference"
    rows = connection.execute(found, (_array(references),))
    return {reference: (seq, number) for reference, seq, number in rows}


def log(connection: sqlite3.Connection, limit: int, after: int) -> list[Taken]:
    """Messages in the order in which they were taken, after the one whose seq is `after`."""
    rows = connection.execute("SELECT * FROM taken WHERE seq > ? ORDER BY seq LIMIT ?", (after, limit))
    return [Taken(*row) for row in rows]


def log_to(connection: sqlite3.Connection, number: int, limit: int, after: int) -> list[Taken]:
    """The same of one number; `index` first."""
    mine = "SELECT seq FROM by_number WHERE number = ? AND seq > ? ORDER BY seq LIMIT ?"
    rows = connection.execute(f"SELECT * FROM taken WHERE seq IN ({mine}) ORDER BY seq", (number, after, limit))  # noqa: S608 - our own words
    return [Taken(*row) for row in rows]


def index(connection: sqlite3.Connection, limit: int = INDEXED_AT_ONCE) -> bool:
    """Bring `by_number` up to date by at most `limit` messages; whether there are more."""
    (done,) = connection.execute("SELECT indexed FROM birth").fetchone()
    last = min(next_seq(connection) - 1, done + limit)
    fresh = "INSERT INTO by_number SELECT number, seq FROM taken WHERE seq > ? AND seq <= ? ORDER BY number, seq"
    connection.execute(fresh, (done, last))
    connection.execute("UPDATE birth SET indexed = ?", (last,))
    return bool(last - done == limit)


_NEW_SPAN: Final = "INSERT INTO spans VALUES (NULL, ?, ?, ?, ?, ?, ?)"
_DUE: Final = "SELECT * FROM {} WHERE due_at <= ? AND lease_until <= ? ORDER BY due_at, id LIMIT ?"


def _claim_spans(connection: sqlite3.Connection, now: int, limit: int) -> tuple[dict[int, Span], int]:
    """The spans by row, at least one if any is due, and the time up to which there are no others."""
    spans: dict[int, Span] = {}
    together = 0
    for row_id, _, *columns in connection.execute(_DUE.format("spans"), (now, now, limit)):
        span = Span(*columns)
        together += span.last - span.first + 1
        if spans and together > limit:
            return spans, span.due_at
        spans[row_id] = span
    return spans, now


def _array(values: Iterable[str | int]) -> str:
    return orjson.dumps(list(values)).decode()
