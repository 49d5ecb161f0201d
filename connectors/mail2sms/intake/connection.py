"""A connection to a mailbox: how it is made, and why it can't be made, in sentences that say what to do and hold no secret."""

import logging
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from ipaddress import IPv6Address, ip_address
from typing import Any, Final, Literal

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import CapabilityError, IMAPClientAbortError, IMAPClientError, IMAPClientReadOnlyError

from connectors.mail2sms import mail
from connectors.mail2sms.settings import Mailbox
from core import PeerError

BROKEN: Final = (OSError, IMAPClientError)  # what a connection that has ended, or makes no sense any more, raises
_LONGEST_LITERAL: Final = mail.MOST_BYTES + 1024 * 1024

Token = Callable[
    [str | None], str
]  # a token that is good now; another one than this, which was refused. Raises PeerError


@dataclass(frozen=True, slots=True)
class Times:
    """How long to wait, in seconds.

    connect: for a server, and its greeting. sign_in: for its word on who we are: many take their time to say no. answer: for the next
    bytes of any other answer; slowest: the same, of a server that was given up before. prove: where it is only asked whether it is there;
    quiet: of silence, after which it is asked. poll: how often a server without IDLE is asked.
    look: the folder is looked at so often in any case; an IDLE lasts no longer, which servers may end after 30 minutes (RFC 2177), and
    routers sooner. turn: how soon a word to stop is heard.
    first, longest: of the growing waits until a server that is away is tried again; with `connect` less than the 10 s in which the next mail
    is handled once it is back. refused: the longest wait after it turned us away: somebody has to act first, and who tries too often is
    locked out. retry, longest_retry: of the growing waits of a mail that comes again.
    heard: how often is written down that all is well. steady: a connection that lasted so long was no failure.
    """

    connect: float = 6.0
    sign_in: float = 30.0
    answer: float = 8.0
    slowest: float = 120.0
    prove: float = 3.0
    quiet: float = 4.0
    look: float = 300.0
    poll: float = 5.0
    turn: float = 1.0
    first: float = 0.25
    longest: float = 3.0
    refused: float = 300.0
    retry: float = 5.0
    longest_retry: float = 300.0
    heard: float = 10.0
    steady: float = 10.0

    def for_one_as_slow_as(self, times: int) -> "Times":
        """Who was given up so many times in a row may only be slow: it is waited for longer each time."""
        longer = 2 ** min(times, 10)
        answer = min(self.answer * longer, self.slowest)
        return replace(self, answer=answer, prove=min(self.prove * longer, answer))


class Trouble(Exception):  # noqa: N818 - what it is
    """Why a mailbox can't be read: a sentence for its owner. kind: `away` (it may be back any moment), `refused` (somebody must act)."""

    def __init__(self, kind: Literal["away", "refused"], sentence: str) -> None:
        super().__init__(sentence)
        self.kind = kind
        self.sentence = sentence


class Line:
    """A connection: its client, and how long it waits for an answer."""

    def __init__(self, client: IMAPClient, limits: SocketTimeout) -> None:
        self.client = client
        self._limits = limits

    def wait_for_answers(self, seconds: float) -> None:
        """From now on the server may be silent for so long; then TimeoutError is raised."""
        self._limits.read = seconds  # the client sets it anew after each IDLE
        with suppress(OSError):  # it has ended, which the next command tells
            self.client.socket().settimeout(seconds)


@contextmanager
def opened(mailbox: Mailbox, token: Token, times: Times) -> Iterator[Line]:
    """Connected and signed in; left politely at the end. Raises Trouble."""
    limits = SocketTimeout(connect=times.connect, read=times.connect)
    client = _connected(mailbox, limits)
    line = Line(client, limits)
    try:
        with _words(mailbox):
            _protect(client, mailbox)
            _bound(client)
            line.wait_for_answers(times.sign_in)
            _sign_in(client, mailbox, token)
        line.wait_for_answers(times.answer)
        yield line
    finally:
        line.wait_for_answers(times.turn)
        _leave(client)


def select(client: IMAPClient, mailbox: Mailbox) -> Any:
    """Open the folder, and say what is in it now. Raises Trouble where there is none, or none that can be written."""
    try:
        return client.select_folder(mailbox.folder)
    except IMAPClientReadOnlyError:
        sentence = f"The folder {mailbox.folder} can only be read, but mails are to be moved out of it: give its user the right to."
        raise Trouble("refused", sentence) from None
    except IMAPClientAbortError:
        raise
    except IMAPClientError:
        sentence = f"There is no folder {mailbox.folder} in the mailbox: see mailbox.folder, or make the folder."
        raise Trouble("refused", sentence) from None


def _connected(mailbox: Mailbox, limits: SocketTimeout) -> IMAPClient:
    hush()
    within = mailbox.tls == "tls"
    with _words(mailbox):
        client = IMAPClient(
            mailbox.host, mailbox.port, ssl=within, ssl_context=_trust() if within else None, timeout=limits
        )
    client.normalise_times = False
    return client


def hush() -> None:
    """The library's log holds what servers say, and with it names of people and folders: nothing of it is kept."""
    logging.getLogger("imapclient").setLevel(logging.CRITICAL + 1)


def _trust() -> ssl.SSLContext:
    """Certificates that this machine trusts, of the name that we asked for. SSL_CERT_FILE names others."""
    return ssl.create_default_context()


def _protect(client: IMAPClient, mailbox: Mailbox) -> None:
    """Before anything is said that others must not hear."""
    if mailbox.tls == "starttls":
        client.starttls(_trust())
    elif mailbox.tls == "none" and not is_near(client.socket().getpeername()):
        sentence = "mailbox.tls is none, which is only for a server on this machine: set it to tls or starttls."
        raise Trouble("refused", sentence)


