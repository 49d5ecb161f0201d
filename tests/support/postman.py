"""A mailbox that is being read, in a thread, by rules that a test gives; with waits that are short, and a diary that a test can look into."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from connectors.mail2sms.intake.connection import Times
from connectors.mail2sms.intake.looking import Judge
from connectors.mail2sms.intake.mailbox import Reading
from connectors.mail2sms.mail import Found, Outcome
from connectors.mail2sms.settings import Mailbox
from core import Runtime
from tests.support.dovecot import PASSWORD, USER, Dovecot
from tests.support.serving import wait_for

# `look` is long: what a test waits for comes by what it shows, and not because the folder is looked at anyway.
QUICK: Final = Times(
    connect=3,
    answer=6,
    slowest=30,
    prove=2,
    quiet=0.4,
    look=600,
    poll=0.1,
    turn=0.2,
    first=0.02,
    longest=0.1,
    refused=0.2,
    retry=0.1,
    longest_retry=0.2,
    heard=0,
    steady=5,
)
DONE: Final = Outcome("done")


@dataclass(slots=True)
class Postman:
    """What was found and told, in order. `judge` decides; by default all is done."""

    judge: Callable[[Found], Outcome] = lambda _found: DONE
    found: list[Found] = field(default_factory=list)
    large: list[tuple[int, bytes]] = field(default_factory=list)
    said: list[str | None] = field(default_factory=list)  # troubles; None: all is well
    taken: int = 0
    times_heard: int = 0

    def take(self, found: Found) -> Outcome:
        self.found.append(found)
        return self.judge(found)

    def too_large(self, size: int, headers: bytes) -> Outcome:
        self.large.append((size, headers))
        return Outcome("rejected", "too_large")

    def heard(self, trouble: str | None = None, *, taken: bool = False) -> None:
        self.taken += taken
        self.times_heard += 1
        self._say(trouble)

    def failing(self, sentence: str) -> None:
        self._say(sentence)

    @property
    def subjects(self) -> list[str]:
        """Of what was found, in order."""
        return [subject(one.raw) for one in self.found]

    def waits(self, count: int) -> None:
        """Until so many mails were found."""
        wait_for(lambda: len(self.found) >= count)

    def hears(self, words: str) -> str:
        """Until a trouble with these words is told, and that one."""
        found: str = wait_for(lambda: next((one for one in self.said if one and words in one), None))
        return found

    def is_well(self) -> None:
        """Until the server answers."""
        wait_for(lambda: self.said and self.said[-1] is None)

    def _say(self, words: str | None) -> None:
        if not self.said or self.said[-1] != words:
            self.said.append(words)


def mailbox_of(server: Dovecot, **changes: Any) -> Mailbox:
    known: dict[str, Any] = {"port": server.port}
    return mailbox_at(**(known | changes))


def mailbox_at(port: int, **changes: Any) -> Mailbox:
    known: dict[str, Any] = {
        "host": "127.0.0.1",
        "port": port,
        "tls": "none",
        "username": USER,
        "password": PASSWORD,
        "folder": "INBOX",
    }
    return Mailbox(**(known | changes))


@contextmanager
def reading(
    runtime: Runtime,
    mailbox: Mailbox,
    postman: Postman | None = None,
    token: Callable[[str | None], str] = lambda _refused: "",
    times: Times = QUICK,
) -> Iterator[Postman]:
    """The mailbox is read for the length of a `with`, and left by its end."""
    made = postman or Postman()
    judge = Judge(made.take, made.too_large)
    work = Reading("an-installation", mailbox, token, judge, runtime, made, times)
    stop = threading.Event()
    thread = threading.Thread(target=work.until, args=(stop,))
    thread.start()
    try:
        yield made
    finally:
        stop.set()
        thread.join(30)
    assert not thread.is_alive()


def letter(about: str, body: str = "Bonjour", to: str = "33612345678@sms.test") -> bytes:
    lines = ["From: ann@example.com", f"To: {to}", f"Subject: {about}", "", body, ""]
    return "\r\n".join(lines).encode()


def subject(raw: bytes) -> str:
    return raw.partition(b"Subject: ")[2].partition(b"\r\n")[0].decode()
