from dataclasses import replace

import pytest

from core import Refused, accounts, blacklist
from core.accounts import add_inbound_number
from tests.support.book import Book, statements

ANNE, BOB = 33612345678, 33712345678


def add(book: Book, number: int = ANNE, scope: str | None = None, source: str = "reply") -> bool:
    with book.runtime.begin() as tx:
        return blacklist.add(tx, scope or book.account_id, number, "STOP", source)


def other_account(book: Book) -> str:
    with book.runtime.begin() as tx:
        return accounts.create(tx, "Other").id


def code(book: Book, number: str, owner: str | None = None) -> None:
    with book.runtime.begin() as tx:
        add_inbound_number(tx, number, "simulator", "FR", owner)


def listed(book: Book, **options: object) -> list[int]:
    with book.runtime.read() as tx:
        return [entry.number for entry in blacklist.listed(tx, book.account_id, 100, **options)]  # type: ignore[arg-type]


def screened(book: Book, account_id: str | None = None) -> set[int]:
    with book.runtime.read() as tx:
        return blacklist.screen(tx, blacklist.scopes_of(tx, account_id or book.account_id), [ANNE, BOB])


def test_an_opt_out_binds_tells_and_archives(book: Book) -> None:
    contact = book.add("0612345678")
    assert add(book)
    assert screened(book) == {ANNE}
    [told] = book.told("optout.created")
    assert (told["number"], told["source"], told["reason"], told["at"]) == (ANNE, "reply", "STOP", book.runtime.clock())
    [archived] = book.listed(archived=True)
    assert archived == replace(contact, archived_at=archived.archived_at, archived_reason="blacklisted")


def test_a_second_opt_out_changes_nothing_and_tells_nobody(book: Book) -> None:
    assert [add(book), add(book, source="api")] == [True, False]
    with book.runtime.read() as tx:
        assert blacklist.get(tx, book.account_id, ANNE).source == "reply"
    assert len(book.told("optout.created")) == 1


@pytest.mark.parametrize("source", ["reply", "web"])
def test_who_asks_for_it_themselves_when_the_account_had_listed_them_is_known_to_have(book: Book, source: str) -> None:
    assert [add(book, source="api"), add(book, source=source), add(book, source="import")] == [True, False, False]
    with book.runtime.read() as tx:
        entry = blacklist.get(tx, book.account_id, ANNE)
    assert (entry.source, entry.reason) == (source, "STOP")
    assert len(book.told("optout.created")) == 1


def test_one_accounts_list_does_not_bind_another(book: Book) -> None:
    add(book)
    assert screened(book, other_account(book)) == set()


def test_a_shared_code_binds_everyone_who_uses_it(book: Book) -> None:
    code(book, "38000")
    contact = book.add("0612345678")
    assert add(book, scope="38000")
    assert screened(book) == screened(book, other_account(book)) == {ANNE}
    assert [one.id for one in book.listed(archived=True)] == [contact.id]


def test_the_operators_short_code_binds_even_undeclared(book: Book) -> None:
    add(book, scope=book.runtime.rules.short_code)
    assert screened(book) == {ANNE}


def test_a_code_with_an_owner_binds_the_owner_alone(book: Book) -> None:
    other = other_account(book)
    code(book, "38000", book.account_id)
    code(book, book.runtime.rules.short_code, other)
    add(book, scope="38000")
    add(book, BOB, scope=book.runtime.rules.short_code)
    assert screened(book) == {ANNE}
    assert screened(book, other) == {BOB}


def test_strangers_on_a_shared_code_are_not_listed_nor_told(book: Book) -> None:
    code(book, "38000")
    code(book, "38001", book.account_id)
    add(book, ANNE, scope="38000")
    add(book, BOB, scope="38001")
    assert listed(book) == [BOB]
    assert [fact["number"] for fact in book.told("optout.created")] == [BOB]
    with book.runtime.read() as tx:  # but who names a number is told
        assert blacklist.get(tx, book.account_id, ANNE).code == "38000"


def test_the_accounts_own_entry_is_shown_before_a_codes(book: Book) -> None:
    code(book, "38000")
    add(book, scope="38000")
    add(book)
    with book.runtime.read() as tx:
        assert blacklist.get(tx, book.account_id, ANNE).code is None


def test_pages_of_the_list_meet_across_scopes_and_equal_times(book: Book) -> None:
    code(book, "38001", book.account_id)
    for scope in (book.account_id, "38001"):
        for number in (ANNE, BOB):
            add(book, number, scope=scope)
    seen: list[tuple[int, int, str]] = []
    with book.runtime.read() as tx:
        while page := blacklist.listed(tx, book.account_id, 1, blacklist.Place(*seen[-1]) if seen else None):
            seen += [(entry.created_at, entry.number, entry.scope) for entry in page]
    assert seen == sorted(seen, reverse=True)
    assert len(seen) == len(set(seen)) == 4


def test_the_list_is_searched_by_the_beginning_of_a_number(book: Book) -> None:
    add(book, ANNE)
    add(book, BOB)
    assert listed(book, q="06") == listed(book, q="+336") == [ANNE]
    with pytest.raises(Refused, match="invalid_search"):
        listed(book, q="anne")


def test_a_number_is_let_back_in_and_its_contact_stays_archived(book: Book) -> None:
    book.add("0612345678")
    add(book)
    with book.runtime.begin() as tx:
        assert blacklist.remove(tx, book.account_id, ANNE) == []
    assert screened(book) == set()
    assert len(book.told("optout.removed")) == 1
    assert book.listed() == []


def test_removal_says_which_shared_codes_still_bind(book: Book) -> None:
    code(book, "38000")
    add(book, scope="38000")
    add(book)
    with book.runtime.begin() as tx:
        assert blacklist.remove(tx, book.account_id, ANNE) == ["38000"]
    assert screened(book) == {ANNE}
    with book.runtime.begin() as tx, pytest.raises(Refused, match="shared_optout"):
        blacklist.remove(tx, book.account_id, ANNE)


def test_what_is_not_listed_cannot_be_removed(book: Book) -> None:
    add(book, scope=other_account(book))
    with book.runtime.begin() as tx, pytest.raises(Refused, match="not_found"):
        blacklist.remove(tx, book.account_id, ANNE)


def test_a_thousand_numbers_take_a_handful_of_statements(book: Book) -> None:
    add(book, ANNE)
    numbers = list(range(ANNE, ANNE + 1000))
    with book.runtime.begin() as tx, statements(book) as sent:
        assert blacklist.add_many(tx, book.account_id, numbers, "list", "import") == set(numbers) - {ANNE}
    assert len([statement for statement in sent if statement.split()[0] in ("SELECT", "INSERT", "UPDATE")]) <= 6
    assert len(book.told("optout.created")) == 1000


def test_nothing_is_screened_out_of_nothing(book: Book) -> None:
    with book.runtime.read() as tx:
        assert blacklist.screen(tx, [book.account_id], []) == set()
        assert blacklist.screen(tx, [], [ANNE]) == set()


def test_what_is_not_listed_is_not_found(book: Book) -> None:
    with book.runtime.read() as tx, pytest.raises(Refused, match="not_found"):
        blacklist.get(tx, book.account_id, ANNE)
