"""A real name server (Debian's dnsmasq) on a free port of 127.0.0.1, with TXT records: it may fall silent, and speak again."""

import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from typing import Final, Self

from tests.support.peers import missing
from tests.support.serving import free_port, wait_for

ALONE: Final = (
    *("--keep-in-foreground", "--conf-file", "--pid-file", "--no-resolv", "--no-hosts", "--cache-size=0"),
    *("--listen-address=127.0.0.1", "--bind-interfaces"),
)
LONGEST: Final = 255  # bytes of one string in a record (RFC 1035 section 3.3)


class NameServer:
    """`where` is for SMSHUB_DNS. What it does not know of `domains` does not exist; of others it says nothing of use (REFUSED)."""

    def __init__(
        self, records: Mapping[str, bytes], *, ttl_s: int = 0, domains: Sequence[str] = ("example",), port: int = 0
    ) -> None:
        program = shutil.which("dnsmasq", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
        if program is None:
            missing("dnsmasq", "install dnsmasq-base")
        self.port = port or free_port()
        # All of it in arguments: a line of a file has room for half a key.
        known = [f"--local=/{domain}/" for domain in domains]
        texts = [f"--txt-record={name},{_strings(text)}" for name, text in records.items()]
        line = [program, *ALONE, f"--port={self.port}", f"--local-ttl={ttl_s}", *known, *texts]
        if os.getuid() == 0:
            line.append("--user=root")
        self.process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self) -> Self:
        wait_for(self._listens)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()

    @property
    def where(self) -> str:
        return f"127.0.0.1:{self.port}"

    def falls_silent(self) -> None:
        """From now on questions get no answer, as from a server that hangs."""
        self.process.send_signal(signal.SIGSTOP)

    def speaks_again(self) -> None:
        self.process.send_signal(signal.SIGCONT)

    def _listens(self) -> bool:
        if self.process.poll() is not None:
            missing("dnsmasq", f"it ended with {self.process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", self.port), 1).close()
        except OSError:
            return False
        return True


def _strings(text: bytes) -> str:
    assert b"," not in text  # it parts one string from the next
    return ",".join(text[at : at + LONGEST].decode("ascii") for at in range(0, len(text), LONGEST))
