from dataclasses import replace

import pytest

from core import Refused, accounts, blacklist, contacts, groups
from core.accounts import add_inbound_number
from core.schema import contact_words
from tests.support.book import Book

ANNE = {"nom": "Lefèvre", "prenom": "Anne", "email": "anne@example.com", "societe": "Librairie du Port"}


def change(book: Book, contact_id: str, **changes: object) -> contacts.Contact:
    with book.runtime.begin() as tx:
        return contacts.change(tx, book.account_id, contact_id, changes)


def archive(book: Book, *numbers: int) -> int:
    with book.runtime.begin() as tx:
        return contacts.archive_numbers(tx, book.account_id, numbers, "failed_permanent")


def test_a_contact_is_read_as_it_was_written(book: Book) -> None:
    made = book.add("06 12 34 56 78", **ANNE)
    with book.runtime.read() as tx:
        assert contacts.get(tx, book.account_id, made.id) == made
    assert (made.number, made.country, made.nom, made.source) == (33612345678, "FR", "Lefèvre", "api")
    assert book.told("contact.created") == [{"contact_id": made.id}]


def test_a_number_that_cannot_be_texted_is_refused_by_its_field(book: Book) -> None:
    with pytest.raises(Refused) as refused:
        book.add("0142685300")
    assert refused.value.code == "fixed_line_number"
    assert refused.value.faults[0].pointer == "/number"
    assert book.listed() == []


def test_fields_are_tidied_onto_one_line(book: Book) -> None:
    made = book.add(nom="  de\r\n La\tTour\x00 ", societe=" ")
    assert made.nom == "de La Tour"
    assert made.societe is None


@pytest.mark.parametrize(
    "q",
    [
        "0612345678",
        "0612 34 5",
        "lefevre",
        "LEFÈVRE anne",
        "port lib",
        "ANNE@EXAMPLE",
        "0612",
        "06 12 34",
        "+33612",
        "0033612",
        "33612345678",
    ],
)
def test_search_finds_names_without_accents_and_numbers_by_their_beginning(book: Book, q: str) -> None:
    anne = book.add("0612345678", **ANNE)
    book.add("0798765432", nom="Petit", prenom="Bob")
    assert book.listed(q=q) == [anne]


@pytest.mark.parametrize("q", ["%", "_", "lefevre bob", "0613", "612345678", "00", "+", "٣"])
def test_search_finds_nothing_else(book: Book, q: str) -> None:
    book.add("0612345678", **ANNE)
    assert book.listed(q=q) == []


@pytest.mark.parametrize("few, look", [(0, 100), (1, 100), (100, 1)])
def test_a_list_of_few_and_a_list_of_many_are_the_same(book: Book, few: int, look: int) -> None:
    made = [book.add(f"061234567{digit}", nom="Petit").id for digit in range(5)]
    book.add("0798765432", nom="Petit")
    with book.runtime.begin() as tx:
        group = groups.create(tx, book.account_id, "Clients")
        for contact_id in made[1:4]:
            groups.put_member(tx, book.account_id, group.id, contact_id)
    with book.runtime.read() as tx:
        by_number = contacts.page(tx, book.account_id, 3, made[4], q="0612", few=few, look=look)
        by_group = contacts.page(tx, book.account_id, 3, group="clients", few=few, look=look)
        by_both = contacts.page(tx, book.account_id, 3, q="06123456 72", group="clients", few=few, look=look)
        by_word = contacts.page(tx, book.account_id, 3, q="petit", group="clients", few=few, look=look)
    assert [contact.id for contact in by_number.rows] == made[3:0:-1]
    assert [contact.id for contact in by_group.rows] == made[3:0:-1]
    assert [contact.id for contact in by_both.rows] == [made[2]]
    assert by_word == by_group


