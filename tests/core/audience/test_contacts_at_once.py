"""Two who change one contact at once: the second waits for the first, and goes by what it left."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import text

from core import Refused, contacts
from core.runtime import Tx
from core.schema import contact_words
from tests.support.book import Book
from tests.support.serving import wait_for

PATIENCE_S = 30
Work = Callable[[Tx], Any]
Meet = Callable[[Work, Work], "Future[Any]"]


@pytest.fixture
def meet(book: Book) -> Iterator[Meet]:
    """Begin the second while the first has not committed; SQLite has one writer, so there it waits from its beginning."""
    with ThreadPoolExecutor(1) as other:

        def work(second: Work) -> Any:
            with book.runtime.begin() as tx:
                return second(tx)

        def begin(first: Work, second: Work) -> "Future[Any]":
            with book.runtime.begin() as tx:
                first(tx)
                begun = other.submit(work, second)
                if tx.postgresql:
                    wait_for(lambda: waits(book) or begun.done())
            return begun

        yield begin


def waits(book: Book) -> bool:
    with book.runtime.read() as tx:
        asked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
        return bool(tx.scalar(text(asked)))


def changing(book: Book, contact_id: str, **changes: Any) -> Work:
    return lambda tx: contacts.change(tx, book.account_id, contact_id, changes)


def removing(book: Book, contact_id: str) -> Work:
    return lambda tx: contacts.remove(tx, book.account_id, contact_id)


def restoring(book: Book, contact_id: str) -> Work:
    return lambda tx: contacts.restore(tx, book.account_id, contact_id)


def indexed(book: Book) -> int:
    with book.runtime.read() as tx:
        return len(tx.all(contact_words.select()))


def test_two_that_give_a_contact_the_same_word_both_do(book: Book, meet: Meet) -> None:
    made = book.add(nom="Petit")
    second = meet(changing(book, made.id, prenom="Anne"), changing(book, made.id, societe="Anne"))
    changed = second.result(PATIENCE_S)
    assert (changed.prenom, changed.societe) == ("Anne", "Anne")
    assert book.listed(q="anne") == [changed]
    assert indexed(book) == 2


def test_a_new_name_and_a_new_address_at_once_are_both_kept_and_found(book: Book, meet: Meet) -> None:
    made = book.add(nom="Petit")
    second = meet(changing(book, made.id, nom="Durand"), changing(book, made.id, email="anne@example.com"))
    changed = second.result(PATIENCE_S)
    assert (changed.nom, changed.email) == ("Durand", "anne@example.com")
    for few, look in ((0, 100), (100, 1)):
        assert book.listed(q="durand anne", few=few, look=look) == [changed]
        assert book.listed(q="petit", few=few, look=look) == []


def test_a_contact_that_is_removed_meanwhile_is_not_changed_and_leaves_no_word(book: Book, meet: Meet) -> None:
    made = book.add(nom="Petit")
    second = meet(removing(book, made.id), changing(book, made.id, nom="Durand"))
    with pytest.raises(Refused, match="not_found"):
        second.result(PATIENCE_S)
    assert (book.listed(), indexed(book)) == ([], 0)


def test_a_contact_that_is_changed_meanwhile_is_removed_with_its_new_words(book: Book, meet: Meet) -> None:
    made = book.add(nom="Petit")
    meet(changing(book, made.id, nom="Durand"), removing(book, made.id)).result(PATIENCE_S)
    assert (book.listed(), indexed(book)) == ([], 0)


def test_a_contact_that_is_changed_meanwhile_is_restored_as_it_is_now(book: Book, meet: Meet) -> None:
    made = book.add(nom="Petit")
    with book.runtime.begin() as tx:
        contacts.archive_numbers(tx, book.account_id, [made.number], "failed_permanent")
    restored = meet(changing(book, made.id, nom="Durand"), restoring(book, made.id)).result(PATIENCE_S)
    assert (restored.nom, restored.archived_at) == ("Durand", None)
    assert book.listed(q="durand", few=0) == [restored]
