import pytest

from core import Refused, accounts, templates
from tests.support.book import Book


def test_a_template_is_kept_changed_and_forgotten(book: Book) -> None:
    with book.runtime.begin() as tx:
        made = templates.create(tx, book.account_id, "Soldes", "Bonjour $prenom")
        assert templates.get(tx, book.account_id, made.id) == made
        assert templates.change(tx, book.account_id, made.id, {"text": "Bonsoir"}).text == "Bonsoir"
        templates.remove(tx, book.account_id, made.id)
        assert templates.listed(tx, book.account_id, 10) == []


def test_templates_come_newest_first_in_pages(book: Book) -> None:
    with book.runtime.begin() as tx:
        made = [templates.create(tx, book.account_id, "Soldes", str(count)) for count in range(3)]
        first = templates.listed(tx, book.account_id, 2)
        assert [*first, *templates.listed(tx, book.account_id, 2, first[-1].id)] == made[::-1]


def test_a_foreign_template_is_not_there(book: Book) -> None:
    with book.runtime.begin() as tx:
        made = templates.create(tx, book.account_id, "Soldes", "x")
        other = accounts.create(tx, "Other").id
        assert templates.listed(tx, other, 10) == []
        with pytest.raises(Refused, match="not_found"):
            templates.remove(tx, other, made.id)
