"""One SMTP connection (RFC 5321), by aiosmtpd. Mails are few and their senders known machines: what nobody needs is not offered.

No STARTTLS and no AUTH, as it is meant for a mail server on the same machine or network; no VRFY, no BDAT. Whatever goes wrong is 451: the
peer keeps the mail, and comes again.
"""

import asyncio
import logging
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import partial
from traceback import format_tb
from typing import Final, TypeVar

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session

from connectors.contract import Visit
from connectors.mail2sms.intake import replies
from connectors.mail2sms.intake.door import Door
from connectors.mail2sms.mail import MOST_BYTES, Found, Outcome
from connectors.mail2sms.settings import Office, office_of

MOST_RECIPIENTS: Final = 100  # RFC 5321 section 4.5.3.1.8: no fewer
MOST_REFUSED: Final = 20  # recipients of one connection
MOST_AT_ONCE: Final = 8  # mails that are taken
TIMEOUT_S: Final = 300  # for each command (section 4.5.3.2.7: no less), and for a mail from DATA on
COMMANDS: Final = {"*": 1000, "RCPT": 5000}  # of one connection
NOT_OFFERED: Final = ("AUTH", "EXPN", "HELP", "STARTTLS", "VRFY")
PIECE: Final = 65_536  # longer lines are read in pieces

ANOTHER: Final = "452 4.5.3 This recipient is another customer's: send it in a transaction of its own."
ENOUGH: Final = "452 4.5.3 Too many recipients: send the others in another transaction."
GUESSING: Final = "421 4.7.0 Too many recipients that there are not."
TOO_LARGE: Final = f"552 5.3.4 The mail is larger than {MOST_BYTES} bytes."
FULL: Final = "421 4.7.0 Too many connections: come again later."
STOPPING: Final = "421 4.3.2 Stopping: come again later."

Take = Callable[[Office, Found], Outcome]
T = TypeVar("T")

log = structlog.get_logger()


def hush() -> None:
    """The library's log names recipients and holds mails: nothing of it is kept."""
    logging.getLogger("mail.log").addFilter(_nothing)


def _nothing(_record: logging.LogRecord) -> bool:
    return False


@dataclass(slots=True)
class Desk:
    """What all connections share. take: the steps that a mail goes through, in a thread."""

    visit: Visit
    take: Take
    name: str
    door: Door
    room: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(MOST_AT_ONCE))
    here: "set[Connection]" = field(default_factory=set)

    def taken(self, installation_id: str, found: Found) -> str:
        """The reply to a mail. What it answers with 250 is committed."""
        with self.room:
            office = office_of(self.visit.tools.installations.get(installation_id))
            return replies.of(self.take(office, found))


class Conversation:
    """What one peer says, as aiosmtpd hands it on."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._installation_id: str | None = None  # whose mail this is
        self._refused = 0
        self.is_busy = False

    async def handle_EHLO(  # noqa: N802 - the names are the library's
        self, _server: SMTP, session: Session, _envelope: Envelope, hostname: str, said: Sequence[str]
    ) -> list[str]:
        session.host_name = hostname
        *before, last = said[:-1]  # without HELP
        return [*before, last.replace("-", " ", 1)]

    async def handle_MAIL(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope, address: str, options: Sequence[str]
    ) -> str:
        self._installation_id = None
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 Sender noted."

    async def handle_RCPT(  # noqa: N802
        self, server: SMTP, _session: Session, envelope: Envelope, address: str, options: Sequence[str]
    ) -> str:
        if len(envelope.rcpt_tos) >= MOST_RECIPIENTS:
            return ENOUGH
        found = await in_thread(partial(replies.recipient, self._desk.visit, address))
        if isinstance(found, str):
            return self._refuse(server, found)
        if self._installation_id not in (None, found.id):
            return ANOTHER
        self._installation_id = found.id
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 Recipient noted."

    async def handle_DATA(self, _server: SMTP, _session: Session, envelope: Envelope) -> str:  # noqa: N802
        sender = "" if envelope.mail_from == "<>" else envelope.mail_from
        at = self._desk.visit.runtime.clock()
        if not isinstance(envelope.content, bytes):
            raise TypeError("a mail is bytes")
        found = Found("smtp", envelope.content, at, tuple(envelope.rcpt_tos), sender)
        self.is_busy = True
        try:
            return await in_thread(partial(self._desk.taken, str(self._installation_id), found))
        finally:
            self.is_busy = False

    async def handle_exception(self, error: Exception) -> str:
        """Ours to mend, and nothing of it is the peer's to know."""
        log.error("smtp.failed", error=type(error).__name__, at=format_tb(error.__traceback__))
        return replies.LATER

    def _refuse(self, server: SMTP, reply: str) -> str:
        self._refused += 1
        log.info("smtp.recipient_refused", status=reply.split()[1])
        if self._refused <= MOST_REFUSED:
            return reply
        if server.transport is not None:
            asyncio.get_running_loop().call_soon(server.transport.close)
        return GUESSING


