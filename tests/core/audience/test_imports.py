import io
import zipfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import func, select

from core import Refused, accounts, blacklist, contacts, groups, imports, jobs
from core.audience import pieces
from core.schema import import_files
from tests.support.book import Book, statements
from tests.support.spreadsheet import BAD, FOREIGN, HEADER, OVERSEAS, SAME, WRITERS, as_csv, as_xls, as_xlsx, people

NUMBER = 33612345678
Table = list[Sequence[Any]]


def counts(job: imports.Import) -> tuple[int, int, int, int]:
    return job.created, job.updated, job.rejected, job.duplicates


def stored_pieces(book: Book) -> int:
    with book.runtime.read() as tx:
        return int(tx.scalar(select(func.count()).select_from(import_files)))


def opt_out(book: Book, number: int = NUMBER) -> None:
    with book.runtime.begin() as tx:
        blacklist.add(tx, book.account_id, number, "STOP", "reply")


# The import row of the forty faults, case by case.


def test_a_zip_bomb_is_refused_at_the_door(book: Book) -> None:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", "<workbook/>")
        with archive.open("xl/worksheets/sheet1.xml", "w") as part:
            for _ in range(513):
                part.write(b" " * (1 << 20))
    with pytest.raises(Refused, match="table_too_large"):
        book.accept(made.getvalue(), "bomb.xlsx")
    assert stored_pieces(book) == 0


def test_hyperlink_cells_are_kept_as_the_text_that_they_are(book: Book) -> None:
    job = book.imported([("Mobile", "Nom"), ("0612345678", '=HYPERLINK("http://evil","x")'), ("=1+1", "y")])
    assert [contact.nom for contact in book.listed()] == ['=HYPERLINK("http://evil","x")']
    assert book.wrong(job.id) == [(3, "number", "=1+1")]


def test_a_file_in_cp1252_keeps_its_accents_and_euros(book: Book) -> None:
    job = book.imported(as_csv([HEADER, *people(1)], encoding="cp1252"))
    assert job.preview["encoding"] == "cp1252"
    [contact] = book.listed()
    assert (contact.nom, contact.prenom, contact.societe) == ("Lefèvre 0", "Zoé", "Café à 2 €")


@pytest.mark.parametrize("header", [(), ("Mobile",)])
def test_one_column_is_enough(book: Book, header: tuple[str, ...]) -> None:
    job = book.imported("\n".join([*header, "0612345678", "0612345679"]).encode())
    assert (job.preview["separator"], job.preview["header"]) == (None, bool(header))
    assert book.numbers() == [NUMBER, NUMBER + 1]


@pytest.mark.parametrize("write", [as_xls, as_xlsx])
def test_numbers_as_floats_are_the_right_numbers(book: Book, write: Callable[[Table], bytes]) -> None:
    book.imported(write([["Mobile"], [33612345678.0], [612345679.0], ["33612345670.0"], ["0612345671"]]))
    assert book.numbers() == [33612345670, 33612345671, 33612345678, 33612345679]


def test_the_preview_shows_how_the_file_is_understood(book: Book) -> None:
    job = book.accept([("Portable", "Nom", "Age"), ("0612345678", "Durand", "33"), ("n/a", "Petit", "44")])
    assert job.status == "queued"
    assert (job.total, job.preview["format"], job.preview["separator"], job.preview["columns"]) == (
        2,
        "csv",
        ";",
        ["Portable", "Nom", "Age"],
    )
    assert job.preview["mapping"] == {"number": "Portable", "nom": "Nom"}
    first, second = job.preview["rows"]
    assert (first["row"], first["number"], first["nom"], first["problem"]) == (2, "+33612345678", "Durand", None)
    assert (second["row"], second["number"], second["given"]) == (3, None, "n/a")
    assert second["problem"]


def test_every_row_that_is_not_taken_is_told_with_its_place(book: Book) -> None:
    job = book.imported([HEADER, *people(1), [], *([bad, "x"] for bad in BAD), ["", "nobody"]])
    assert counts(job) == (1, 0, 5, 0)
    assert book.wrong(job.id) == [*((4 + place, "number", bad) for place, bad in enumerate(BAD)), (8, "number", "")]


# What becomes of rows.


