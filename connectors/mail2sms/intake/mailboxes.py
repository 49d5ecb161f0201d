"""All mailboxes that this process reads: which there are is asked every few seconds, each has a thread, and a lease says that it is ours."""

import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from time import monotonic
from typing import Final

import structlog

from connectors.contract import Installation, Stop, Visit
from connectors.mail2sms.intake import leases
from connectors.mail2sms.intake.connection import Times
from connectors.mail2sms.intake.leases import Diary
from connectors.mail2sms.intake.looking import Judge
from connectors.mail2sms.intake.mailbox import Reading
from connectors.mail2sms.settings import Office, office_of
from core import outages

MOST: Final = 200  # mailboxes of one process
LOOK_S: Final = 3.0
END_S: Final = 2.0

log = structlog.get_logger()

Judging = Callable[[Office], Judge]


@dataclass(frozen=True, slots=True)
class Kept:
    """A mailbox that is being read, as its installation was at that time."""

    installation: Installation
    thread: threading.Thread
    stop: threading.Event

    def is_of(self, installation: Installation | None) -> bool:
        return installation is not None and installation.updated_at == self.installation.updated_at


@dataclass(slots=True)
class Watch:
    """The mailboxes of one process, by the ids of their installations. `look` brings them up to date; `end` leaves them all."""

    visit: Visit
    judging: Judging
    owner: str
    times: Times = field(default_factory=Times)
    most: int = MOST
    _kept: dict[str, Kept] = field(default_factory=dict)
    _is_full: bool = False

    def look(self) -> None:
        """End what is not wanted any more, or has other settings now; begin what is new. Raises what a database raises."""
        wanted = {one.id: one for one in self.visit.tools.installations.every() if "mailbox" in one.settings}
        ours = leases.held(self.visit.runtime, self.owner, list(wanted), self.most)
        for one, kept in list(self._kept.items()):
            if one not in ours or not kept.is_of(wanted.get(one)):
                kept.stop.set()
            if not kept.thread.is_alive():  # only then may the next begin
                del self._kept[one]
                self._ended(kept, wanted.get(one))
        for one in ours - self._kept.keys():
            self._kept[one] = self._begun(wanted[one])
        self._tell(len(wanted), len(ours))

    def end(self, seconds: float = END_S) -> None:
        """Leave them to others. Who does not come to an end in time is left behind: its thread ends with the process."""
        ends = monotonic() + seconds
        for kept in self._kept.values():
            kept.stop.set()
        for kept in self._kept.values():
            kept.thread.join(max(0.0, ends - monotonic()))
        with suppress(*outages.ERRORS), self.visit.runtime.begin() as tx:  # then they end by themselves
            leases.release(tx, self.owner, sorted(self._kept))

    def _begun(self, installation: Installation) -> Kept:
        reading = self._reading(office_of(installation))
        stop = threading.Event()
        name = f"smshub-mailbox-{installation.id}"
        thread = threading.Thread(target=reading.until, args=(stop,), name=name, daemon=True)
        thread.start()
        return Kept(installation, thread, stop)

    def _ended(self, kept: Kept, now: Installation | None) -> None:
        with self.visit.runtime.begin() as tx:
            if now is None:
                leases.release(tx, self.owner, [kept.installation.id])
                leases.forget(tx, kept.installation.id)
            elif not kept.is_of(now):
                leases.begin_anew(tx, now.id)

    def _reading(self, office: Office) -> Reading:
        if office.mailbox is None:
            raise TypeError("an installation without a mailbox")
        runtime, tokens = self.visit.runtime, self.visit.tools.tokens
        diary = Diary(runtime, office.id, self.times.heard)

        def token(refused: str | None) -> str:
            if refused is None:
                return tokens.access(office.installation)
            return tokens.refused(office.installation, refused)

        return Reading(office.id, office.mailbox, token, self.judging(office), runtime, diary, self.times)

    def _tell(self, wanted: int, ours: int) -> None:
        full = ours >= self.most and wanted > ours
        if full and not self._is_full:
            log.warning("mailboxes.full", most=self.most, wanted=wanted, cure="run another process that listens")
        self._is_full = full


def watch(visit: Visit, stop: Stop, judging: Judging, times: Times | None = None, look_s: float = LOOK_S) -> None:
    """Read all mailboxes until told to stop; `judging` says by whom the mails of an installation are judged.

    A database that is away ends nothing that goes on.
    """
    all_of_them = Watch(visit, judging, visit.runtime.ids.new(), times or Times())
    try:
        while not stop.is_set():
            try:
                all_of_them.look()
            except outages.ERRORS as error:
                if outages.of(error) is None:
                    raise
                log.warning("mailboxes.down", error=type(error).__name__)
            stop.wait(look_s)
    finally:
        all_of_them.end()
