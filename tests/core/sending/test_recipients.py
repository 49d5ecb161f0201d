"""Whom a campaign goes to."""

import pytest

from core.audience.archive import archive_numbers
from core.errors import Refused
from core.sending import recipients
from core.sending.recipients import Recipient, listed, read, walk
from tests.support.engine import Engine

A, B, C = 33612345620, 33612345621, 33612345622


def person(number: int, contact_id: str | None = None) -> Recipient:
    return Recipient(number, "FR", contact_id)


def test_the_first_of_duplicates_stays_and_the_rest_are_dropped_as_they_were_written() -> None:
    given = [
        {"to": "0612345621", "nom": "Zoe"},
        {"to": "+33612345620", "nom": ""},
        {"to": "00 33 6 12 34 56 21", "nom": "Ada"},
    ]
    people, drops = read(given, "FR")
    assert [(one.number, one.nom) for one in people] == [(A, None), (B, "Zoe")]
    assert [(drop.given, drop.reason) for drop in drops] == [("00 33 6 12 34 56 21", "duplicate")]


def test_what_is_no_number_is_dropped_with_the_reason() -> None:
    people, drops = read([{"to": "0696123456"}, {"to": "0123456789"}], "FR")
    assert people == []
    assert [drop.reason for drop in drops] == ["invalid_number", "fixed_line_number"]


def test_sources_come_in_order_of_precedence() -> None:
    explicit = [Recipient(A, "FR", nom="Given")]
    group = [Recipient(A, "FR", "c1", nom="Book"), Recipient(B, "FR", "c2")]
    page = walk([listed(explicit), listed(group)], 0)
    assert [(one.number, one.nom) for one in page.recipients] == [(A, "Given"), (B, None)]
    assert [drop.given for drop in page.drops] == [f"+{A}"]
    assert page.position is None


def test_one_person_in_two_groups_is_no_duplicate() -> None:
    page = walk([listed([person(A, "c1")]), listed([person(A, "c1"), person(A, "c2")])], 0)
    assert [one.contact_id for one in page.recipients] == ["c1"]
    assert len(page.drops) == 1


def test_a_number_that_fills_whole_pages_is_read_to_its_end() -> None:
    many = [person(A, f"c{n}") for n in range(10)] + [person(B, "d")]
    first = walk([listed(many)], 0, 2)
    assert [one.number for one in first.recipients] == [A, B]
    assert (len(first.drops), first.position) == (9, None)


def test_nobody_is_an_empty_page() -> None:
    assert walk([], 0) == recipients.Page([], [], None)
    assert walk([listed([])], 0).position is None


def test_contacts_and_groups_that_are_not_the_accounts_are_named_by_place(engine: Engine) -> None:
    mine, other = engine.account(), engine.account("Other")
    own, foreign = engine.person(mine, f"+{A}", prenom="Ada"), engine.person(other, f"+{B}")
    group_id = engine.group(other)
    with engine.runtime.read() as tx:
        assert recipients.of_contacts(tx, mine.id, [own.id])[0]["prenom"] == "Ada"
        with pytest.raises(Refused) as contacts:
            recipients.of_contacts(tx, mine.id, [own.id, foreign.id])
        with pytest.raises(Refused) as groups:
            recipients.check_groups(tx, mine.id, [group_id])
    assert [fault.pointer for fault in contacts.value.faults] == ["/contacts/1"]
    assert [fault.pointer for fault in groups.value.faults] == ["/groups/0"]


def test_a_contact_that_left_the_address_book_is_not_chosen_by_its_id(engine: Engine) -> None:
    account = engine.account()
    gone = engine.person(account, f"+{A}")
    with engine.runtime.begin() as tx:
        archive_numbers(tx, account.id, [A], "failed_permanent")
        with pytest.raises(Refused, match="unknown_contact"):
            recipients.of_contacts(tx, account.id, [gone.id])
