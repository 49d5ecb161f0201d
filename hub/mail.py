"""Mail to the people of an account: through the operator's server, or into a folder where there is none. And what some of it says."""

import smtplib
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from email.message import EmailMessage
from email.utils import formatdate
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from core import PeerError, Refused, Runtime, accounts, campaigns, jobs, letters
from hub.settings import Settings

TIMEOUT_S: Final = 20
SUBMISSION, SUBMISSIONS, PLAIN = 587, 465, 25
FOR_GOOD: Final = 500  # and above


@dataclass(frozen=True, slots=True)
class Smtp:
    """A mail server: smtp://user:password@host:587 (STARTTLS where it is offered, always before a login), or smtps:// (TLS from the start)."""

    url: str
    sender: str
    clock: Callable[[], int]
    new_id: Callable[[], str]

    def send(self, to: str, subject: str, body: str) -> None:
        """Hand it over. Raises PeerError: `rejected` where the server refuses for good, else `unavailable`."""
        letter = compose(self.sender, to, subject, body, self.clock(), self.new_id())
        with self._server() as server:
            server.send_message(letter)

    def post(self, letter: bytes, to: str, sender: str = "") -> None:
        """Hand a mail over as it is (`connectors.contract.Post`). Raises PeerError as `send` does."""
        with self._server() as server:
            server.sendmail(sender, [to], letter)

    @contextmanager
    def _server(self) -> Iterator[smtplib.SMTP]:
        try:
            with _connected(urlsplit(self.url)) as server:
                yield server
        except (smtplib.SMTPException, OSError) as error:
            kind, did = ("rejected", "refused") if _is_final(error) else ("unavailable", "did not take it")
            raise PeerError(kind, f"the mail server {did} ({type(error).__name__})") from error


@dataclass(frozen=True, slots=True)
class Folder:
    """Mail as files that a mail program opens, for a hub without a server."""

    path: Path
    sender: str
    clock: Callable[[], int]
    new_id: Callable[[], str]

    def send(self, to: str, subject: str, body: str) -> None:
        """Write it down. Raises PeerError (`unavailable`) when the folder cannot be written."""
        name = self.new_id()
        self._write(name, compose(self.sender, to, subject, body, self.clock(), name).as_bytes())

    def post(self, letter: bytes, to: str, sender: str = "") -> None:
        """Write a mail down as it is, under whom it is for. Raises PeerError as `send` does."""
        whose = (
            f"X-Envelope-{side}: <{''.join(address.split())}>\r\n" for side, address in (("From", sender), ("To", to))
        )
        self._write(self.new_id(), "".join(whose).encode() + letter)

    def _write(self, name: str, letter: bytes) -> None:
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            part = self.path / f"{name}.part"
            part.write_bytes(letter)
            part.rename(self.path / f"{name}.eml")  # whoever watches the folder never sees half a mail
        except OSError as error:
            raise PeerError("unavailable", f"the mail folder cannot be written ({type(error).__name__})") from error


def of(settings: Settings, clock: Callable[[], int], new_id: Callable[[], str]) -> Smtp | Folder:
    """The mail of these settings."""
    if settings.smtp_url:
        return Smtp(settings.smtp_url, settings.mail_from, clock, new_id)
    return Folder(settings.data / "mail", settings.mail_from, clock, new_id)


def compose(sender: str, to: str, subject: str, body: str, now: int, name: str) -> EmailMessage:
    """A plain mail. A name typed by a stranger cannot add a header: line ends become blanks."""
    letter = EmailMessage()
    letter["From"] = sender
    letter["To"] = " ".join(to.split())
    letter["Subject"] = " ".join(subject.split())
    letter["Date"] = formatdate(now / 1000)
    letter["Message-ID"] = f"<{name}@{sender.rpartition('@')[2].strip('<> ') or 'smshub'}>"
    letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's holiday notice should answer
    letter.set_content(body)
    return letter


def campaign_unpaid(runtime: Runtime, job: jobs.Job) -> None:
    """Tell an account that a campaign could not start; nothing if it is gone."""
    with runtime.read() as tx:
        account = accounts.get(tx, job.account_id)
        campaign = None
        with suppress(Refused):  # deleted meanwhile
            campaign = campaigns.get(tx, job.account_id, job.subject_id)
    if campaign is None:
        return
    why = _REASONS.get(campaign.status_detail, f"The reason: {campaign.status_detail}.")
    body = (
        f"The campaign {campaign.name or campaign.id} of {account.name} was not sent, and nothing was charged.\n\n{why}\n\n"
        f"Send it again when that is mended: POST /api/v1/campaigns/{campaign.id}/resend\n"
    )
    letters.tell(runtime, account.id, f"Campaign not sent: {campaign.name or campaign.id}", body)


_REASONS: Final = {"no_credit": "There were not enough credits for all of its recipients: top the account up."}


def _is_final(error: Exception) -> bool:
    """Whether the server refused for good: with a code of 500 and more (RFC 5321 section 4.2.1). 450 is a greylist, which takes it later."""
    if isinstance(error, smtplib.SMTPRecipientsRefused):
        return all(code >= FOR_GOOD for code, _ in error.recipients.values())
    if isinstance(error, smtplib.SMTPConnectError | smtplib.SMTPHeloError):  # it would not talk at all
        return False
    return isinstance(error, smtplib.SMTPResponseException) and error.smtp_code >= FOR_GOOD


def _connected(url: SplitResult) -> smtplib.SMTP:
    host, context = url.hostname or "localhost", _trust(url)
    if url.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, url.port or SUBMISSIONS, timeout=TIMEOUT_S, context=context)
    else:
        server = smtplib.SMTP(host, url.port or (SUBMISSION if url.username else PLAIN), timeout=TIMEOUT_S)
    try:
        _greet(server, url, context)
    except BaseException:
        server.close()
        raise
    return server


def _trust(url: SplitResult) -> ssl.SSLContext:
    """Certificates are checked where a password or the scheme asks for it; else TLS is taken as it is found (RFC 7435)."""
    context = ssl.create_default_context()
    if url.scheme == "smtp" and not url.username:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


def _greet(server: smtplib.SMTP, url: SplitResult, context: ssl.SSLContext) -> None:
    server.ehlo()
    if url.scheme == "smtp" and (url.username or server.has_extn("starttls")):
        server.starttls(context=context)  # raises where it is not offered: a password never goes in the clear
        server.ehlo()
    if url.username:
        server.login(unquote(url.username), unquote(url.password or ""))
