"""Who a message may say it is from."""

import pytest

from core import accounts
from core.errors import Refused
from core.sender import check_sender
from tests.support.engine import Engine


@pytest.mark.parametrize("sender", ["Acme", "A", "A1", "Les 3 Suisse", "ABCDEFGHIJK", "1a"])
def test_a_name_has_one_to_eleven_letters_digits_and_spaces_with_a_letter(engine: Engine, sender: str) -> None:
    account = engine.account()
    with engine.runtime.read() as tx:
        if len(sender) <= 11:
            assert check_sender(tx, account.id, sender) == sender
        else:
            with pytest.raises(Refused, match="sender_forbidden"):
                check_sender(tx, account.id, sender)


@pytest.mark.parametrize(
    "sender", ["12345", "Été", "A-B", "ABCDEFGHIJKL", " Acme", "Acme ", "A\nB", "١٢٣", "", "+442079460000"]
)
def test_anything_else_is_refused_by_name(engine: Engine, sender: str) -> None:
    account = engine.account()
    with engine.runtime.read() as tx, pytest.raises(Refused) as caught:
        check_sender(tx, account.id, sender)
    assert (caught.value.code, caught.value.faults[0].pointer) == ("sender_forbidden", "/sender")


@pytest.mark.parametrize(
    "sender",
    [
        "+33612345678",
        "0033612345678",
        "33712345678",
        "0612345678",
        "+33 6 12 34 56 78",
        "07.12.34.56.78",
        "+33 (0)6 12 34 56 78",
    ],
)
def test_french_mobile_numbers_may_not_send_even_if_they_are_declared(engine: Engine, sender: str) -> None:
    account = engine.account()
    with engine.runtime.begin() as tx:
        for declared in ("33612345678", "33712345678", "0612345678", "330612345678"):
            accounts.add_inbound_number(tx, declared, "simulator", "FR", account.id)
        with pytest.raises(Refused, match="sender_forbidden"):
            check_sender(tx, account.id, sender)


def test_a_number_may_be_used_by_its_owner_and_by_all_if_it_is_shared(engine: Engine) -> None:
    mine, other = engine.account(), engine.account("Other")
    with engine.runtime.begin() as tx:
        accounts.add_inbound_number(tx, "447700900123", "simulator", "GB", mine.id)
        accounts.add_inbound_number(tx, "38080", "simulator", "FR")
        assert check_sender(tx, mine.id, "+44 7700 900123") == "447700900123"
        assert check_sender(tx, other.id, "38080") == "38080"
        with pytest.raises(Refused, match="sender_forbidden"):
            check_sender(tx, other.id, "447700900123")


def test_the_short_code_is_for_all_unless_it_was_given_to_one(engine: Engine) -> None:
    mine, other = engine.account(), engine.account("Other")
    with engine.runtime.begin() as tx:
        assert check_sender(tx, other.id, "36034") == "36034"
        accounts.add_inbound_number(tx, "36034", "simulator", "FR", mine.id)
        assert check_sender(tx, mine.id, "36034") == "36034"
        with pytest.raises(Refused, match="sender_forbidden"):
            check_sender(tx, other.id, "36034")