@pytest.mark.parametrize("kind", WRITERS)
def test_every_format_comes_into_the_book(book: Book, kind: str) -> None:
    job = book.imported(WRITERS[kind]([HEADER, *people(3), [OVERSEAS], [FOREIGN]]))
    assert (job.status, job.problem, job.total, job.done) == ("finished", None, 5, 5)
    assert counts(job) == (5, 0, 0, 0)
    assert book.numbers() == [33610000000, 33610000001, 33610000002, 447400123456, 596696123456]
    assert job.finished_at == book.runtime.clock()
    assert stored_pieces(book) == 0


def test_spellings_of_one_number_are_one_contact_and_later_rows_fill_it_in(book: Book) -> None:
    job = book.imported([HEADER, *([same, f"Nom {place}"] for place, same in enumerate(SAME)), [SAME[0], "", "Anne"]])
    assert counts(job) == (1, 0, 0, len(SAME))
    [contact] = book.listed()
    assert (contact.number, contact.nom, contact.prenom) == (NUMBER, f"Nom {len(SAME) - 1}", "Anne")


def test_a_number_repeated_in_a_later_batch_is_a_duplicate_too(book: Book) -> None:
    rows = [row[:2] for row in people(imports.BATCH_ROWS)]
    job = book.imported([HEADER[:2], *rows, [rows[0][0], "Later"], ["0798765432", "New"], [rows[1][0], "Later too"]])
    assert counts(job) == (imports.BATCH_ROWS + 1, 0, 0, 2)
    assert len(book.listed(q="later", look=1)) == 2


def test_an_active_contact_is_filled_in_and_keeps_what_the_file_leaves_empty(book: Book) -> None:
    before = book.add("0612345678", nom="Durand", prenom="Anne")
    book.runtime.clock.forward(minutes=1)  # type: ignore[attr-defined]
    job = book.imported([HEADER, ["0612345678", "Martin", "", "a@example.com"]])
    assert counts(job) == (0, 1, 0, 0)
    [contact] = book.listed()
    assert (contact.id, contact.nom, contact.prenom, contact.email) == (before.id, "Martin", "Anne", "a@example.com")
    assert contact.updated_at == before.updated_at + 60_000
    assert book.listed(q="martin a@example", look=1) == [contact]
    assert book.listed(q="durand", look=1) == []
    assert book.told("contact.created") == [{"contact_id": before.id}]


def test_of_two_contacts_with_one_number_the_oldest_is_filled_in(book: Book) -> None:
    first, second = book.add("0612345678"), book.add("0612345678")
    book.imported([HEADER, ["0612345678", "Martin"]])
    assert {contact.id: contact.nom for contact in book.listed()} == {first.id: "Martin", second.id: None}


def test_a_number_that_opted_out_is_never_revived(book: Book) -> None:
    book.add("0612345678", nom="Durand")
    opt_out(book)
    opt_out(book, NUMBER + 1)
    job = book.imported([HEADER, ["0612345678", "Martin"], ["0612345679", "Petit"], ["0612345678"], ["0612345670"]])
    assert counts(job) == (1, 0, 3, 0)
    assert [row for row, _, _ in book.wrong(job.id)] == [2, 3, 4]
    assert book.numbers() == [33612345670]
    assert [contact.nom for contact in book.listed(archived=True)] == ["Durand"]


def test_an_opt_out_of_a_shared_code_binds_imports_too(book: Book) -> None:
    with book.runtime.begin() as tx:
        blacklist.add(tx, tx.rules.short_code, NUMBER, "STOP", "reply")
    assert counts(book.imported([HEADER, ["0612345678"]])) == (0, 0, 1, 0)


def test_an_archived_contact_is_never_revived(book: Book) -> None:
    book.add("0612345678")
    with book.runtime.begin() as tx:
        contacts.archive_numbers(tx, book.account_id, [NUMBER], "failed_permanent")
    job = book.imported([HEADER, ["0612345678", "Martin"]])
    assert counts(job) == (0, 0, 1, 0)
    assert book.listed() == []


def test_the_group_is_made_once_and_everyone_in_the_file_joins_it(book: Book) -> None:
    book.add("0612345678")
    first = book.imported([HEADER, ["0612345678"], ["0612345679"]], group_name=" Salon  2026 ")
    second = book.imported([HEADER, ["0612345679"], ["0612345670"]], group_name="Salon 2026")
    assert first.group_id == second.group_id
    with book.runtime.read() as tx:
        [group] = groups.listed(tx, book.account_id, 10)
    assert (group.name, group.contacts, group.id) == ("Salon 2026", 3, first.group_id)


