"""Where decided mails are put, on servers of several kinds."""

import pytest

from connectors.mail2sms.mail import Found, Outcome
from core import Runtime
from tests.support.dovecot import Shape, dovecot
from tests.support.odd_imap import able, odd_imap
from tests.support.postman import Postman, letter, mailbox_at, mailbox_of, reading, subject
from tests.support.serving import wait_for

pytestmark = pytest.mark.peer

COPYING = "IMAP4rev1 IDLE NAMESPACE UIDPLUS"
OLD = "IMAP4rev1"


def judge(found: Found) -> Outcome:
    return Outcome("rejected" if subject(found.raw).startswith("bad") else "done")


@pytest.mark.parametrize(
    "shape, folders",
    [
        (Shape(folders=()), ["INBOX", "Processed", "Rejected"]),
        (Shape(folders=(), prefix="INBOX.", separator="."), ["INBOX", "INBOX.Processed", "INBOX.Rejected"]),
        (Shape(folders=(), prefix="Mail/"), ["INBOX", "Mail/Processed", "Mail/Rejected"]),
    ],
    ids=["bare", "below the inbox", "with a prefix"],
)
def test_folders_are_made_where_the_server_has_its_folders(runtime: Runtime, shape: Shape, folders: list[str]) -> None:
    with dovecot(shape) as server:
        server.append(letter("good"), letter("bad"))
        with reading(runtime, mailbox_of(server), Postman(judge)):
            wait_for(lambda: server.count() == 0)
        assert set(server.folders()) - {"Mail"} == set(folders)  # this server shows the prefix as one, too
        assert [subject(raw) for raw in server.mails(folders[1])] == ["good"]
        assert [subject(raw) for raw in server.mails(folders[2])] == ["bad"]
        with server.client() as client:
            assert {*folders[1:]} <= {name for _flags, _delimiter, name in client.list_sub_folders()}


def test_an_old_server_may_have_all_folders_below_the_inbox(runtime: Runtime) -> None:
    """It does not say so (NAMESPACE), and refuses all others."""
    made: list[bytes] = []

    def answer(tag: bytes, command: bytes) -> bytes:
        word, _, rest = command.partition(b" ")
        if word == b"CREATE" and not rest.startswith(b'"INBOX.'):
            return tag + b" NO Invalid mailbox name.\r\n"
        if word == b"CREATE":
            made.append(rest)
        inbox = b'* LIST () "." INBOX\r\n' if command.endswith(b'"INBOX"') else b""
        return inbox + able()(tag, command)

    with odd_imap(b"* OK\r\n", answer) as port, reading(runtime, mailbox_at(port)):
        wait_for(lambda: len(made) >= 2)
    assert made[:2] == [b'"INBOX.Processed"', b'"INBOX.Rejected"']


@pytest.mark.parametrize("capability", [None, COPYING, OLD], ids=["move", "copy", "old"])
def test_a_mail_is_in_one_folder_and_no_other_whatever_the_server_can_do(
    runtime: Runtime, capability: str | None
) -> None:
    with dovecot(Shape(capability=capability)) as server:
        server.append(*map(letter, ("one", "bad two", "three")))
        with reading(runtime, mailbox_of(server), Postman(judge)) as postman:
            wait_for(lambda: server.count() == 0)
            server.append(letter("four"))
            wait_for(lambda: server.count() == 0)
        assert postman.subjects == ["one", "bad two", "three", "four"]
        assert [subject(raw) for raw in server.mails("Processed")] == ["one", "three", "four"]
        assert [subject(raw) for raw in server.mails("Rejected")] == ["bad two"]


def test_what_others_have_marked_as_deleted_is_left_alone(runtime: Runtime) -> None:
    """Without UIDPLUS an EXPUNGE would take it too."""
    with dovecot(Shape(capability=OLD)) as server:
        server.append(letter("theirs"), letter("ours"))
        with server.client() as client:
            client.select_folder("INBOX")
            client.delete_messages([1])
        with reading(runtime, mailbox_of(server)) as postman:
            wait_for(lambda: server.count("Processed") == 1)
            server.append(letter("next"))
            wait_for(lambda: server.count("Processed") == 2)
        assert postman.subjects == ["ours", "next"]
        assert [subject(raw) for raw in server.mails()] == ["theirs", "ours", "next"]
        assert server.flags() == [(rb"\Deleted",)] * 3


def test_a_folder_that_somebody_deletes_is_made_again(runtime: Runtime) -> None:
    with dovecot(Shape(folders=())) as server, reading(runtime, mailbox_of(server)):
        server.append(letter("one"))
        wait_for(lambda: server.count() == 0)
        with server.client() as client:
            client.delete_folder("Processed")
        server.append(letter("two"))
        wait_for(lambda: server.count() == 0)
        assert [subject(raw) for raw in server.mails("Processed")] == ["two"]


@pytest.mark.parametrize("capability", [None, COPYING], ids=["move", "copy"])
def test_a_mail_that_can_not_be_moved_is_decided_once_told_and_moved_in_the_end(
    runtime: Runtime, capability: str | None
) -> None:
    with dovecot(Shape(capability=capability)) as server:
        server.append(letter("stuck"), letter("bad one"))
        assert server.count("Processed") == 0  # it is there now
        full = [server.home / "mail" / "sms" / ".Processed" / name for name in ("cur", "new", "tmp")]
        for folder in full:
            folder.chmod(0)
        with reading(runtime, mailbox_of(server), Postman(judge)) as postman:
            postman.hears("Mails can't be moved out of the folder (1)")
            wait_for(lambda: server.count("Rejected") == 1)
            for folder in full:
                folder.chmod(0o700)
            wait_for(lambda: server.count("Processed") == 1)
            postman.is_well()
        assert postman.subjects == ["stuck", "bad one"]


def test_a_folder_that_can_only_be_read_is_told(runtime: Runtime) -> None:
    acl = "mail_plugins = acl\nplugin {{\n  acl = vfile\n}}"
    with dovecot(Shape(more=acl)) as server:
        with server.client() as client:
            client.create_folder("shown")
        (server.home / "mail" / "sms" / ".shown" / "dovecot-acl").write_text("owner lr\n")
        with reading(runtime, mailbox_of(server, folder="shown")) as postman:
            postman.hears("The folder shown can only be read")
