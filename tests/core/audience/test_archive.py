import pytest

from core import contacts
from tests.support.book import Book, statements


@pytest.mark.parametrize("scope", ["its own", "36034"])
def test_an_opt_out_looks_its_number_up_and_does_not_walk_the_book(book: Book, scope: str) -> None:
    if book.runtime.database.dialect != "sqlite":
        pytest.skip("PostgreSQL plans by statistics, of which an empty table has none")
    with book.runtime.begin() as tx, statements(book) as sent:
        contacts.archive_numbers(tx, scope if scope.isdigit() else book.account_id, [33612345678], "blacklisted")
    [looked] = [statement for statement in sent if "FROM contacts" in statement]
    with book.runtime.read() as tx:
        plan = tx.connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {looked}", (None,) * looked.count("?")).all()
    assert any("ix_contacts_account_id_number (account_id=? AND number=?" in row[3] for row in plan)
