import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.secrets import Keys, Unreadable, keys_from, open_, seal

OLD, NEW = "an operator's key of thirty-two characters", "the key that the operator put in front of it"
ROW = "hooks|1|shop"


@given(st.binary())
def test_what_was_sealed_opens(plaintext: bytes) -> None:
    keys = keys_from([NEW])
    assert open_(keys, ROW, seal(keys, ROW, plaintext)) == plaintext


def test_after_a_rotation_the_new_key_seals_and_the_old_one_still_opens() -> None:
    before, after = keys_from([OLD]), keys_from([NEW, OLD])
    assert open_(after, ROW, seal(before, ROW, b"secret")) == b"secret"
    with pytest.raises(Unreadable):
        open_(before, ROW, seal(after, ROW, b"secret"))


def test_a_secret_copied_into_another_row_does_not_open() -> None:
    keys = keys_from([NEW])
    with pytest.raises(Unreadable, match="sealed for another row"):
        open_(keys, "hooks|2|thief", seal(keys, ROW, b"secret"))


KEYS_OF = st.text(min_size=1).map(lambda secret: keys_from([secret]))


@given(st.binary(), st.text(), st.text())
def test_a_secret_opens_for_its_own_row_alone(plaintext: bytes, row: str, other: str) -> None:
    keys = keys_from([NEW])
    sealed = seal(keys, row, plaintext)
    if row == other:
        assert open_(keys, other, sealed) == plaintext
    else:
        with pytest.raises(Unreadable):
            open_(keys, other, sealed)


@given(st.binary(), KEYS_OF, KEYS_OF)
def test_a_secret_opens_with_its_own_key_alone(plaintext: bytes, mine: Keys, other: Keys) -> None:
    """Also where the other key has taken its name."""
    sealed = seal(mine, ROW, plaintext)
    if mine == other:
        return
    for keys in (other, Keys(mine.first, {mine.first: other.by_id[other.first]})):
        with pytest.raises(Unreadable):
            open_(keys, ROW, sealed)


@given(st.binary(), st.data())
def test_no_bit_of_it_can_be_changed(plaintext: bytes, data: st.DataObject) -> None:
    keys = keys_from([NEW])
    key_id, _, packed = seal(keys, ROW, plaintext).partition(":")
    raw = bytearray(base64.urlsafe_b64decode(packed))
    raw[data.draw(st.integers(0, len(raw) - 1))] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises(Unreadable):
        open_(keys, ROW, f"{key_id}:{base64.urlsafe_b64encode(raw).decode()}")


def test_a_missing_key_is_named_with_those_there_are() -> None:
    sealed = seal(keys_from([OLD]), ROW, b"secret")
    keys = keys_from([NEW])
    with pytest.raises(Unreadable) as unreadable:
        open_(keys, ROW, sealed)
    assert sealed.partition(":")[0] in str(unreadable.value)
    assert keys.first in str(unreadable.value)
    assert "SMSHUB_SECRET_KEYS" in str(unreadable.value)


@pytest.mark.parametrize(
    "damage", [lambda s: s[:-4] + "AAAA", lambda s: s[:12], lambda s: s + "!", lambda s: s.split(":")[0] + ":"]
)
def test_a_damaged_secret_is_unreadable(damage: object) -> None:
    keys = keys_from([NEW])
    assert callable(damage)
    with pytest.raises(Unreadable):
        open_(keys, ROW, damage(seal(keys, ROW, b"secret of some length")))


def test_the_same_secret_never_looks_the_same_twice_and_its_key_is_never_shown() -> None:
    keys = keys_from([NEW])
    assert seal(keys, ROW, b"secret") != seal(keys, ROW, b"secret")
    assert repr(keys) == f"Keys(first={keys.first!r})"


def test_without_a_key_nothing_can_be_sealed() -> None:
    with pytest.raises(ValueError, match="no secret key"):
        keys_from([])
    assert Keys("a", {}).by_id == {}
