"""Imports: a file becomes contacts or entries of the blacklist, behind the request, in batches that commit with their progress.

`done` is how many rows are consumed, and moves in the transaction that consumes them: after kill -9, at any point, the same file is
read again, and the batches that `done` says are in the database are passed over. So it does no harm when two workers are at it.
Memory is a batch, and the numbers seen (64 MB for a million), by which a row that repeats a number is told from one that repeats a
contact; a workbook takes what calamine's rectangle of cells takes.
"""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import islice
from typing import Any, BinaryIO, Final

from sqlalchemy import Row as DatabaseRow
from sqlalchemy import func, literal, select, update

from core import accounts, jobs
from core.audience import columns, groups, pieces, spreadsheet, upsert
from core.audience.columns import Columns, Person, Wrong
from core.audience.contact import FIELDS, tidy
from core.audience.own import own_row
from core.audience.spreadsheet import Row, Source
from core.audience.upsert import Target, Verdict
from core.errors import Refused
from core.runtime import Runtime, Tx
from core.schema import import_errors, imports

BATCH_ROWS: Final = 1000
SAMPLE_ROWS: Final = 200  # what the guesses look at
PREVIEW_ROWS: Final = 10
KINDS: Final = ("contacts", "blacklist")
ENDED: Final = ("finished", "failed")

Keep = Callable[[Tx], bool]


@dataclass(frozen=True, slots=True)
class Wish:
    """What was asked for with the file. `mapping` goes from number, nom, prenom, email, societe to a column's name or place from 0."""

    kind: str = "contacts"
    mapping: Mapping[str, str | int] | None = None
    separator: str | None = None
    group_name: str | None = None
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Import:
    """A row of the table of imports. created + updated + rejected + duplicates = done, which becomes total."""

    id: str
    account_id: str
    kind: str
    status: str
    filename: str
    options: Mapping[str, Any]
    preview: Mapping[str, Any]
    problem: str | None
    total: int
    done: int
    created: int
    updated: int
    rejected: int
    duplicates: int
    group_id: str | None
    created_at: int
    finished_at: int | None

    @property
    def dry_run(self) -> bool:
        return bool(self.options["dry_run"])


@dataclass(frozen=True, slots=True)
class _Plan:
    """What a run needs to read the file exactly as the preview did."""

    source: Source
    columns: Columns
    region: str


@dataclass(frozen=True, slots=True)
class _Looked:
    """What a first look at a file found; `total` is its rows of data."""

    plan: _Plan
    sample: Sequence[Row]
    total: int


def accept(runtime: Runtime, account_id: str, stream: BinaryIO, filename: str, wish: Wish) -> Import:
    """Look at a file, keep it, and promise the import; the answer has the preview.

    Refuses `file_too_large`, `unreadable_file`, `table_too_large`, `empty_file`, `unknown_column` and `no_number_column`.
    """
    with runtime.read() as tx:
        region = accounts.get(tx, account_id).region
    with pieces.spooled(stream) as file:
        looked = _look(file, region, wish)
        with runtime.begin() as tx:
            import_id = _promise(tx, account_id, filename, wish, looked)
            pieces.store(tx, import_id, file)
            return get(tx, account_id, import_id)


def get(tx: Tx, account_id: str, import_id: str) -> Import:
    """Refuses with `not_found`."""
    return _import(own_row(tx, imports, account_id, import_id))


def listed(tx: Tx, account_id: str, limit: int, after: str | None = None) -> list[Import]:
    """The account's imports, newest first; `after` is the id of the last one seen."""
    page = select(imports).where(imports.c.account_id == account_id)
    if after is not None:
        page = page.where(imports.c.id < after)
    return [_import(row) for row in tx.all(page.order_by(imports.c.id.desc()).limit(limit))]


def errors(runtime: Runtime, account_id: str, import_id: str) -> Iterator[Wrong]:
    """The rows that were not taken, in their order, in pages of a transaction each. Refuses with `not_found` at once."""
    with runtime.read() as tx:
        found = own_row(tx, imports, account_id, import_id)
    return _errors(runtime, found.id)


