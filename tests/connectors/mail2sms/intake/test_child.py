"""Mails are read by processes that may hang, die or eat: that costs the one mail, and the next is read."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from connectors.mail2sms import mail
from connectors.mail2sms.intake.child import Reader, Stopped, Task, Unread
from tests.support import odd_reader
from tests.support.serving import wait_for

PROGRAM = odd_reader.__name__


@pytest.fixture
def reader(monkeypatch: pytest.MonkeyPatch) -> Iterator[Reader]:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[4]))
    with Reader(None, children=1, seconds=1, program=PROGRAM) as made:
        yield made


def read(reader: Reader, text: str) -> str:
    """What the odd reader says of a mail."""
    task = Task(text.encode(), "sms.example.org", None, legacy=False, authserv_id=None, received_at=0)
    content = reader.read(task).parsed.content
    assert isinstance(content, mail.Content)
    return content.text


def waits(reader: Reader, many: int) -> None:
    """Until so many wait for their turn."""
    wait_for(lambda: len(reader._waiting) == many)


def is_alive(pid: int) -> bool:
    """Whether a process runs; one that is dead and unburied does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def test_one_process_reads_mail_after_mail(reader: Reader) -> None:
    assert read(reader, "hello") == "hello"
    assert read(reader, "print") == "print"
    assert read(reader, "pid") == read(reader, "pid") != str(os.getpid())
    assert read(reader, "x" * 10_000_000) == "x" * 10_000_000


@pytest.mark.parametrize(
    "harm, why",
    [
        ("spin", "reading it took too long"),
        ("eat", r"its reader ended \(1\)"),
        ("die", r"its reader ended \(3\)"),
        ("raise", "^ValueError in look, line [0-9]+$"),
    ],
)
def test_a_mail_that_does_harm_is_unread_and_the_next_is_read(reader: Reader, harm: str, why: str) -> None:
    with pytest.raises(Unread, match=why):
        read(reader, harm)
    assert read(reader, "next") == "next"


def test_a_reader_that_died_while_it_waited_costs_no_mail(reader: Reader) -> None:
    pid = int(read(reader, "pid"))
    os.kill(pid, signal.SIGKILL)
    wait_for(lambda: not is_alive(pid))
    assert read(reader, "next") == "next"


def test_it_knows_none_of_our_secrets(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SMSHUB_SECRET_KEYS", "a secret of the operator")
    assert "SMSHUB_" not in read(reader, "environment")


def test_who_came_first_is_read_first(reader: Reader) -> None:
    read(reader, "warm")
    order: dict[str, int] = {}

    def reads(name: str) -> None:
        order[name] = int(read(reader, "count"))

    threads = [threading.Thread(target=reads, args=(name,)) for name in "abcdef"]
    with reader._turn():
        for at, thread in enumerate(threads, 1):
            thread.start()
            waits(reader, at)
    for thread in threads:
        thread.join()
    assert sorted(order, key=order.__getitem__) == list("abcdef")


def test_whoever_reads_or_waits_is_told_when_the_readers_are_stopped(reader: Reader) -> None:
    pid = int(read(reader, "pid"))
    told: list[str] = []

    def reads(text: str) -> None:
        try:
            read(reader, text)
        except Stopped as error:
            told.append(str(error))

    threads = [threading.Thread(target=reads, args=(text,)) for text in ("spin", "waits")]
    threads[0].start()
    wait_for(lambda: not reader._idle)
    threads[1].start()
    waits(reader, 1)
    reader.close()
    for thread in threads:
        thread.join()
    assert len(told) == 2
    assert not is_alive(pid)
    with pytest.raises(Stopped, match="stopped"):
        read(reader, "later")


PARENT = f"""
import os, sys
from tests.connectors.mail2sms.intake import test_child as this
reader = this.Reader(None, children=1, seconds=1, program={PROGRAM!r})
print(this.read(reader, "pid"), flush=True)
if sys.argv[1] == "busy":
    import threading
    threading.Thread(target=this.read, args=(reader, "spin"), daemon=True).start()
    this.wait_for(lambda: not reader._idle)
os._exit(0)
"""


@pytest.mark.parametrize("state", ["idle", "busy"])
def test_it_does_not_outlive_its_parent(state: str) -> None:
    root = str(Path(__file__).parents[4])
    environment = os.environ | {"PYTHONPATH": root}
    told = subprocess.run(
        [sys.executable, "-P", "-c", PARENT, state], env=environment, capture_output=True, text=True, check=True
    )
    wait_for(lambda: not is_alive(int(told.stdout)))