@pytest.mark.parametrize("few, look", [(0, 100), (100, 1)])
def test_a_whole_number_and_a_whole_address_find_nobody_else(book: Book, few: int, look: int) -> None:
    anne = book.add("0612345678", email="Zoé.Anne@example.com")
    book.add("0612345679", email="zoé.anne@example.com.au")
    with book.runtime.read() as tx:

        def found(**asked: object) -> list[contacts.Contact]:
            return list(contacts.page(tx, book.account_id, 9, few=few, look=look, **asked).rows)  # type: ignore[arg-type]

        assert found(number=33612345678) == found(q="0612", number=33612345678) == [anne]
        assert found(email="Zoé.Anne@example.com") == found(email="Zoé.Anne@EXAMPLE.com") == [anne]
        assert found(number=33612345678, email="anne@example.com") == found(q="0798", number=33612345678) == []


def test_pages_go_newest_first_and_meet_without_a_gap(book: Book) -> None:
    made = [book.add(f"061234567{digit}").id for digit in range(5)]
    with book.runtime.read() as tx:
        first = contacts.page(tx, book.account_id, 3)
        rest = contacts.page(tx, book.account_id, 3, first.next_after)
    assert [contact.id for contact in [*first.rows, *rest.rows]] == made[::-1]


def test_a_group_given_at_creation_filters_the_list(book: Book) -> None:
    with book.runtime.begin() as tx:
        group = groups.create(tx, book.account_id, "Clients fidèles")
    member = book.add("0612345678", groups=["clients-fideles"])
    book.add("0612345679")
    assert book.listed(group=group.id) == book.listed(group="clients-fideles") == [member]


def test_an_unknown_group_is_refused_and_nothing_is_written(book: Book) -> None:
    with pytest.raises(Refused) as refused:
        book.add("0612345678", groups=["nobody"])
    assert (refused.value.code, refused.value.faults[0].pointer) == ("unknown_group", "/groups/0")
    assert book.listed() == []


def test_a_new_number_keeps_the_groups(book: Book) -> None:
    with book.runtime.begin() as tx:
        group = groups.create(tx, book.account_id, "Clients")
    made = book.add("0612345678", groups=[group.id], nom="Anne")
    moved = change(book, made.id, number="0798765432")
    assert moved == replace(made, number=33798765432)
    assert book.listed(group=group.id) == [moved]
    assert book.listed(q="0798") == [moved]
    with book.runtime.begin() as tx:  # the membership knows the new number: it can be taken away by it
        groups.remove_member(tx, book.account_id, group.id, made.id)
    assert book.listed(group=group.id) == []


def test_null_clears_a_field_and_search_forgets_it(book: Book) -> None:
    made = book.add(**ANNE)
    changed = change(book, made.id, nom=None)
    assert (changed.nom, changed.prenom) == (None, "Anne")
    assert book.listed(q="lefevre") == []
    assert book.listed(q="anne") == [changed]


def test_groups_in_a_change_replace_the_memberships(book: Book) -> None:
    with book.runtime.begin() as tx:
        for name in ("One", "Two"):
            groups.create(tx, book.account_id, name)
    made = book.add(groups=["one"])
    change(book, made.id, groups=["two"])
    assert book.listed(group="one") == []
    assert book.listed(group="two") != []


def test_a_removed_contact_is_gone_from_its_groups_too(book: Book) -> None:
    with book.runtime.begin() as tx:
        group = groups.create(tx, book.account_id, "Clients")
    made = book.add(groups=[group.id])
    with book.runtime.begin() as tx:
        contacts.remove(tx, book.account_id, made.id)
    with book.runtime.read() as tx:
        assert groups.get(tx, book.account_id, group.id).contacts == 0
        with pytest.raises(Refused, match="not_found"):
            contacts.get(tx, book.account_id, made.id)


@pytest.mark.parametrize("contact_id", ["nobody", "", "00000000-0000-7000-8000-000000000000", "' OR 1=1 --", "\x00"])
def test_what_is_no_contact_is_not_found(book: Book, contact_id: str) -> None:
    with book.runtime.read() as tx, pytest.raises(Refused, match="not_found"):
        contacts.get(tx, book.account_id, contact_id)


