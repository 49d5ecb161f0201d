"""Which keys are in use, and what follows for a start of the hub."""

import pytest

from core import Refused, Runtime
from hub import secrets
from hub.sealing import used
from tests.support.sealed import AFTER, ALONE, BEFORE, NEW, Safe, safe_on


@pytest.fixture
def safe(runtime: Runtime) -> Safe:
    return safe_on(runtime)


def test_a_hub_starts_with_the_keys_that_it_has_sealed_with(safe: Safe) -> None:
    used.start(safe.runtime, BEFORE)
    safe.hook()
    used.start(safe.runtime, BEFORE)
    used.start(safe.runtime, AFTER)
    with safe.runtime.read() as tx:
        assert used.is_known(tx, AFTER.first)
        assert used.in_use(tx) == [BEFORE.first]  # the new one has sealed nothing yet


def test_without_a_key_that_seals_something_it_does_not_start_and_says_what_to_do(safe: Safe) -> None:
    safe.hook()
    with pytest.raises(Refused) as refusal:
        used.start(safe.runtime, ALONE)
    assert refusal.value.code == "invalid_settings"
    (fault,) = refusal.value.faults
    assert fault.pointer == "SMSHUB_SECRET_KEYS"
    assert BEFORE.first in fault.message
    assert ALONE.first in fault.message
    assert f"smshub keys give-up {BEFORE.first}" in fault.message
    assert NEW not in fault.message


def test_a_key_that_only_was_known_is_not_missed(safe: Safe) -> None:
    used.start(safe.runtime, BEFORE)
    used.start(safe.runtime, ALONE)


def test_a_key_that_was_given_up_is_not_missed_until_it_seals_again(safe: Safe) -> None:
    safe.hook()
    with safe.runtime.begin() as tx:
        assert used.give_up(tx, BEFORE.first)
        assert not used.give_up(tx, BEFORE.first)
        assert not used.give_up(tx, "00000000")
    used.start(safe.runtime, ALONE)
    safe.hook()  # it was found, and is the first again
    with pytest.raises(Refused):
        used.start(safe.runtime, ALONE)


def test_what_was_not_committed_was_not_sealed(safe: Safe) -> None:
    def sealing() -> None:
        with safe.runtime.begin() as tx:
            used.seal(tx, BEFORE, "hooks|1|shop", b"secret")
            raise InterruptedError

    with pytest.raises(InterruptedError):
        sealing()
    with safe.runtime.read() as tx:
        assert used.in_use(tx) == []


def test_sealing_is_opened_by_the_same_row(safe: Safe) -> None:
    with safe.runtime.begin() as tx:
        text = used.seal(tx, BEFORE, "hooks|1|shop", b"secret")
    assert secrets.open_(BEFORE, "hooks|1|shop", text) == b"secret"
    assert secrets.key_of(text) == BEFORE.first
