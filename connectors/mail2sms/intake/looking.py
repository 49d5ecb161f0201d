"""Looking through the folder: every mail is judged, and put away once it is decided. One that can't be, for now, holds up no other.

Of a mail that stays nothing is kept but when it comes again, and that only while its UID means the same mail (RFC 3501 section 2.3.1.1).
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import Final, Protocol

import structlog
from imapclient import IMAPClient
from imapclient.exceptions import IMAPClientError

from connectors.contract import Stop
from connectors.mail2sms.intake import fetching
from connectors.mail2sms.intake.connection import Times, select
from connectors.mail2sms.intake.fetching import Facts, Unfetched
from connectors.mail2sms.intake.putting_away import Cabinet
from connectors.mail2sms.mail import MOST_BYTES, OPEN, Found, Outcome
from connectors.mail2sms.settings import Mailbox
from core import Runtime, outages

PAGE: Final = 200  # mails that are asked after at once
MOST_WAITING: Final = 1_000
TOGETHER: Final = 50  # mails that are put away at once
LONGEST_S: Final = 1.0  # that one waits for the others
TOLD_AFTER: Final = 3  # failures of a mail

log = structlog.get_logger()


class Heard(Protocol):
    """Is told that the server answers."""

    def __call__(self, *, taken: bool = False) -> None:
        """taken: and that a mail was put away."""
        ...


class Down(Exception):  # noqa: N818 - what it is
    """Our own database is away: no mail can be decided, and none is at fault."""


@dataclass(frozen=True, slots=True)
class Judge:
    """What becomes of a mail; and of one that is too large, by its size and the beginning of its headers.

    What they raise is that one mail's trouble, unless it is a database that is down.
    """

    take: Callable[[Found], Outcome]
    too_large: Callable[[int, bytes], Outcome]


@dataclass(slots=True)
class Waiting:
    """A mail that comes again `at` (by monotonic()). outcome: what it was decided to be, where it only has to be put away.

    failures: how often the server did not give it, or did not put it away.
    """

    at: float
    pause: float
    outcome: Outcome | None = None
    failures: int = 0


@dataclass(slots=True)
class Memory:
    """The mails that stayed in a folder. It outlives connections, and no change of UIDVALIDITY.

    copied: UIDs that are in their new folder already. alone: the connection broke when many mails were asked after at once.
    """

    validity: int | None = None
    waiting: dict[int, Waiting] = field(default_factory=dict)
    copied: set[int] = field(default_factory=set)
    alone: bool = False

    def meet(self, validity: int | None) -> None:
        """The folder has this UIDVALIDITY."""
        if validity != self.validity:
            self.validity = validity
            self.waiting.clear()
            self.copied.clear()

    def next_at(self) -> float | None:
        """When the first of them is due, by monotonic()."""
        return min((one.at for one in self.waiting.values()), default=None)

    def trouble(self) -> str | None:
        """What the owner of the mailbox should know of them."""
        told = [one for one in self.waiting.values() if one.failures >= TOLD_AFTER]
        stuck = sum(one.outcome is not None for one in told)
        if stuck:
            return f"Mails can't be moved out of the folder ({stuck}): see that the mailbox is not full."
        if told:
            return f"The mail server does not give some of its mails ({len(told)}): look at the oldest in the folder, and delete them."
        return None


@dataclass(slots=True)
class Look:
    """One look. Raises what says that the connection has ended, Trouble, and Down.

    decided: mails that are yet to be put away, together: each time costs a server with many mails as much as the first. A process that ends
    before finds them again, and that they are decided. gone: how many are no longer in the folder.
    """

    client: IMAPClient
    mailbox: Mailbox
    cabinet: Cabinet
    judge: Judge
    memory: Memory
    runtime: Runtime
    times: Times
    stop: Stop
    installation_id: str
    heard: Heard
    decided: dict[int, Outcome] = field(default_factory=dict)
    since: float = 0.0
    gone: int = 0

    def through(self) -> bool:
        """See all mails that are there, oldest first, a page at a time. Those that go make room at the front, those that stay are passed.

        False: not all were seen, as it took long, and some that stayed may be due again.
        """
        ends, passed, stayed = monotonic() + self.times.look, 0, set[int]()
        while not self.stop.is_set() and monotonic() < ends:
            selected = select(self.client, self.mailbox)
            self.heard()
            self.memory.meet(selected.get(b"UIDVALIDITY"))
            last = min(passed + PAGE, selected[b"EXISTS"])
            if passed >= last or (self._is_full() and len(stayed) >= MOST_WAITING):
                self._forget_but(stayed)
                return True
            uids = self.client.search(f"{passed + 1}:{last} UNDELETED")
            before = self.gone
            self._page(self._due(uids))
            stayed.update(self.memory.waiting.keys() & set(uids))
            passed = last - (self.gone - before)
        return False

    def _page(self, uids: Sequence[int]) -> None:
        try:
            for uid, known in self._known(uids):
                self._handle(uid, known)
                if len(self.decided) >= TOGETHER or (self.decided and monotonic() - self.since >= LONGEST_S):
                    self._put_away()
            self._put_away()
        finally:  # what could not be put away need not be decided again
            for uid, outcome in self.decided.items():
                self._again(uid, outcome, failed=True)
            self.decided.clear()

    def _is_full(self) -> bool:
        return len(self.memory.waiting) >= MOST_WAITING

    def _forget_but(self, stayed: set[int]) -> None:
        """Somebody else took the others out."""
        for uid in self.memory.waiting.keys() - stayed:
            del self.memory.waiting[uid]

    def _due(self, uids: Sequence[int]) -> list[int]:
        now, waiting = monotonic(), self.memory.waiting
        return [uid for uid in uids if (waiting[uid].at <= now if uid in waiting else not self._is_full())]

    def _known(self, uids: Sequence[int]) -> Iterator[tuple[int, Facts | None]]:
        """What is known of these before they are read; None: ask for it by itself, as one that makes the server fail hides the others."""
        suspect = {uid for uid in uids if self.memory.alone or uid in self.memory.waiting}
        plain = [uid for uid in uids if uid not in suspect]
        self.memory.alone = bool(plain)
        try:
            found = fetching.facts(self.client, plain)
        except Unfetched:
            found = {}
        self.memory.alone = False
        for uid in uids:
            if not self.stop.is_set():
                yield uid, found.get(uid)

    def _handle(self, uid: int, known: Facts | None) -> None:
        waited = self.memory.waiting.get(uid)
        outcome = waited.outcome if waited else None
        try:
            outcome = outcome or self._judged(uid, known)
        except Unfetched:
            self._again(uid, failed=True)
        except (IMAPClientError, OSError):  # some servers end the connection over a mail that they can't read
            self._again(uid, failed=True)
            raise
        else:
            self._decide(uid, outcome)

    def _decide(self, uid: int, outcome: Outcome | None) -> None:
        if outcome is None:
            self._is_gone(uid)
        elif outcome.state in OPEN:
            self._again(uid)
        else:
            self.since = self.since if self.decided else monotonic()
            self.decided[uid] = outcome

    def _judged(self, uid: int, known: Facts | None) -> Outcome | None:
        """What became of it; None where it is gone."""
        known = known or fetching.facts_of(self.client, uid)
        if known is None:
            return None
        self.runtime.fault("mail.sized")
        if known.size > MOST_BYTES:
            return self._refused(uid, known.size)
        raw = fetching.body(self.client, uid)
        if raw is None:
            return None
        if len(raw) > MOST_BYTES:  # its size was not what the server said
            return self._refused(uid, len(raw))
        self.runtime.fault("mail.fetched")
        at = self.runtime.clock() if known.at is None else known.at
        return self._asked(lambda: self.judge.take(Found("imap", raw, at)))

    def _refused(self, uid: int, size: int) -> Outcome | None:
        headers = fetching.headers(self.client, uid)
        return None if headers is None else self._asked(lambda: self.judge.too_large(size, headers))

    def _asked(self, ask: Callable[[], Outcome]) -> Outcome:
        try:
            return ask()
        except Exception as error:
            if outages.of(error) is not None:
                raise Down from error
            log.exception("mail.failed", installation_id=self.installation_id)
            return Outcome("retry")

    def _put_away(self) -> None:
        """All that is decided; where the server does not move some of it, each by itself."""
        for folder in (self.cabinet.processed, self.cabinet.rejected):
            uids = [uid for uid, outcome in self.decided.items() if self.cabinet.folder_of(outcome) == folder]
            if uids and not self.cabinet.takes(uids, folder):
                uids = [uid for uid in uids if self.cabinet.takes_one(uid, folder)]
            for uid in uids:
                self.runtime.fault("mail.moved")
                self.heard(taken=True)
                self.decided.pop(uid)
                self._is_gone(uid)
        for uid, outcome in self.decided.items():
            self._again(uid, outcome, failed=True)
        self.decided.clear()

    def _is_gone(self, uid: int) -> None:
        self.memory.waiting.pop(uid, None)
        self.gone += 1

    def _again(self, uid: int, outcome: Outcome | None = None, *, failed: bool = False) -> None:
        """It stays, and comes again after a wait that grows."""
        before = self.memory.waiting.get(uid)
        pause = min(before.pause * 2, self.times.longest_retry) if before else self.times.retry
        failures = before.failures + failed if before else int(failed)
        self.memory.waiting[uid] = Waiting(monotonic() + pause, pause, outcome, failures)
