"""The simulator's memory: its log, what survives a kill, and what several processes may do at once."""

import random
import sqlite3
import subprocess
import sys
import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core.carriers.contract import Accepted, Busy
from core.carriers.simulator import BATCH, Simulator
from core.carriers.simulator_file import LEASE_MS, SimulatorFile, mark
from tests.core.carriers.contract_cases import Gathered, attempt, sent, window
from tests.core.carriers.simulators import ORDINARY, Open, ending_in, heard_in_time
from tests.support.world import NOON, ManualClock


def test_the_log_shows_what_was_taken_twice(simulator: Simulator) -> None:
    one, two = sent(simulator, [attempt()]) + sent(simulator, [attempt()])
    assert [row.reference for row in simulator.sent()] == ["m-1", "m-1"]
    assert isinstance(one, Accepted)
    assert isinstance(two, Accepted)
    assert one.carrier_id != two.carrier_id


def test_the_log_is_paged_in_order_for_all_and_for_one_number(simulator: Simulator) -> None:
    numbers = [ORDINARY, ORDINARY + 1000, ORDINARY]
    for place, number in enumerate(numbers * 4):
        sent(simulator, [attempt(number, f"m-{place}", text=f"text {place}")])
    page = simulator.sent(limit=5)
    mine = simulator.sent(ORDINARY, limit=3)
    assert [row.text for row in page + simulator.sent(limit=50, after=page[-1].seq)] == [
        f"text {place}" for place in range(12)
    ]
    assert [row.reference for row in mine] == ["m-0", "m-2", "m-3"]
    assert [row.reference for row in simulator.sent(ORDINARY, limit=50, after=mine[-1].seq)] == [
        "m-5",
        "m-6",
        "m-8",
        "m-9",
        "m-11",
    ]
    assert simulator.sent(33600000099) == []


def test_a_row_of_the_log_is_the_message_as_it_was_given(simulator: Simulator) -> None:
    sent(simulator, [attempt(ORDINARY, "m-1", "Été €", "Acme")])
    (row,) = simulator.sent()
    assert (row.number, row.sender, row.text, row.reference, row.at) == (ORDINARY, "Acme", "Été €", "m-1", NOON)


def test_the_number_index_catches_up_with_a_long_log(simulator: Simulator) -> None:
    sent(simulator, [attempt(ORDINARY + 100 * (place % 3), f"m-{place}") for place in range(21_000)])
    assert len(simulator.sent(ORDINARY, limit=10_000)) == 7_000


def test_a_person_can_be_made_to_write(simulator: Simulator) -> None:
    simulator.reply(ORDINARY, "36034", "stop svp")
    simulator.reply(ORDINARY, "36034", "stop svp")
    inbox = Gathered()
    assert simulator.pump(inbox) == 2
    assert [(reply.number, reply.code, reply.text, reply.at) for reply in inbox.replies] == [
        (ORDINARY, "36034", "stop svp", NOON)
    ] * 2
    assert len({reply.carrier_ref for reply in inbox.replies}) == 2


def test_what_was_handed_over_is_not_handed_over_again(simulator: Simulator, clock: ManualClock) -> None:
    sent(simulator, [attempt()])
    heard_in_time(simulator, clock)
    clock.forward(days=1)
    assert simulator.pump(Gathered()) == 0


def test_what_the_inbox_did_not_store_comes_again_the_same(simulator: Simulator, clock: ManualClock) -> None:
    def die() -> None:
        raise KeyboardInterrupt

    sent(simulator, [attempt(ending_in(12))])
    clock.forward(minutes=1)
    lost, again = Gathered(die), Gathered()
    with pytest.raises(KeyboardInterrupt):
        simulator.pump(lost)
    assert simulator.pump(again) == 0
    clock.forward(ms=LEASE_MS)
    assert simulator.pump(again) == 3
    assert (again.receipts, again.replies) == (lost.receipts, lost.replies)


def test_two_processes_that_pump_at_once_do_not_do_the_same(open_simulator: Open, clock: ManualClock) -> None:
    first, second = open_simulator(), open_simulator()
    sent(first, window(4 * BATCH))
    clock.forward(minutes=1)
    inbox_of_second = Gathered()
    inbox_of_first = Gathered(lambda: second.pump(inbox_of_second))
    while first.pump(inbox_of_first):
        pass
    told = Counter(
        (receipt.reference, receipt.status) for receipt in inbox_of_first.receipts + inbox_of_second.receipts
    )
    assert inbox_of_second.receipts
    assert set(told.values()) <= {1, 2}
    assert all(times == 1 or int(str(reference)[2:]) % 100 == 10 for (reference, _), times in told.items())


def test_a_pump_hands_over_in_batches_and_comes_to_an_end(simulator: Simulator, clock: ManualClock) -> None:
    sent(simulator, [attempt(ORDINARY + 100 * place, f"m-{place}") for place in range(15 * BATCH)])
    clock.forward(minutes=1)
    inbox = Gathered()
    first = simulator.pump(inbox)
    while simulator.pump(inbox):
        pass
    assert first <= 10 * BATCH
    assert max(inbox.sizes) <= BATCH
    assert len(inbox.receipts) == 2 * 15 * BATCH


