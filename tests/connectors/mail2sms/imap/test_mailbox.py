"""A mailbox of a real Dovecot is read: what comes through, what is put where, and that no mail holds up another."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as NoneFree

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