def test_every_new_contact_is_told(book: Book) -> None:
    book.imported([HEADER, *people(1200)])
    told = [fact["contact_id"] for fact in book.told("contact.created")]
    assert len(told) == len(set(told)) == 1200
    assert {contact.id for contact in book.listed()} < set(told)


def test_a_blacklist_comes_onto_the_blacklist(book: Book) -> None:
    book.add("0612345678")
    opt_out(book, NUMBER + 1)
    job = book.imported([["0612345678"], ["0612345679"], ["0612345670"], ["0612345670"], ["n/a"]], kind="blacklist")
    assert counts(job) == (2, 1, 1, 1)
    with book.runtime.read() as tx:
        assert {entry.number for entry in blacklist.listed(tx, book.account_id, 10)} == {
            33612345670,
            NUMBER,
            NUMBER + 1,
        }
    assert [contact.archived_reason for contact in book.listed(archived=True)] == ["blacklisted"]


@pytest.mark.parametrize("kind", imports.KINDS)
def test_a_dry_run_counts_as_a_real_one_and_writes_nothing(book: Book, kind: str) -> None:
    book.add("0612345678", nom="Durand")
    opt_out(book, NUMBER + 1)
    rows: Table = [
        HEADER,
        ["0612345678", "Martin"],
        ["0612345679"],
        ["0142685300"],
        *people(1100),
        *people(30),
        ["0612345679"],
    ]
    before = book.listed()
    dry = book.imported(rows, kind=kind, dry_run=True, group_name="Salon")
    assert book.listed() == before
    with book.runtime.read() as tx:
        assert groups.listed(tx, book.account_id, 10) == []
        assert len(blacklist.listed(tx, book.account_id, 10)) == 1
    real = book.imported(rows, kind=kind, group_name="Salon")
    assert counts(dry) == counts(real)
    assert book.wrong(dry.id) == book.wrong(real.id)
    assert sum(counts(real)) == real.done == real.total == 1134


def test_a_batch_takes_a_handful_of_statements(book: Book) -> None:
    book.imported([HEADER, *people(500)])
    job = book.accept(
        [HEADER, *([*row[:1], "Autre"] for row in people(900)), *([bad] for bad in BAD * 25)], group_name="G"
    )
    with statements(book) as sent:
        imports.run(book.runtime, job.id)
    assert counts(book.job(job.id)) == (400, 500, 100, 0)
    assert len(sent) < 40


# Starting again.


class CrashError(Exception):
    """What a test throws where a process would have died."""


def crash_after(batches: int) -> Callable[[str], None]:
    left = iter(range(batches, -1, -1))

    def fault(point: str) -> None:
        if point == "import.batch" and next(left) == 0:
            raise CrashError

    return fault


@pytest.mark.parametrize("survived", [0, 1, 2])
def test_after_a_crash_no_row_is_imported_twice_or_lost(book: Book, survived: int) -> None:
    rows: Table = [HEADER, *people(2200), *people(50), ["n/a"]]
    job = book.accept(rows, group_name="Salon")
    with pytest.raises(CrashError):
        imports.run(book.runtime.as_of(fault=crash_after(survived)), job.id)
    assert (book.job(job.id).status, book.job(job.id).done) == ("running", survived * imports.BATCH_ROWS)
    imports.run(book.runtime, job.id)
    done = book.job(job.id)
    assert (done.status, counts(done)) == ("finished", (2200, 0, 1, 50))
    assert len(set(book.numbers())) == 1000
    with book.runtime.read() as tx:
        assert [group.contacts for group in groups.listed(tx, book.account_id, 10)] == [2200]
        assert contacts.duplicates(tx, book.account_id, 10) == ([], None)


def test_an_import_that_is_finished_is_not_done_again(book: Book) -> None:
    job = book.imported([HEADER, *people(3)])
    imports.run(book.runtime, job.id)
    assert book.job(job.id) == job


def test_two_workers_at_once_do_each_batch_once(book: Book) -> None:
    job = book.accept([HEADER, *people(5500), *people(20)], group_name="Salon")
    with ThreadPoolExecutor() as pool:
        for worker in [pool.submit(imports.run, book.runtime, job.id) for _ in range(2)]:
            worker.result()
    done = book.job(job.id)
    assert (done.status, counts(done)) == ("finished", (5500, 0, 0, 20))
    with book.runtime.read() as tx:
        assert contacts.duplicates(tx, book.account_id, 10) == ([], None)