def work(runtime: Runtime, job: jobs.Job) -> None:
    """The handler of jobs of the kind `import`: keeps its lease with every batch, and stops when another worker has it."""
    run(runtime, job.subject_id, lambda tx: jobs.renew(tx, job))


def run(runtime: Runtime, import_id: str, keep: Keep = lambda _tx: True) -> None:
    """Do what is left of an import. May be called again at any time, and by two at once.

    A file that cannot be read to its end makes the import `failed`, with its `problem`; what was imported before stays.
    """
    with runtime.begin() as tx:
        row = tx.one(select(imports).where(imports.c.id == import_id).with_for_update())
        if row is None or row.status in ENDED:
            return
        tx.execute(update(imports).where(imports.c.id == import_id).values(status="running"))
        job = _import(row)
    plan = _plan(job.options)
    try:
        with pieces.fetched(runtime, import_id) as file, spreadsheet.reopened(file, plan.source) as table:
            _consume(runtime, job, plan, islice(table.rows(), int(plan.columns.header), None), keep)
    except Refused as refused:
        _end(runtime, import_id, "failed", refused.detail)


def _consume(runtime: Runtime, job: Import, plan: _Plan, data: Iterator[Row], keep: Keep) -> None:
    seen: set[int] = set()
    end = 0
    for rows in _batches(data):
        end += len(rows)
        read = [columns.read(row, plan.columns.mapping, plan.region) for row in rows]
        if end > job.done and not _batch(runtime, job, read, end, seen, keep):
            return
        seen.update(one.number.value for one in read if isinstance(one, Person))
    _end(runtime, job.id, "finished")


def _batch(runtime: Runtime, job: Import, read: Sequence[Person | Wrong], end: int, seen: set[int], keep: Keep) -> bool:
    """One transaction: the rows, what was wrong with them, and `done`. False when another worker has the job, or ended it."""
    with runtime.begin() as tx:
        running = (imports.c.id == job.id) & (imports.c.status == "running")
        row = tx.one(select(imports.c.done, imports.c.group_id).where(running).with_for_update())
        if row is None or not keep(tx):
            return False
        if row.done < end:
            _write(tx, job, row.group_id, read, end, seen)
            runtime.fault("import.batch")
    return True


def _write(tx: Tx, job: Import, group_id: str | None, read: Sequence[Person | Wrong], end: int, seen: set[int]) -> None:
    _one_at_a_time(tx, job.account_id)
    target = Target(job.account_id, group_id or _group(tx, job), job.dry_run)
    people = [one for one in read if isinstance(one, Person)]
    wrong = [one for one in read if isinstance(one, Wrong)]
    judge = upsert.contacts_batch if job.kind == "contacts" else upsert.blacklist_batch
    verdict = judge(tx, target, people, seen)
    _record(tx, job.id, [*wrong, *verdict.wrong])
    _advance(tx, job.id, end, verdict, len(wrong), target.group_id)


def _one_at_a_time(tx: Tx, account_id: str) -> None:
    """Two imports of one account take turns batch by batch: else both would create the contact that neither sees yet."""
    if tx.postgresql:
        tx.execute(select(func.pg_advisory_xact_lock(func.hashtextextended(literal(f"imports/{account_id}"), 0))))


def _group(tx: Tx, job: Import) -> str | None:
    name = job.options["group_name"]
    return groups.ensure(tx, job.account_id, name) if name and not job.dry_run else None


def _record(tx: Tx, import_id: str, wrong: Sequence[Wrong]) -> None:
    rows = [(import_id, one.place, one.field, one.value, one.message) for one in wrong]
    tx.insert(import_errors, ("import_id", "row", "field", "value", "message"), rows)