def is_near(peer: tuple[Any, ...]) -> bool:
    """Whether the other end of a connection is this machine. Asked of the connection itself: a name may mean another address each time."""
    address = ip_address(peer[0].partition("%")[0])
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return (mapped or address).is_loopback


def _bound(client: IMAPClient) -> None:
    """Nothing is read that is far longer than the longest thing we ask for: it would all be in memory at once."""
    unbound = client._imap.read  # noqa: SLF001 - it has no other place to say this

    def read(size: int) -> bytes:
        if size > _LONGEST_LITERAL:
            raise IMAPClientAbortError("more came than was asked for")
        return bytes(unbound(size))

    client._imap.read = read  # noqa: SLF001


def _sign_in(client: IMAPClient, mailbox: Mailbox, token: Token) -> None:
    if mailbox.oauth is not None:
        _by_token(client, mailbox, token)
    elif mailbox.password is not None:
        _by_password(client, mailbox.username, mailbox.password)
    else:
        raise Trouble("refused", "The mailbox has neither a password nor OAuth: set mailbox.password or mailbox.oauth.")


def _by_password(client: IMAPClient, username: str, password: str) -> None:
    try:
        if client.has_capability("AUTH=PLAIN"):  # takes every character, LOGIN does not (RFC 4616, RFC 3501 section 9)
            client.plain_login(username, password)
        elif (username + password).isascii() and (username + password).isprintable():
            client.login(_quoted(username), password)
        else:
            sentence = "The mail server takes no letters with accents in passwords and names: choose others there."
            raise Trouble("refused", sentence)
    except IMAPClientError as error:
        _let_through(error)
        sentence = (
            "The mail server does not take this user name and password: set mailbox.username and mailbox.password again "
            "(some servers want a password made for one application)."
        )
        raise Trouble("refused", sentence) from None


def _by_token(client: IMAPClient, mailbox: Mailbox, token: Token) -> None:
    """A token that is refused before its time is followed by one other."""
    if not client.has_capability("AUTH=XOAUTH2"):
        sentence = "The mail server takes no tokens (XOAUTH2): set mailbox.password instead of mailbox.oauth."
        raise Trouble("refused", sentence)
    given = _token(token, None)
    if not (_xoauth2(client, mailbox, given) or _xoauth2(client, mailbox, _token(token, given))):
        sentence = "The mail server does not take the token for this user: see mailbox.username, and mailbox.oauth with its scope."
        raise Trouble("refused", sentence)


def _xoauth2(client: IMAPClient, mailbox: Mailbox, token: str) -> bool:
    """https://developers.google.com/workspace/gmail/imap/xoauth2-protocol: whoever is asked anything more was refused, and says nothing."""
    words = f"user={mailbox.username}\1auth=Bearer {token}\1\1"
    try:
        client.sasl_login("XOAUTH2", lambda asked: b"" if asked else words)
    except IMAPClientError as error:
        _let_through(error)
        return False
    return True


def _token(token: Token, refused: str | None) -> str:
    try:
        return token(refused)
    except PeerError as error:
        kind: Literal["away", "refused"] = "refused" if error.kind == "rejected" else "away"
        raise Trouble(kind, f"There is no token for the mailbox: {error.detail}.") from None


def _let_through(error: IMAPClientError) -> None:
    """A connection that ended, or a server that can't say now, is no refusal (RFC 5530 section 3)."""
    if isinstance(error, IMAPClientAbortError) or isinstance(error.__context__, IMAPClientAbortError):
        raise IMAPClientAbortError("it ended while we signed in") from None
    if any(word in str(error).upper() for word in ("[UNAVAILABLE]", "[INUSE]", "[LIMIT]", "[SERVERBUG]")):
        raise Trouble("away", "The mail server can't let anybody in now; it is tried again by itself.") from None


def _quoted(word: str) -> str:
    """The client quotes passwords, and nothing else (RFC 3501 section 4.3)."""
    escaped = word.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


def _leave(client: IMAPClient) -> None:
    try:
        client.logout()
    except BROKEN:
        with suppress(*BROKEN):
            client.shutdown()


@contextmanager
def _words(mailbox: Mailbox) -> Iterator[None]:
    """What goes wrong on the way, said to the owner of the mailbox."""
    at = f"{mailbox.host}, port {mailbox.port}"
    fits = "see that mailbox.port and mailbox.tls fit (993 with tls, 143 with starttls)"
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        why = error.verify_message or "it is not trusted"
        sentence = (
            f"The certificate of {mailbox.host} is not good ({why}): see mailbox.host, or have its certificate mended."
        )
        raise Trouble("refused", sentence) from None
    except ssl.SSLError:
        raise Trouble("refused", f"The mail server at {at} can't be spoken to with TLS: {fits}.") from None
    except TimeoutError:
        raise Trouble("away", f"The mail server at {at} does not answer: see that it is up, and {fits}.") from None
    except socket.gaierror:
        raise Trouble("away", f"Nobody knows a server {mailbox.host}: see mailbox.host.") from None
    except UnicodeError:  # a name that can't be one
        raise Trouble("refused", f"{mailbox.host} can't be the name of a server: see mailbox.host.") from None
    except OSError as error:
        why = f" ({error.strerror})" if error.strerror else ""
        raise Trouble(
            "away", f"The mail server at {at} can't be reached{why}: see that it is up, and {fits}."
        ) from None
    except CapabilityError:
        raise Trouble(
            "refused", f"The mail server at {at} offers no STARTTLS: set mailbox.tls to tls, with port 993."
        ) from None
    except IMAPClientError:
        sentence = f"There is no talking to the mail server at {at}; it may be busy, or no mail server: {fits}."
        raise Trouble("away", sentence) from None