def test_two_imports_of_the_same_people_at_once_make_each_of_them_once(book: Book) -> None:
    waiting = [book.accept([HEADER, *people(2500)]) for _ in range(2)]
    with ThreadPoolExecutor() as pool:
        for worker in [pool.submit(imports.run, book.runtime, job.id) for job in waiting]:
            worker.result()
    assert sum(book.job(job.id).created for job in waiting) == 2500
    with book.runtime.read() as tx:
        assert contacts.duplicates(tx, book.account_id, 10) == ([], None)


def test_a_worker_that_lost_its_lease_stops_and_leaves_the_rest(book: Book) -> None:
    job = book.accept([HEADER, *people(2500)])
    kept = iter([True, False])
    imports.run(book.runtime, job.id, lambda _tx: next(kept))
    assert (book.job(job.id).status, book.job(job.id).done) == ("running", 1000)


def test_the_job_is_promised_with_the_import_and_does_it(book: Book) -> None:
    job = book.accept([HEADER, *people(3)])
    assert "jobs" in book.runtime.doorbell.topics  # type: ignore[attr-defined]
    assert jobs.work(book.runtime, {"import": imports.work})
    assert book.job(job.id).status == "finished"
    assert not jobs.work(book.runtime, {"import": imports.work})


# Files that cannot be read.


def test_a_file_that_breaks_half_way_fails_and_keeps_what_came_before(book: Book) -> None:
    job = book.accept(as_csv([HEADER, *people(1200)]))
    with book.runtime.begin() as tx:
        whole = tx.scalar(select(import_files.c.content))
        tx.execute(import_files.update().values(content=whole + b'0798765432;"never closed' + b"\n;" * 100_000))
    imports.run(book.runtime, job.id)
    failed = book.job(job.id)
    assert (failed.status, failed.done) == ("failed", 1000)
    assert "quotation mark" in (failed.problem or "")
    assert len(book.listed(q="0610")) == 1000


def test_a_stored_file_that_cannot_be_read_any_more_makes_the_import_fail(book: Book) -> None:
    job = book.accept(as_xlsx([HEADER, *people(3)]))
    with book.runtime.begin() as tx:
        tx.execute(import_files.update().values(content=b"PK\x03\x04 broken"))
    imports.run(book.runtime, job.id)
    failed = book.job(job.id)
    assert failed.status == "failed"
    assert failed.problem
    assert failed.finished_at == book.runtime.clock()
    assert stored_pieces(book) == 0


def test_a_file_over_the_limit_is_refused_before_it_is_stored(book: Book) -> None:
    with pytest.raises(Refused, match="file_too_large"):
        book.accept(b"x\n" * ((pieces.MAX_FILE_BYTES >> 1) + 1))
    assert stored_pieces(book) == 0


def test_a_file_is_kept_in_pieces_and_read_back_whole(book: Book) -> None:
    content = as_csv([HEADER, *people(30_000)])
    job = book.accept(content)
    assert stored_pieces(book) == 1 + len(content) // pieces.PIECE_BYTES > 1
    with pieces.fetched(book.runtime, job.id) as file:
        assert file.read() == content


def test_the_separator_can_be_told(book: Book) -> None:
    job = book.imported(b"Mobile,Nom;Societe\n0612345678,a;b\n", separator=";", mapping={"number": 0})
    assert (job.preview["columns"], counts(job)) == (["Mobile,Nom", "Societe"], (0, 0, 1, 0))


def test_a_foreign_import_is_not_there(book: Book) -> None:
    job = book.imported([HEADER, ["n/a"]])
    with book.runtime.begin() as tx:
        other = accounts.create(tx, "Other").id
    with book.runtime.read() as tx, pytest.raises(Refused, match="not_found"):
        imports.get(tx, other, job.id)
    with pytest.raises(Refused, match="not_found"):
        imports.errors(book.runtime, other, job.id)


def test_errors_come_in_pages_that_meet(book: Book) -> None:
    job = book.imported([HEADER, *([str(place)] for place in range(2500))], mapping={"number": "Mobile"})
    assert [row for row, _, _ in book.wrong(job.id)] == list(range(2, 2502))
    with book.runtime.read() as tx:
        assert [one.id for one in imports.listed(tx, book.account_id, 10)] == [job.id]
