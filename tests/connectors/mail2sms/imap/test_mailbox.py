"""A mailbox of a real Dovecot is read: what comes through, what is put where, and that no mail holds up another."""

import re
from datetime import UTC, datetime

import psycopg
import pytest
from sqlalchemy.exc import TimeoutError as NoneFree

from connectors.mail2sms.intake.fetching import MOST_HEADERS
from connectors.mail2sms.mail import MOST_BYTES, Found, Outcome
from core import Runtime
from tests.support.dovecot import Dovecot
from tests.support.postman import Postman, letter, mailbox_of, reading, subject
from tests.support.serving import wait_for

pytestmark = pytest.mark.peer


def test_mails_come_through_however_they_got_there_and_are_put_away_unread(runtime: Runtime, server: Dovecot) -> None:
    server.append(letter("before"), at=datetime(2026, 9, 21, 12, 13, 20, tzinfo=UTC))
    with reading(runtime, mailbox_of(server)) as postman:
        postman.waits(1)
        server.deliver(letter("by one"), "33612345678+tok.AbC@SMS.test")
        postman.waits(2)
        server.deliver(letter("by two"), "33612345678@sms.test", "33687654321@sms.test")
        postman.waits(4)
        server.append(letter("by a program"))
        wait_for(lambda: server.count("Processed") == 5)
    assert postman.subjects == ["before", "by one", "by two", "by two", "by a program"]
    assert postman.found[0].raw == letter("before")
    assert postman.found[0].received_at == 1_789_992_800_000
    assert b"\r\nDelivered-To: 33612345678+tok.AbC@SMS.test\r\n" in postman.found[1].raw
    assert (postman.found[0].intake, postman.found[0].envelope, postman.found[0].returns_to) == ("imap", (), None)
    assert sorted(server.mails("Processed")) == sorted(found.raw for found in postman.found)
    assert server.flags("Processed") == [()] * 5
    assert server.count() == 0
    assert (postman.said, postman.taken) == ([None], 5)


def test_mails_that_are_turned_away_are_kept_apart(runtime: Runtime, server: Dovecot) -> None:
    states = {
        "held": "held",
        "dup": "duplicate",
        "no": "rejected",
        "poison": "poison",
        "auto": "ignored",
        "ok": "accepted",
    }
    server.append(*map(letter, states))
    with reading(runtime, mailbox_of(server), Postman(lambda found: Outcome(states[subject(found.raw)]))):  # type: ignore[arg-type]
        wait_for(lambda: server.count() == 0)
    assert [subject(raw) for raw in server.mails("Rejected")] == ["no", "poison"]
    assert [subject(raw) for raw in server.mails("Processed")] == ["held", "dup", "auto", "ok"]


def test_case_16_a_mail_of_30_mb_is_refused_by_its_size_and_not_downloaded(runtime: Runtime, server: Dovecot) -> None:
    server.append(letter("large", "x" * 998 + "\r\n" + ("y" * 998 + "\r\n") * 31_000), letter("small"))
    with reading(runtime, mailbox_of(server)) as postman:
        wait_for(lambda: server.count() == 0)
    assert postman.subjects == ["small"]
    ((size, headers),) = postman.large
    assert size > 30_000_000
    assert headers.startswith(b"From: ann@example.com\r\n")
    assert headers.endswith(b"\r\n\r\n")
    assert [subject(raw) for raw in server.mails("Rejected")] == ["large"]
    sent = [int(number) for number in re.findall(r"Logged out in=\d+ out=(\d+)", server.told(20_000))]
    assert max(sent[:-1]) < MOST_BYTES / 100  # the last one is ours, which has just looked at it


def test_headers_without_end_are_read_up_to_a_limit(runtime: Runtime, server: Dovecot) -> None:
    server.append(b"X-Long: " + b"x" * 900 + b"\r\n" + (b" " + b"y" * 990 + b"\r\n") * 11_000 + letter("large"))
    with reading(runtime, mailbox_of(server)) as postman:
        wait_for(lambda: postman.large)
    assert len(postman.large[0][1]) == MOST_HEADERS


def test_a_mail_that_is_to_come_again_comes_again_and_the_others_pass_it(runtime: Runtime, server: Dovecot) -> None:
    seen: list[str] = []

    def judge(found: Found) -> Outcome:
        seen.append(subject(found.raw))
        return Outcome("retry" if seen[-1] == "slow" and seen.count("slow") < 4 else "done")

    server.append(letter("slow"), letter("quick"))
    with reading(runtime, mailbox_of(server), Postman(judge)):
        wait_for(lambda: server.count() == 0)
    assert seen == ["slow", "quick", "slow", "slow", "slow"]


