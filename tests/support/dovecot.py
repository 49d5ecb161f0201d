"""A real IMAP and LMTP server (Debian's Dovecot 2.3) in a folder of its own, on 127.0.0.1: as root or not, restarted, killed and frozen.

One mailbox takes whatever is delivered: `sms`, with its folders Processed and Rejected.
"""

import contextlib
import grp
import imaplib
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, Final, Self

from imapclient import IMAPClient

from tests.support.peers import missing
from tests.support.serving import free_port, wait_for

USER, PASSWORD = "sms", "secret"
PATIENCE_S: Final = 30
HEARTBEAT_S: Final = 2

# Blocks stand on lines of their own: this version takes no other form.
_CONFIG: Final = """
base_dir = {home}/run
state_dir = {home}/state
log_path = {home}/log
protocols = imap lmtp
listen = 127.0.0.1
disable_plaintext_auth = no
auth_mechanisms = plain login {mechanisms}
auth_failure_delay = 0
default_internal_user = {user}
default_internal_group = {group}
default_login_user = {user}
mail_location = maildir:{home}/mail/sms
mail_max_userip_connections = 500
recipient_delimiter = +
lmtp_save_to_detail_mailbox = no
imap_idle_notify_interval = {heartbeat} s
verbose_proctitle = yes
first_valid_uid = 0
first_valid_gid = 0
{passdb}
userdb {{
  driver = static
  args = uid={uid} gid={gid} allow_all_users=yes home={home}/mail/sms
}}
namespace inbox {{
  inbox = yes
  separator = {separator}
  prefix = {prefix}
{folders}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {port}
  }}
  inet_listener imaps {{
    port = {tls_port}
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
{ssl}
{more}
"""
_PASSWORDS: Final = """passdb {{
  driver = passwd-file
  args = scheme=PLAIN username_format=%u {home}/users
}}"""
_FOLDER: Final = """  mailbox {name} {{
    auto = create
  }}"""


_TOKENS: Final = """passdb {{
  driver = passwd-file
  mechanisms = plain login
  args = scheme=PLAIN username_format=%u {home}/users
}}
passdb {{
  driver = oauth2
  mechanisms = xoauth2
  args = {home}/tokens
}}"""


@dataclass(frozen=True, slots=True)
class Shape:
    """What differs from server to server. capability: what it says that it can (None: all that it can).

    passdb: how people sign in, instead of by password. certificate: a PEM file with key and certificate, for TLS.
    """

    separator: str = "/"
    prefix: str = ""
    folders: Sequence[str] = ("Processed", "Rejected")
    capability: str | None = None
    mechanisms: str = ""
    passdb: str = _PASSWORDS
    certificate: Path | None = None
    heartbeat_s: int = HEARTBEAT_S
    more: str = ""
    files: Mapping[str, str] = field(default_factory=dict)  # further ones that the configuration names, by their names


def taking_tokens_of(base: str) -> Shape:
    """It asks an issuer whether a token is good (RFC 7662), and takes the client of the token for the user (`tests/peers/issuer.mjs`)."""
    address = base.replace("://", "://mails:asks@")
    lines = [
        "introspection_mode = post",
        f"introspection_url = {address}/token/introspection",
        "username_attribute = client_id",
        "active_attribute = active",
        "active_value = true",
    ]
    return Shape(mechanisms="xoauth2", passdb=_TOKENS, files={"tokens": "\n".join(lines)})


