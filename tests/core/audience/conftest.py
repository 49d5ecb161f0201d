from collections.abc import Iterator

import pytest

from tests.support.book import Book, a_book


@pytest.fixture
def book(database_url: str) -> Iterator[Book]:
    """An account's address book, empty, on each database."""
    with a_book(database_url) as made:
        yield made