def _advance(tx: Tx, import_id: str, end: int, verdict: Verdict, wrong: int, group_id: str | None) -> None:
    more = {name: imports.c[name] + count for name, count in asdict(verdict.tally).items()}
    more["rejected"] = more["rejected"] + wrong
    tx.execute(update(imports).where(imports.c.id == import_id).values(done=end, group_id=group_id, **more))


def _end(runtime: Runtime, import_id: str, status: str, problem: str | None = None) -> None:
    ended = {"status": status, "problem": problem, "finished_at": runtime.clock()}
    with runtime.begin() as tx:
        running = (imports.c.id == import_id) & (imports.c.status == "running")
        if tx.execute(update(imports).where(running).values(**ended)):
            pieces.discard(tx, import_id)


def _batches(rows: Iterator[Row]) -> Iterator[list[Row]]:
    while batch := list(islice(rows, BATCH_ROWS)):
        yield batch


def _look(file: BinaryIO, region: str, wish: Wish) -> _Looked:
    with spreadsheet.opened(file, wish.separator) as table:
        sample = list(islice(table.rows(), SAMPLE_ROWS))
        found = columns.find(sample, region, wish.mapping)
        return _Looked(_Plan(table.source, found, region), sample, sum(1 for _ in table.rows()) - found.header)


def _promise(tx: Tx, account_id: str, filename: str, wish: Wish, looked: _Looked) -> str:
    """The row of an import that waits, and its job; its id."""
    import_id = tx.new_id()
    options = asdict(looked.plan) | {"group_name": tidy(wish.group_name), "dry_run": wish.dry_run}
    row = {
        "id": import_id,
        "account_id": account_id,
        "kind": wish.kind,
        "status": "queued",
        "filename": (tidy(filename) or "file")[:255],
        "options": json.dumps(options),
        "preview": json.dumps(_preview(looked)),
        "total": looked.total,
        "created_at": tx.now,
    }
    tx.execute(imports.insert().values(**row, done=0, created=0, updated=0, rejected=0, duplicates=0))
    jobs.add(tx, account_id, "import", import_id)
    return import_id


def _plan(options: Mapping[str, Any]) -> _Plan:
    found = options["columns"]
    return _Plan(
        Source(**options["source"]),
        Columns(tuple(found["names"]), found["header"], found["mapping"]),
        options["region"],
    )


def _preview(looked: _Looked) -> Mapping[str, Any]:
    """The columns as found, what each is taken for, and the first rows as understood."""
    plan, mapping = looked.plan, looked.plan.columns.mapping
    first = looked.sample[plan.columns.header :][:PREVIEW_ROWS]
    return asdict(plan.source) | {
        "header": plan.columns.header,
        "columns": list(plan.columns.names),
        "mapping": {target: plan.columns.names[place] for target, place in mapping.items()},
        "rows": [_understood(columns.read(row, mapping, plan.region)) for row in first],
    }


def _understood(read: Person | Wrong) -> Mapping[str, Any]:
    if isinstance(read, Wrong):
        return {
            "row": read.place,
            "given": read.value,
            "number": None,
            **dict.fromkeys(FIELDS),
            "problem": read.message,
        }
    said = {field: read.fields.get(field) for field in FIELDS}
    return {"row": read.place, "given": read.given, "number": read.number.e164, **said, "problem": None}


def _errors(runtime: Runtime, import_id: str) -> Iterator[Wrong]:
    place = 0
    while True:
        after = (import_errors.c.import_id == import_id) & (import_errors.c.row > place)
        with runtime.read() as tx:
            page = tx.all(select(import_errors).where(after).order_by(import_errors.c.row).limit(BATCH_ROWS))
        yield from (Wrong(row.row, row.field, row.value, row.message) for row in page)
        if len(page) < BATCH_ROWS:
            return
        place = page[-1].row


def _import(row: DatabaseRow[Any]) -> Import:
    kept = dict(row._mapping)
    return Import(**kept | {"options": json.loads(kept["options"]), "preview": json.loads(kept["preview"])})