class Dovecot:
    """The server. `port` speaks IMAP (with STARTTLS where there is a certificate), `tls_port` IMAP within TLS; both last its restarts."""

    def __init__(self, shape: Shape | None = None) -> None:
        self.shape = shape or Shape()
        self.program = shutil.which("dovecot", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
        if self.program is None:
            missing("dovecot", "install dovecot-imapd and dovecot-lmtpd")
        self.home = Path(tempfile.mkdtemp(prefix="dc-"))  # short: a socket's path has 107 bytes at most
        self.port, self.tls_port = free_port(), free_port() if self.shape.certificate else 0
        self.process: subprocess.Popen[bytes] | None = None
        self._write()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    # The server

    def start(self) -> None:
        """Start it, and wait until it greets."""
        line = [str(self.program), "-F", "-c", str(self.home / "conf")]
        with (self.home / "out").open("ab") as out:
            self.process = subprocess.Popen(
                line, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )
        ends = time.monotonic() + PATIENCE_S
        while not self._greets():
            if self.process.poll() is not None or time.monotonic() > ends:
                raise AssertionError(self.told())
            time.sleep(0.01)

    def stop(self) -> None:
        """End all of it: its children would hold their connections open."""
        if self.process is None:
            return
        for how in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGCONT)
                os.killpg(self.process.pid, how)
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(5)
        wait_for(lambda: not self._family(), PATIENCE_S)
        (self.home / "run" / "master.pid").unlink(missing_ok=True)
        self.process = None

    def kill_imap(self, at: bytes = b" IDLE]") -> None:
        """Every session that waits ends as if its process had crashed, once there is one. at: how its title ends, then.

        One that is killed in the middle of a command leaves locks behind.
        """
        for pid in self._waiting(at):
            os.kill(pid, signal.SIGKILL)

    def freeze_imap(self) -> list[int]:
        """Every session that waits hangs, once there is one, and says nothing; new ones are served. `thaw` takes what this gives.

        One that is about to sign in or to end would hold up those that come after it.
        """
        frozen = self._waiting(b" IDLE]")
        for pid in frozen:
            os.kill(pid, signal.SIGSTOP)
        return frozen

    def thaw(self, frozen: Sequence[int]) -> None:
        for pid in frozen:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)

    def sessions(self) -> list[int]:
        """The processes of sessions that have signed in."""
        return [pid for pid, name in self._family() if name == "imap"]

    def _waiting(self, at: bytes) -> list[int]:
        found: list[int] = wait_for(lambda: [one for one in self.sessions() if at in _title(one)], PATIENCE_S)
        return found

    def forget_uids(self) -> None:
        """Its index files are lost: every UID and UIDVALIDITY is new."""
        for path in (self.home / "mail").rglob("dovecot*"):
            path.unlink()

    def files(self) -> list[Path]:
        """The files of all mails."""
        return [path for path in (self.home / "mail").rglob("*/*") if path.parent.name in {"new", "cur"}]

    def told(self, most: int = 4000) -> str:
        """The end of its log."""
        files = [self.home / "out", self.home / "log"]
        return "\n".join(path.read_text(errors="replace") for path in files if path.exists())[-most:]

    # Mails

    def deliver(self, raw: bytes, *recipients: str, sender: str = "ann@example.com") -> list[str]:
        """Deliver by LMTP: to one recipient with its own Delivered-To on top, to several at once without. One answer for each."""
        lines = raw.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
        stuffed = b"\r\n".join(b"." + line if line.startswith(b".") else line for line in lines.split(b"\r\n"))
        with self._lmtp() as (wire, answers):
            _say(wire, answers, b"LHLO tests.example\r\n")
            _say(wire, answers, f"MAIL FROM:<{sender}>\r\n".encode())
            for one in recipients or ("sms@sms.test",):
                _say(wire, answers, f"RCPT TO:<{one}>\r\n".encode())
            _say(wire, answers, b"DATA\r\n", b"354")
            wire.sendall(stuffed + (b"" if stuffed.endswith(b"\r\n") else b"\r\n") + b".\r\n")
            said = [_answer(answers) for _ in recipients or ("",)]
            wire.sendall(b"QUIT\r\n")
        return [line.decode() for line in said]

    def append(self, *raws: bytes, folder: str = "INBOX", at: Any = None) -> None:
        """Put mails into a folder by APPEND, as a mail program does. at: their INTERNALDATE."""
        with self.client() as client:
            for raw in raws:
                client.append(folder, raw, msg_time=at)

    def mails(self, folder: str = "INBOX") -> list[bytes]:
        """The mails of a folder, oldest first."""
        return [item[b"BODY[]"] for _, item in sorted(self._fetched(folder, "BODY.PEEK[]").items())]

    def flags(self, folder: str = "INBOX") -> list[tuple[bytes, ...]]:
        """The flags of the mails of a folder, but for the one (Recent) that is the server's own."""
        found = sorted(self._fetched(folder, "FLAGS").items())
        return [tuple(flag for flag in item[b"FLAGS"] if flag != rb"\Recent") for _, item in found]

    def count(self, folder: str = "INBOX") -> int:
        with self.client() as client:
            return int(client.folder_status(folder, ["MESSAGES"])[b"MESSAGES"])

    def folders(self) -> list[str]:
        with self.client() as client:
            return sorted(name for _flags, _delimiter, name in client.list_folders())

    @contextlib.contextmanager
    def client(self) -> Iterator[IMAPClient]:
        """Signed in, as a mail program would be: with the password, so not where tokens are asked for."""
        with IMAPClient("127.0.0.1", self.port, ssl=False, timeout=PATIENCE_S) as client:
            client.login(USER, PASSWORD)
            yield client

    # Within

    def _fetched(self, folder: str, what: str) -> Mapping[int, Any]:
        with self.client() as client:
            client.select_folder(folder, readonly=True)
            found: Mapping[int, Any] = client.fetch(client.search("ALL"), [what])
            return found

    @contextlib.contextmanager
    def _lmtp(self) -> Iterator[tuple[socket.socket, IO[bytes]]]:
        with socket.socket(socket.AF_UNIX) as wire:
            wire.settimeout(PATIENCE_S)
            wire.connect(str(self.home / "run" / "lmtp"))
            with wire.makefile("rb") as answers:
                _answer(answers)
                yield wire, answers

    def _greets(self) -> bool:
        try:
            imaplib.IMAP4("127.0.0.1", self.port, timeout=PATIENCE_S).shutdown()
        except (OSError, imaplib.IMAP4.error):
            return False
        return (self.home / "run" / "lmtp").exists()

    def _family(self) -> list[tuple[int, str]]:
        """The processes of its session that are alive, and their names."""
        assert self.process is not None
        found = []
        for path in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                before, _, after = path.read_text(errors="replace").rpartition(")")
                state, _parent, _group, session, *_ = after.split()
                if int(session) == self.process.pid and state != "Z":
                    found.append((int(before.split()[0]), before.partition("(")[2]))
        return found

    def _write(self) -> None:
        (self.home / "mail").mkdir()
        (self.home / "users").write_text(f"{USER}:{{PLAIN}}{PASSWORD}::::::\n")
        for name, text in self.shape.files.items():
            (self.home / name).write_text(text)
        (self.home / "conf").write_text(self._config())
        if not os.geteuid():  # its processes are nobody's, and the folder is root's
            self.home.chmod(0o755)
            os.chown(self.home / "mail", pwd.getpwnam("nobody").pw_uid, -1)

    def _config(self) -> str:
        shape = self.shape
        owner = pwd.getpwnam("nobody") if not os.geteuid() else pwd.getpwuid(os.geteuid())
        who = {
            "uid": owner.pw_uid,
            "gid": owner.pw_gid,
            "user": owner.pw_name,
            "group": grp.getgrgid(owner.pw_gid).gr_name,
        }
        tls = f"ssl = yes\nssl_cert = <{shape.certificate}\nssl_key = <{shape.certificate}"
        can = f"protocol imap {{\n  imap_capability = {shape.capability}\n}}" if shape.capability else ""
        return _CONFIG.format(
            home=self.home,
            port=self.port,
            tls_port=self.tls_port,
            mechanisms=shape.mechanisms,
            heartbeat=shape.heartbeat_s,
            separator=shape.separator,
            prefix=shape.prefix,
            folders="\n".join(_FOLDER.format(name=name) for name in shape.folders),
            passdb=shape.passdb.format(home=self.home),
            ssl=tls if shape.certificate else "ssl = no",
            more="\n".join((shape.more.format(home=self.home), can)),
            **who,
        )


def _title(pid: int) -> bytes:
    """What a process says that it does; nothing where it has just ended."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def _say(wire: socket.socket, answers: IO[bytes], line: bytes, wanted: bytes = b"250") -> None:
    wire.sendall(line)
    said = _answer(answers)
    assert said.startswith(wanted), said


def _answer(answers: IO[bytes]) -> bytes:
    """The last line of an answer (RFC 5321 section 4.2.1)."""
    line = answers.readline()
    while line[3:4] == b"-":
        line = answers.readline()
    return line.rstrip()


@contextlib.contextmanager
def dovecot(shape: Shape | None = None) -> Iterator[Dovecot]:
    """A server for the length of a `with`."""
    with Dovecot(shape) as server:
        yield server