def test_a_mail_that_breaks_our_own_code_holds_up_no_other(runtime: Runtime, server: Dovecot) -> None:
    def judge(found: Found) -> Outcome:
        if subject(found.raw) == "poison":
            raise RecursionError("too deep")
        return Outcome("done")

    server.append(letter("poison"), letter("good"))
    with reading(runtime, mailbox_of(server), Postman(judge)) as postman:
        wait_for(lambda: postman.subjects.count("poison") > 1)
        server.append(letter("better"))
        wait_for(lambda: server.count("Processed") == 2)
    assert [subject(raw) for raw in server.mails()] == ["poison"]


def test_a_mail_that_the_server_can_not_read_itself_holds_up_no_other_and_is_told(
    runtime: Runtime, server: Dovecot
) -> None:
    """This server ends the connection over it, each time."""
    server.append(letter("broken"), letter("good"))
    (broken,) = [path for path in server.files() if b"broken" in path.read_bytes()]
    broken.chmod(0)
    with reading(runtime, mailbox_of(server)) as postman:
        postman.hears("does not give some of its mails (1)")
        assert postman.subjects == ["good"]
        server.append(letter("better"))
        wait_for(lambda: server.count("Processed") == 2)
        (moved,) = [path for path in server.files() if path.name.startswith(broken.name)]  # it is no longer new
        moved.chmod(0o600)
        wait_for(lambda: server.count("Processed") == 3)
        postman.is_well()
    assert sorted(postman.subjects) == ["better", "broken", "good"]


def test_a_mail_that_is_gone_by_then_is_no_error(runtime: Runtime, server: Dovecot) -> None:
    def judge(found: Found) -> Outcome:
        if subject(found.raw) == "first":
            with server.client() as client:
                client.select_folder("INBOX")
                client.delete_messages([1, 2])  # itself, and the one that is looked at next
                client.expunge()
        return Outcome("done")

    server.append(*map(letter, ("first", "second", "third")))
    with reading(runtime, mailbox_of(server), Postman(judge)) as postman:
        wait_for(lambda: server.count("Processed") == 1)
        server.append(letter("fourth"))
        wait_for(lambda: server.count("Processed") == 2)
    assert postman.subjects == ["first", "third", "fourth"]
    assert postman.said == [None]


@pytest.mark.parametrize("down", [psycopg.OperationalError("it is gone"), NoneFree("no connection")])
def test_while_our_database_is_away_no_mail_is_touched(runtime: Runtime, server: Dovecot, down: Exception) -> None:
    away = [down] * 3

    def judge(_found: Found) -> Outcome:
        if away:
            raise away.pop()
        return Outcome("done")

    server.append(letter("first"), letter("second"))
    with reading(runtime, mailbox_of(server), Postman(judge)) as postman:
        wait_for(lambda: server.count("Processed") == 2)
    assert postman.subjects == ["first"] * 4 + ["second"]
    assert [subject(raw) for raw in server.mails("Processed")] == ["first", "second"]


@pytest.mark.slow
def test_a_box_of_many_mails_is_worked_through_a_page_at_a_time_oldest_first(runtime: Runtime, server: Dovecot) -> None:
    names = [f"mail {number}" for number in range(450)]
    with server.client() as client:
        client.multiappend("INBOX", [letter(name) for name in names])
    stays = {"mail 0", "mail 199", "mail 200", "mail 449"}
    judge = Postman(lambda found: Outcome("retry" if subject(found.raw) in stays else "done"))
    with reading(runtime, mailbox_of(server), judge) as postman:
        wait_for(lambda: server.count("Processed") == 446)
    assert list(dict.fromkeys(postman.subjects)) == names
    assert [subject(raw) for raw in server.mails()] == sorted(stays, key=names.index)


def test_two_that_read_one_mailbox_do_not_disturb_each_other(runtime: Runtime, server: Dovecot) -> None:
    names = [f"mail {number}" for number in range(60)]
    server.append(*map(letter, names))
    with reading(runtime, mailbox_of(server)) as one, reading(runtime, mailbox_of(server)) as other:
        wait_for(lambda: server.count() == 0)
        for which in (one, other):
            which.is_well()
    assert {*one.subjects, *other.subjects} == set(names)
    assert {subject(raw) for raw in server.mails("Processed")} == set(names)
    assert one.taken + other.taken >= 60
