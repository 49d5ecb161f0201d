"""Where mails go once they are decided: the folders Processed and Rejected, made where they are missing, and how a mail gets there."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final

from imapclient import DELETED, IMAPClient
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError

from connectors.mail2sms.intake import fetching
from connectors.mail2sms.intake.connection import Trouble
from connectors.mail2sms.mail import TURNED_AWAY, Outcome

PROCESSED: Final = "Processed"
REJECTED: Final = "Rejected"
_GHOSTS: Final = frozenset({b"\\noselect", b"\\nonexistent"})


@dataclass(slots=True)
class Cabinet:
    """The two folders of a mailbox, by their full names. copied: UIDs of mails that were copied there, but not yet taken out here."""

    client: IMAPClient
    processed: str
    rejected: str
    copied: set[int] = field(default_factory=set)

    def folder_of(self, outcome: Outcome) -> str:
        """Where it belongs."""
        return self.rejected if outcome.state in TURNED_AWAY else self.processed

    def takes(self, uids: Sequence[int], folder: str) -> bool:
        """Move mails of the open folder; those that are gone are no error. False: the server did not move all of them."""
        try:
            self._move(uids, folder)
        except IMAPClientAbortError:
            raise
        except IMAPClientError:
            return False
        return True

    def takes_one(self, uid: int, folder: str) -> bool:
        """The same of one, which may be gone; or somebody has deleted the folder meanwhile."""
        if not fetching.is_there(self.client, uid):
            return True
        try:
            made(self.client, folder)
        except Trouble:  # the others may have their place
            return False
        return self.takes([uid], folder)

    def _move(self, uids: Sequence[int], folder: str) -> None:
        if self.client.has_capability("MOVE"):
            self.client.move(uids, folder)
            return
        # What fails after it was copied may fail for ever, and would leave one more copy there each time.
        if new := [uid for uid in uids if uid not in self.copied]:
            self.client.copy(new, folder)
            self.copied.update(new)
        self.client.add_flags(uids, DELETED, silent=True)
        self._expunge(uids)
        self.copied.difference_update(uids)

    def _expunge(self, uids: Sequence[int]) -> None:
        """Without UIDPLUS (RFC 4315) all that is marked would go: then it stays, marked, unless there is nothing else."""
        if self.client.has_capability("UIDPLUS"):
            self.client.uid_expunge(uids)
        elif set(self.client.search("DELETED")) <= set(uids):
            self.client.expunge()


def cabinet(client: IMAPClient, copied: set[int]) -> Cabinet:
    """The folders, made where they are missing. Raises Trouble where they can't be."""
    prefix = _prefix(client)
    return Cabinet(client, made(client, prefix + PROCESSED), made(client, prefix + REJECTED), copied)


def made(client: IMAPClient, folder: str) -> str:
    """A folder that is there now. Servers of old without NAMESPACE may have all folders below INBOX: then it is there too."""
    if _is_there(client, folder):
        return folder
    names = [folder] if client.has_capability("NAMESPACE") else [folder, f"INBOX{_delimiter(client)}{folder}"]
    for name in names:
        try:
            if not _is_there(client, name):
                client.create_folder(name)
        except IMAPClientAbortError:
            raise
        except IMAPClientError:
            continue
        with suppress(IMAPClientError):  # so that mail programs show it; not all servers know of this
            client.subscribe_folder(name)
        return name
    raise Trouble("refused", f"The folder {folder} can't be made in the mailbox: make it there by hand.")


def _prefix(client: IMAPClient) -> str:
    """What the names of this user's own folders begin with (RFC 2342)."""
    personal = client.namespace().personal if client.has_capability("NAMESPACE") else None
    return str(personal[0][0]) if personal else ""


def _delimiter(client: IMAPClient) -> str:
    inbox = client.list_folders("", "INBOX")
    return inbox[0][1].decode() if inbox and inbox[0][1] else "/"


def _is_there(client: IMAPClient, folder: str) -> bool:
    found = client.list_folders("", folder)
    return any(name == folder and not _GHOSTS & {flag.lower() for flag in flags} for flags, _, name in found)
