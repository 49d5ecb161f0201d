"""Ids: UUIDv7, in the order of their making."""

import random
from uuid import RFC_4122, UUID

from core.ids import COUNTER_END, UuidV7
from tests.support.world import NOON, ManualClock


def test_ids_are_uuids_of_version_7_with_their_time() -> None:
    made = UuidV7(ManualClock(), random.Random(3).getrandbits).many(500)
    for text in made:
        id_ = UUID(text)
        assert (str(id_), id_.version, id_.variant, id_.int >> 80) == (text, 7, RFC_4122, NOON)


def test_ids_rise_within_a_millisecond_and_past_the_end_of_its_counter() -> None:
    clock = ManualClock()
    ids = UuidV7(clock, random.Random(3).getrandbits)
    made = [*ids.many(10), ids.new(), *ids.many(2 * COUNTER_END), ids.new()]
    clock.forward(ms=1)  # the ids are ahead of it
    made += ids.many(3)
    clock.forward(seconds=1)
    made.append(ids.new())
    assert made == sorted(set(made))
    assert UUID(made[-1]).int >> 80 == clock.now


def test_every_random_bit_is_used() -> None:
    made = [UUID(text).int for text in UuidV7(ManualClock(), random.Random(3).getrandbits).many(200)]
    noise = (1 << 62) - 1
    assert noise == sum(1 << bit for bit in range(62) if len({id_ >> bit & 1 for id_ in made}) == 2)


def test_no_ids_are_no_ids() -> None:
    assert UuidV7(ManualClock(), random.Random(3).getrandbits).many(0) == []
