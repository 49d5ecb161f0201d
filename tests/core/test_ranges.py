"""Pages of a list that look at so many rows, while others change them."""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import event, update

from core.audience import contacts as book_of
from core.ranges import Page, newest
from core.schema import contacts, messages
from core.sending import singles
from tests.support.book import Book, a_book
from tests.support.engine import Engine

NUMBER = "+33612345620"


@pytest.fixture
def book(database_url: str) -> Iterator[Book]:
    with a_book(database_url) as made:
        yield made


@contextmanager
def after_each_look(book: Book, work: Callable[[], Any]) -> Iterator[None]:
    """After each statement that looks at contacts: somebody else's `work`, once and committed."""
    left = [work]

    def looked(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if "FROM contacts" in statement and left:
            left.pop()()

    engine = book.runtime.database.engine
    event.listen(engine, "after_cursor_execute", looked)
    try:
        yield
    finally:
        event.remove(engine, "after_cursor_execute", looked)


def archived(book: Book, below: str | None = None) -> Page:
    """Archived contacts whose name is Petit, of the two newest."""
    with book.runtime.read() as tx:
        return newest(
            tx,
            contacts,
            [(contacts.c.account_id, book.account_id)],
            5,
            lambda of: [of.search.contains(" petit")],
            inside=[contacts.c.archived_at.is_not(None)],
            below=below,
            look=2,
        )


def test_a_row_that_leaves_the_list_while_a_page_is_read_takes_none_of_the_others_with_it(book: Book) -> None:
    names = ("Petit", "Petit", "Durand", "Durand")
    made = [book.add(f"061234567{place}", nom=name) for place, name in enumerate(names)]
    with book.runtime.begin() as tx:
        book_of.archive_numbers(tx, book.account_id, [one.number for one in made], "failed_permanent")

    def restore() -> None:
        with book.runtime.begin() as tx:
            book_of.restore(tx, book.account_id, made[3].id)

    with after_each_look(book, restore):
        first = archived(book)
    second = archived(book, first.next_after)
    assert (first.rows, first.next_after) == ([], made[2].id)
    assert [row.id for row in second.rows] == [made[1].id, made[0].id]


def test_a_page_that_is_full_ends_at_its_last_row(book: Book) -> None:
    made = [book.add(f"061234567{place}", nom="Petit") for place in range(4)]
    with book.runtime.read() as tx:
        way = [(contacts.c.account_id, book.account_id)]
        pages = [newest(tx, contacts, way, 2, lambda _of: [], below=below, look=3) for below in (None, made[2].id)]
        nobody = newest(tx, contacts, way, 2, lambda _of: [], below=made[0].id, look=3)
    assert [[row.id for row in page.rows] for page in pages] == [[made[3].id, made[2].id], [made[1].id, made[0].id]]
    assert [page.next_after for page in pages] == [made[2].id, None]
    assert (nobody.rows, nobody.next_after) == ([], None)


@pytest.mark.parametrize("look", [1, 2, 3, 7, 50])
def test_a_list_of_one_number_never_names_a_message_of_another_account(
    database_url: str, tmp_path: Path, look: int
) -> None:
    with closing(Engine(database_url, tmp_path)) as engine:
        account, other = engine.account(), engine.account("Other")
        sent = [
            engine.send(whose, number)
            for whose, number in [
                (account, NUMBER),
                *[(other, NUMBER)] * 9,
                *[(account, "+33612345621")] * 4,
                (account, NUMBER),
                (account, NUMBER),
                *[(other, NUMBER)] * 4,
                (account, NUMBER),
                *[(other, NUMBER)] * 5,
            ]
        ]
        mine = [row.id for row in engine.messages(account)]
        wanted = [row.id for row in engine.messages(account) if f"+{row.number}" == NUMBER]
        with engine.runtime.begin() as tx:
            tx.execute(update(messages).where(messages.c.id == wanted[2]).values(hidden_at=tx.now))
        seen, after = list[str](), None
        with engine.runtime.read() as tx:
            for _ in sent:
                page = singles.page(tx, account.id, 2, after, singles.Filters(number=int(NUMBER[1:])), look=look)
                seen += [row.id for row in page.rows]
                if page.next_after is None:
                    break
                assert page.next_after in mine
                assert after is None or page.next_after < after
                after = page.next_after
            else:
                pytest.fail("the list has no end")
    assert seen == [wanted[3], wanted[1], wanted[0]]