def test_a_foreign_contact_is_not_found_by_any_function(book: Book) -> None:
    made = book.add()
    with book.runtime.begin() as tx:
        other = accounts.create(tx, "Other").id
        for refuse in (
            lambda: contacts.get(tx, other, made.id),
            lambda: contacts.change(tx, other, made.id, {"nom": "x"}),
            lambda: contacts.remove(tx, other, made.id),
            lambda: contacts.restore(tx, other, made.id),
        ):
            with pytest.raises(Refused, match="not_found"):
                refuse()
    assert book.listed() == [made]


def test_a_number_that_failed_for_good_leaves_the_book_and_can_be_restored(book: Book) -> None:
    gone, kept = book.add("0612345678"), book.add("0612345679")
    assert archive(book, gone.number, 33699999999) == 1
    assert book.listed() == [kept]
    [archived] = book.listed(archived=True)
    assert (archived.id, archived.archived_reason) == (gone.id, "failed_permanent")
    assert book.told("contact.archived") == [{"contact_id": gone.id}]
    with book.runtime.begin() as tx:
        assert contacts.restore(tx, book.account_id, gone.id) == gone
    assert book.listed(archived=True) == []


def test_archiving_twice_tells_it_once(book: Book) -> None:
    gone = book.add()
    assert [archive(book, gone.number), archive(book, gone.number)] == [1, 0]
    assert len(book.told("contact.archived")) == 1


def test_archiving_leaves_other_accounts_alone(book: Book) -> None:
    with book.runtime.begin() as tx:
        other = accounts.create(tx, "Other").id
        contacts.create(tx, other, {"number": "0612345678"}, "api")
    assert archive(book, 33612345678) == 0


def test_a_shared_code_archives_for_every_account_and_an_owned_one_for_its_owner(book: Book) -> None:
    with book.runtime.begin() as tx:
        other = accounts.create(tx, "Other").id
        add_inbound_number(tx, "36034", "simulator", "FR")
        add_inbound_number(tx, "38000", "simulator", "FR", other)
        for account_id in (book.account_id, other):
            for number in ("0612345678", "0612345679"):
                contacts.create(tx, account_id, {"number": number}, "api")
    with book.runtime.begin() as tx:
        assert contacts.archive_numbers(tx, "36034", [33612345678], "blacklisted") == 2
        assert contacts.archive_numbers(tx, "38000", [33612345679], "blacklisted") == 1
    assert book.numbers() == [33612345679]
    assert len(book.told("contact.archived")) == 1


def test_a_number_on_the_blacklist_comes_neither_in_nor_back(book: Book) -> None:
    made = book.add("0612345678")
    with book.runtime.begin() as tx:
        blacklist.add(tx, book.account_id, made.number, None, "reply")
    with pytest.raises(Refused, match="opted_out"):
        book.add("0612345678")
    with book.runtime.begin() as tx, pytest.raises(Refused, match="opted_out"):
        contacts.restore(tx, book.account_id, made.id)
    other = book.add("0612345679")
    with pytest.raises(Refused, match="opted_out"):
        change(book, other.id, number="0612345678")


def test_a_contact_that_opted_out_may_still_be_corrected(book: Book) -> None:
    made = book.add("0612345678")
    with book.runtime.begin() as tx:
        blacklist.add(tx, book.account_id, made.number, None, "reply")
    assert change(book, made.id, nom="Anne", number="+33 6 12 34 56 78").nom == "Anne"


def test_duplicates_are_numbers_that_active_contacts_share(book: Book) -> None:
    first, second = book.add("0612345678"), book.add("+33612345678")
    book.add("0612345679")
    lone, archived = book.add("0612345670"), book.add("0612345670")
    with book.runtime.begin() as tx:
        contacts.remove(tx, book.account_id, archived.id)
        [found], _ = contacts.duplicates(tx, book.account_id, 10)
    assert lone.number != found.number
    assert (found.number, found.count, list(found.contacts)) == (33612345678, 2, [first, second])


