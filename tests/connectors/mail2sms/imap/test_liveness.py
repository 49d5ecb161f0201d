"""A server that goes away in whatever manner: the next mail is handled once it is back. Nothing here waits for the next look at the folder."""

from dataclasses import replace

import pytest

from connectors.mail2sms.mail import Found, Outcome
from core import Runtime
from tests.support.dovecot import Dovecot, Shape, dovecot
from tests.support.postman import QUICK, Postman, letter, mailbox_of, reading, subject
from tests.support.serving import free_port, wait_for

pytestmark = pytest.mark.peer


def test_case_55_the_next_mail_is_handled_after_the_connection_has_ended(runtime: Runtime, server: Dovecot) -> None:
    """Its process is killed during IDLE: our side reads nothing, at once and for ever, and no error."""
    with reading(runtime, mailbox_of(server)) as postman:
        for number in range(3):
            server.deliver(letter(f"mail {number}"))
            _put_away(server, number + 1)
            before = server.sessions()
            server.kill_imap()
            _is_back(server, before)
    assert postman.subjects == ["mail 0", "mail 1", "mail 2"]
    assert postman.said == [None]  # it was back before anybody had to be told


def test_case_55_the_next_mail_is_handled_while_the_old_session_hangs(runtime: Runtime, server: Dovecot) -> None:
    with reading(runtime, mailbox_of(server)) as postman:
        postman.is_well()
        wait_for(server.sessions)
        frozen = server.freeze_imap()
        try:
            server.deliver(letter("next"))
            postman.waits(1)
        finally:
            server.thaw(frozen)
    assert postman.subjects == ["next"]


def test_case_55_the_next_mail_is_handled_after_a_restart(runtime: Runtime, server: Dovecot) -> None:
    with reading(runtime, mailbox_of(server)) as postman:
        postman.is_well()
        server.stop()
        postman.hears("can't be reached (Connection refused)")
        server.start()
        server.deliver(letter("next"))
        postman.waits(1)
        postman.is_well()
    assert postman.subjects == ["next"]


def test_a_mail_that_came_while_nobody_listened_is_seen(runtime: Runtime, server: Dovecot) -> None:
    with reading(runtime, mailbox_of(server)) as postman:
        postman.is_well()
        server.stop()
        server.start()
        server.deliver(letter("meanwhile"))
        postman.waits(1)


def test_a_server_that_says_that_it_is_still_here_is_heard_without_being_asked(runtime: Runtime) -> None:
    times = replace(QUICK, quiet=600)
    with dovecot(Shape(heartbeat_s=1)) as server, reading(runtime, mailbox_of(server), times=times) as postman:
        postman.is_well()
        before = postman.times_heard
        wait_for(lambda: postman.times_heard >= before + 2)


def test_a_server_without_idle_is_polled(runtime: Runtime) -> None:
    shape = Shape(capability="IMAP4rev1 NAMESPACE UIDPLUS MOVE")
    with dovecot(shape) as server, reading(runtime, mailbox_of(server)) as postman:
        for number in range(2):
            server.deliver(letter(f"mail {number}"))
            postman.waits(number + 1)
        wait_for(lambda: server.count("Processed") == 2)
        server.kill_imap(b" 127.0.0.1]")
        server.deliver(letter("mail 2"))
        postman.waits(3)


def test_case_53_new_uids_have_nothing_sent_again(runtime: Runtime, server: Dovecot) -> None:
    """What was put away is not looked at again; what is to come again is the same mail under another UID, and comes again."""
    again = {"done": False}

    def judge(found: Found) -> Outcome:
        return Outcome("retry" if subject(found.raw) == "waits" and not again["done"] else "done")

    server.append(letter("waits"), letter("sent"))
    with reading(runtime, mailbox_of(server), Postman(judge)) as postman:
        wait_for(lambda: postman.subjects.count("waits") > 1)
        server.stop()
        server.forget_uids()
        server.start()
        server.append(letter("new"))
        wait_for(lambda: server.count("Processed") == 2)
        again["done"] = True
        wait_for(lambda: server.count() == 0)
    assert sorted(subject(raw) for raw in server.mails("Processed")) == ["new", "sent", "waits"]
    assert postman.subjects.count("sent") == 1
    assert postman.subjects.count("new") == 1


def test_a_server_that_was_never_there_is_told_and_found_when_it_comes(runtime: Runtime, server: Dovecot) -> None:
    server.stop()
    with reading(runtime, mailbox_of(server)) as postman:
        said = postman.hears("can't be reached")
        assert f"127.0.0.1, port {server.port}" in said
        server.start()
        postman.is_well()


def test_it_ends_soon_when_told_to_whatever_it_is_at(runtime: Runtime, server: Dovecot) -> None:
    with reading(runtime, mailbox_of(server)) as postman:  # which fails if it does not end
        postman.is_well()
        wait_for(server.sessions)
        frozen = server.freeze_imap()
    server.thaw(frozen)
    with reading(runtime, mailbox_of(server, port=free_port())) as postman:
        postman.hears("can't be reached")


def _put_away(server: Dovecot, count: int) -> None:
    wait_for(lambda: server.count("Processed") == count)


def _is_back(server: Dovecot, before: list[int]) -> None:
    wait_for(lambda: set(server.sessions()) - set(before))
