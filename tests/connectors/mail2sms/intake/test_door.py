"""So many connections at a time and a minute, of one peer and of all."""

from connectors.mail2sms.intake.door import Door
from tests.support.world import ManualClock


def test_one_peer_does_not_take_the_room_of_others() -> None:
    door = Door(ManualClock(), most_of_one=2)
    assert [door.enters("192.0.2.1") for _ in range(3)] == [True, True, False]
    assert door.enters("192.0.2.2")
    door.leaves("192.0.2.1")
    assert door.enters("192.0.2.1")


def test_all_of_them_have_room_for_so_many() -> None:
    door = Door(ManualClock(), most=2)
    assert [door.enters(f"192.0.2.{n}") for n in range(3)] == [True, True, False]
    door.leaves("192.0.2.0")
    assert door.enters("192.0.2.9")


def test_whoever_comes_too_often_waits_for_the_next_minute() -> None:
    clock = ManualClock()
    door = Door(clock, most_in_a_minute=2)
    for expected in (True, True, False):
        assert door.enters("192.0.2.1") is expected
        if expected:
            door.leaves("192.0.2.1")
    assert door.enters("192.0.2.2")
    clock.forward(minutes=1)
    assert door.enters("192.0.2.1")


def test_what_one_subscriber_has_of_ipv6_is_one_peer() -> None:
    door = Door(ManualClock(), most_of_one=1)
    assert door.enters("2001:db8:1:2::1")
    assert not door.enters("2001:db8:1:2:ffff::2")
    assert door.enters("2001:db8:1:3::1")
    assert door.enters("fe80::1%eth0")
    door.leaves("2001:db8:1:2:ffff::9")
    assert door.enters("2001:db8:1:2::3")