def test_duplicates_come_in_pages_and_show_at_most_twenty_contacts_each(book: Book) -> None:
    for number in ("0612345670", "0612345671"):
        for _ in range(21):
            book.add(number)
    with book.runtime.read() as tx:
        [first], after = contacts.duplicates(tx, book.account_id, 1)
        [second], end = contacts.duplicates(tx, book.account_id, 1, after or 0)
        assert (after, end) == (first.number, None)
    assert (first.number, second.number) == (33612345670, 33612345671)
    assert (first.count, len(first.contacts)) == (21, 20)


def test_a_page_of_duplicates_looks_at_so_many_contacts_and_the_next_one_goes_on_there(book: Book) -> None:
    lone = [book.add(f"061234567{digit}") for digit in range(3)]
    for _ in range(3):
        book.add("0612345679")
    with book.runtime.read() as tx:
        nobody, after = contacts.duplicates(tx, book.account_id, 10, look=2)
        [found], then = contacts.duplicates(tx, book.account_id, 10, after or 0, look=2)
        rest = contacts.duplicates(tx, book.account_id, 10, then or 0, look=2)
    assert (nobody, after) == ([], lone[1].number)
    assert (found.number, found.count, then) == (33612345679, 3, 33612345679)
    assert rest == ([], None)


@pytest.mark.parametrize(
    "q", ["anne.4321@exa", "zoe-mar", "ZOÉ conn", "mar", "o'con", "con zoe", "zoemarieclaireelisabe"]
)
@pytest.mark.parametrize("few, look", [(0, 100), (100, 1)])
def test_words_are_found_by_their_beginnings_however_many_hold_them(book: Book, q: str, few: int, look: int) -> None:
    book.add("0798765432", nom="Petit", email="anne@test.test")
    wanted = book.add(
        nom="O'Connor", prenom="Zoé-Marie", email="anne.4321@example.fr", societe="ZoeMarieClaireElisabeth"
    )
    book.add("0798765431", nom="Emar", email="anne.43@example.fr", societe="Zoemariecatherine O Co")
    assert book.listed(q=q, few=few, look=look) == [wanted]


@pytest.mark.parametrize("few, look", [(0, 100), (100, 1)])
def test_the_index_of_words_follows_a_contact(book: Book, few: int, look: int) -> None:
    made = book.add(nom="Lefèvre", prenom="Anne")
    change(book, made.id, nom="Durand")
    assert [one.id for one in book.listed(q="durand anne", few=few, look=look)] == [made.id]
    assert book.listed(q="lefevre", few=few, look=look) == []
    with book.runtime.begin() as tx:
        assert len(tx.all(contact_words.select())) == 2
        contacts.remove(tx, book.account_id, made.id)
        assert tx.all(contact_words.select()) == []


def test_a_page_of_a_search_looks_at_so_many_contacts_and_the_next_one_goes_on_there(book: Book) -> None:
    wanted = book.add("0612345670", nom="Petit", prenom="Anne")
    others = [book.add(f"061234567{digit}", nom="Petit") for digit in range(1, 4)]
    with book.runtime.read() as tx:
        first = contacts.page(tx, book.account_id, 5, q="petit anne", few=0, look=3)
        rest = contacts.page(tx, book.account_id, 5, first.next_after, q="petit anne", few=0, look=3)
        looked_up = contacts.page(tx, book.account_id, 5, q="petit anne", look=3)
    assert (first.rows, first.next_after) == ([], others[0].id)
    assert (rest.rows, rest.next_after) == ([wanted], None)
    assert (looked_up.rows, looked_up.next_after) == ([wanted], None)


def test_a_search_without_a_word_finds_nobody_and_an_empty_one_everybody(book: Book) -> None:
    made = book.add(nom="Petit")
    assert book.listed(q="!?") == []
    assert book.listed(q="  ") == book.listed() == [made]
