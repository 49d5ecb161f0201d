import pytest

from core import Refused, accounts, contacts, groups
from tests.support.book import Book, statements


def make(book: Book, name: str, slug: str | None = None) -> groups.Group:
    with book.runtime.begin() as tx:
        return groups.create(tx, book.account_id, name, slug)


def test_the_slug_is_made_from_the_name_and_is_free(book: Book) -> None:
    assert make(book, "Clients fidèles").slug == "clients-fideles"
    assert make(book, "Clients Fidèles !").slug == "clients-fideles-2"
    assert make(book, "日本").slug == "group"


@pytest.mark.parametrize("name, slug, at", [("Clients", None, "/name"), ("Other", "clients", "/slug")])
def test_a_name_or_slug_is_had_once(book: Book, name: str, slug: str | None, at: str) -> None:
    make(book, "Clients")
    with pytest.raises(Refused) as refused:
        make(book, name, slug)
    assert (refused.value.code, refused.value.faults[0].pointer) == ("group_exists", at)


def test_a_group_is_renamed_but_not_to_another_ones_name(book: Book) -> None:
    group = make(book, "One")
    make(book, "Two")
    with book.runtime.begin() as tx:
        assert groups.change(tx, book.account_id, group.id, {"name": "Uno", "slug": "one"}).name == "Uno"
        with pytest.raises(Refused, match="group_exists"):
            groups.change(tx, book.account_id, group.id, {"name": "Two"})


def test_members_are_counted_without_archived_ones(book: Book) -> None:
    group = make(book, "Clients")
    people = [book.add(f"061234567{digit}", groups=[group.id]) for digit in range(3)]
    with book.runtime.begin() as tx:
        contacts.archive_numbers(tx, book.account_id, [people[0].number], "failed_permanent")
    with book.runtime.read() as tx:
        assert groups.get(tx, book.account_id, group.id).contacts == 2
        assert [one.contacts for one in groups.listed(tx, book.account_id, 10)] == [2]


def test_a_restored_contact_is_in_its_groups_again(book: Book) -> None:
    group = make(book, "Clients")
    member = book.add(groups=[group.id])
    with book.runtime.begin() as tx:
        contacts.archive_numbers(tx, book.account_id, [member.number], "failed_permanent")
        contacts.restore(tx, book.account_id, member.id)
    assert [contact.id for contact in book.listed(group=group.id)] == [member.id]


def test_putting_a_contact_in_twice_is_once(book: Book) -> None:
    group, contact = make(book, "Clients"), book.add()
    with book.runtime.begin() as tx:
        for _ in range(2):
            groups.put_member(tx, book.account_id, group.id, contact.id)
        assert groups.get(tx, book.account_id, group.id).contacts == 1
        groups.remove_member(tx, book.account_id, group.id, contact.id)
        assert groups.get(tx, book.account_id, group.id).contacts == 0


def test_a_deleted_group_leaves_its_contacts(book: Book) -> None:
    group = make(book, "Clients")
    member = book.add(groups=[group.id])
    with book.runtime.begin() as tx:
        groups.remove(tx, book.account_id, group.id)
        assert groups.of_contacts(tx, [member.id]) == {}
    assert book.listed() == [member]


def test_nobody_elses_contact_or_group_can_be_joined(book: Book) -> None:
    group, contact = make(book, "Clients"), book.add()
    with book.runtime.begin() as tx:
        other = accounts.create(tx, "Other").id
        foreign = groups.create(tx, other, "Clients")
        for account_id, group_id in ((other, foreign.id), (other, group.id), (book.account_id, foreign.id)):
            with pytest.raises(Refused, match="not_found"):
                groups.put_member(tx, account_id, group_id, contact.id)


def test_a_page_of_groups_is_counted_in_three_statements(book: Book) -> None:
    for place in range(20):
        make(book, f"Group {place}")
    with book.runtime.read() as tx, statements(book) as sent:
        assert len(groups.listed(tx, book.account_id, 20)) == 20
    assert len([statement for statement in sent if statement.startswith("SELECT")]) == 3


def test_groups_come_newest_first_in_pages(book: Book) -> None:
    made = [make(book, name).id for name in ("A", "B", "C")]
    with book.runtime.read() as tx:
        first = groups.listed(tx, book.account_id, 2)
        rest = groups.listed(tx, book.account_id, 2, first[-1].id)
    assert [group.id for group in [*first, *rest]] == made[::-1]