class Connection(SMTP):
    """The library's protocol, less what is not offered, with a DATA of its own."""

    line_length_limit = PIECE

    def __init__(self, desk: Desk, loop: asyncio.AbstractEventLoop) -> None:
        self._desk = desk
        self._conversation = Conversation(desk)
        self._wire: asyncio.Transport | None = None
        self._host = ""
        super().__init__(
            self._conversation,
            data_size_limit=MOST_BYTES,
            hostname=desk.name,
            ident="smshub",
            timeout=TIMEOUT_S,
            command_call_limit=dict(COMMANDS),
            loop=loop,
        )
        for name in NOT_OFFERED:
            del self._smtp_methods[name]

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        if not isinstance(transport, asyncio.Transport):
            raise TypeError("SMTP goes over streams")
        peer = transport.get_extra_info("peername")
        host = peer[0] if peer else ""
        if not self._desk.door.enters(host):
            transport.write(f"{FULL}\r\n".encode())
            transport.close()
            return
        self._wire, self._host = transport, host
        self._desk.here.add(self)
        super().connection_made(transport)

    def connection_lost(self, error: Exception | None) -> None:
        if self._wire is not None:
            self._desk.here.discard(self)
            self._desk.door.leaves(self._host)
            super().connection_lost(error)

    def leave(self) -> bool:
        """End it, unless a mail of its is just being taken; whether it has."""
        if self._conversation.is_busy:
            return False
        self._end(STOPPING)
        return True

    def _end(self, word: str) -> None:
        if self._wire is not None and not self._wire.is_closing():
            self._wire.write(f"{word}\r\n".encode())
            self._wire.close()

    def _transaction(self) -> Envelope:
        if self.envelope is None:
            raise TypeError("there is one as long as there is a connection")
        return self.envelope

    async def smtp_DATA(self, arg: str | None) -> None:  # noqa: N802
        """As the library's (RFC 5321 section 4.1.1.4). There a mail of short lines takes forty times its size, and a long one is lost."""
        if await self.check_helo_needed():
            return
        if arg or not self._transaction().rcpt_tos:
            await self.push("501 5.5.4 DATA takes nothing." if arg else "503 5.5.1 Say RCPT first.")
            return
        await self.push("354 End the mail with <CR><LF>.<CR><LF>")
        content = await self._content()
        try:
            self._transaction().content = content
            status = TOO_LARGE if content is None else str(await self._call_handler_hook("DATA"))
        finally:
            self._set_post_data_state()  # type: ignore[no-untyped-call]
        await self.push(status)

    async def _content(self) -> bytes | None:
        """The mail, without what made it transparent; None where it is too large. Only a dot between CRLFs ends it, no bare CR or LF."""
        found, fits, begins = bytearray(), True, True
        while True:
            line, ends = await self._piece()
            if begins and line == b".\r\n":
                return bytes(found) if fits else None
            piece = line[1:] if begins and line.startswith(b".") else line
            fits = fits and len(found) + len(piece) <= MOST_BYTES
            if fits:
                found += piece
            else:
                found.clear()
            begins = ends

    async def _piece(self) -> tuple[bytes, bool]:
        """A line, or as much of one as there is room for; whether it ends there."""
        try:
            return await self._reader.readuntil(b"\r\n"), True
        except asyncio.LimitOverrunError as over:
            return await self._reader.read(over.consumed), False


async def in_thread(work: Callable[[], T]) -> T:
    """In a daemon thread: an executor's would hold up the end of a process whose database hangs."""
    found: Future[T] = Future()
    found.set_running_or_notify_cancel()  # whoever goes away meanwhile does not stop it

    def run() -> None:
        try:
            found.set_result(work())
        except BaseException as error:  # noqa: BLE001 - it is raised where it is waited for
            found.set_exception(error)

    threading.Thread(target=run, name="mail2sms-smtp", daemon=True).start()
    return await asyncio.wrap_future(found)