def test_a_file_that_cannot_be_written_takes_nothing_and_is_busy(open_simulator: Open, tmp_path: Path) -> None:
    patient, hasty = open_simulator(), open_simulator(busy_timeout_s=0)
    sent(patient, [attempt(reference="m-0")])
    sent(hasty, [attempt(reference="m-00")])
    other = sqlite3.connect(tmp_path / "simulator-simulator.db", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    outcomes = sent(hasty, [attempt(ORDINARY, "m-1"), attempt(ending_in(9), "m-2")])
    other.execute("ROLLBACK")
    other.close()
    assert [(type(outcome), outcome.reference) for outcome in outcomes] == [(Busy, "m-1"), (Busy, "m-2")]
    assert [row.reference for row in patient.sent()] == ["m-0", "m-00"]


def test_ids_of_a_file_that_was_thrown_away_never_come_again(open_simulator: Open, tmp_path: Path) -> None:
    outcomes = [sent(open_simulator(tmp_path / f"{place}.db"), [attempt()])[0] for place in range(2)]
    assert len({outcome.carrier_id for outcome in outcomes if isinstance(outcome, Accepted)}) == 2


CHILD = """
import os, random, signal, sys
from pathlib import Path
from core.carriers.simulator import Simulator, SimulatorSettings
from tests.core.carriers.contract_cases import IN_TIME, Gathered, window
path, start, windows, end = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
simulator = Simulator(SimulatorSettings("simulator", answer_ms=0, timeout_ms=0), path, lambda: 1790000000000, random.Random(start).getrandbits)
for place in range(windows):
    for outcomes in simulator.send(window(50, start + 50 * place), Gathered(), IN_TIME):
        print(*(outcome.reference for outcome in outcomes if type(outcome).__name__ == "Accepted"), flush=True)
if end == "kill":
    os.kill(os.getpid(), signal.SIGKILL)
simulator.close()
"""


def child(path: Path, start: int, windows: int, end: str) -> "subprocess.Popen[str]":
    root = Path(__file__).parents[3]
    arguments = [sys.executable, "-c", CHILD, str(path), str(start), str(windows), end]
    return subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True, cwd=root)


@pytest.mark.slow
def test_what_was_answered_survives_a_kill(open_simulator: Open, tmp_path: Path, clock: ManualClock) -> None:
    process = child(tmp_path / "simulator-simulator.db", 0, 4, "kill")
    answered = set(process.communicate()[0].split())
    simulator = open_simulator()
    assert process.returncode == -9
    assert len(answered) > 100
    assert answered <= {row.reference for row in simulator.sent(limit=1000)}
    assert answered <= {receipt.reference for receipt in heard_in_time(simulator, clock).receipts} | {
        one.reference for one in window(200) if one.number % 100 in (7, 8)
    }


@pytest.mark.slow
def test_several_processes_may_begin_and_send_at_once(open_simulator: Open, tmp_path: Path) -> None:
    children = [child(tmp_path / "simulator-simulator.db", 1000 * place, 10, "close") for place in range(4)]
    answered = [reference for process in children for reference in process.communicate()[0].split()]
    simulator = open_simulator()
    assert [process.returncode for process in children] == [0] * 4
    assert len(answered) == len(set(answered)) > 1000
    assert set(answered) <= {row.reference for row in simulator.sent(limit=10_000)}


def test_many_may_open_a_new_file_at_once(tmp_path: Path) -> None:
    together = threading.Barrier(8)
    files = [SimulatorFile(tmp_path / "new.db", random.Random(place).getrandbits) for place in range(8)]

    def read_mark(file: SimulatorFile) -> str:
        together.wait()
        with file.reading() as connection:
            return mark(connection)

    with ThreadPoolExecutor(8) as threads:
        marks = list(threads.map(read_mark, files))
    for file in files:
        file.close()
    assert len(marks) == 8
    assert len(set(marks)) == 1


def test_a_transaction_that_fails_leaves_nothing_and_blocks_nobody(tmp_path: Path) -> None:
    file = SimulatorFile(tmp_path / "some.db", random.Random(1).getrandbits)
    with pytest.raises(sqlite3.IntegrityError), file.writing() as connection:
        connection.executemany("INSERT INTO texted VALUES (?)", [(1,), (1,)])
    with file.writing() as connection:
        assert connection.execute("SELECT count(*) FROM texted").fetchone() == (0,)
    file.close()


def test_a_file_that_is_something_else_is_not_touched(tmp_path: Path) -> None:
    path = tmp_path / "letter.db"
    path.write_bytes(b"Dear customer, " * 100)
    file = SimulatorFile(path, random.Random(1).getrandbits)
    with pytest.raises(sqlite3.DatabaseError), file.reading():
        pass
    assert path.read_bytes() == b"Dear customer, " * 100
