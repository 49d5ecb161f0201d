import pytest
from hypothesis import given, strategies

from core import Refused
from hub.api.paging import Cursors

OLD, NEW = "old" * 12, "new" * 12


@given(strategies.text(strategies.characters(codec="utf-8"), max_size=80))
def test_a_cursor_leads_back_to_where_it_was_made(after: str) -> None:
    cursors = Cursors([OLD])
    assert cursors.read("account", "list", cursors.sign("account", "list", after)) == after


def test_a_cursor_outlives_the_rotation_of_keys_and_not_the_key() -> None:
    cursor = Cursors([OLD]).sign("account", "list", "after")
    assert Cursors([NEW, OLD]).read("account", "list", cursor) == "after"
    with pytest.raises(Refused, match="invalid_cursor"):
        Cursors([NEW]).read("account", "list", cursor)


@pytest.mark.parametrize("account, operation", [("another", "list"), ("account", "another"), ("", "account\nlist")])
def test_a_cursor_is_bound_to_its_account_and_its_list(account: str, operation: str) -> None:
    cursors = Cursors([OLD])
    with pytest.raises(Refused, match="invalid_cursor"):
        cursors.read(account, operation, cursors.sign("account", "list", "after"))
