"""Passwords at rest, and which ones are taken."""

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type

from core import Refused, Runtime, accounts, schema
from hub.people import entrance, passwords

PASSWORD = "correct horse battery"


def test_a_password_is_kept_as_argon2id_with_a_salt_of_its_own() -> None:
    first, second = passwords.hashed(PASSWORD), passwords.hashed(PASSWORD)
    assert first != second
    found = extract_parameters(first)
    assert (found.type, found.memory_cost, found.time_cost, found.salt_len) == (Type.ID, 19_456, 2, 16)
    assert passwords.matches(first, PASSWORD)
    assert not passwords.matches(first, f"{PASSWORD} ")


def test_where_none_is_kept_it_is_compared_with_one_of_the_same_parameters_and_never_right() -> None:
    assert extract_parameters(passwords._nobodys()) == extract_parameters(passwords.hashed(PASSWORD))
    assert not passwords.matches(None, "a password of nobody's")


@pytest.mark.parametrize("kept", ["", "scrypt:32768:8:1$salt$digest", "$argon2id$v=19$broken"])
def test_what_is_no_argon2_is_nobodys_password(kept: str) -> None:
    assert not passwords.matches(kept, PASSWORD)


@pytest.mark.parametrize(
    "password, faults",
    [
        (PASSWORD, []),
        ("1234567", ["short"]),
        ("x1!Yz9qw", []),
        ("é" * 4 + "abcd", []),
        ("x" * 257, ["long", "plain"]),
        ("abababababab", ["plain"]),
        ("Password1", ["plain"]),
        ("azertyuiop", ["plain"]),
        ("Ann@Example.com", ["plain"]),
        ("ann.martin", []),
    ],
)
def test_new_passwords_are_long_enough_and_not_what_everybody_tries_first(password: str, faults: list[str]) -> None:
    assert list(passwords.faults(password, "ann@example.com")) == faults
    if faults:
        with pytest.raises(Refused) as refused:
            passwords.check(password, "ann@example.com")
        assert (refused.value.code, refused.value.faults[0].pointer) == ("invalid_password", "/password")


def test_a_password_of_older_parameters_is_kept_anew_when_it_is_next_typed(runtime: Runtime) -> None:
    old = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1).hash(PASSWORD)
    with runtime.begin() as tx:
        account = accounts.create(tx, "Acme")
        accounts.create_user(tx, account.id, "ann@example.com", "owner", old, "test")
    assert entrance.sign_in(runtime, "ann@example.com", PASSWORD, "n")
    with runtime.read() as tx:
        (kept,) = (row.password_hash for row in tx.all(schema.users.select()))
    assert extract_parameters(kept).memory_cost == 19_456
    assert entrance.sign_in(runtime, "ann@example.com", PASSWORD, "n")
    with runtime.read() as tx:
        assert [row.password_hash for row in tx.all(schema.users.select())] == [kept]
