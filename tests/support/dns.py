"""A real name server (Debian's dnsmasq) on a free port of 127.0.0.1, with TXT records: it may fall silent, and speak again."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self

from tests.support.peers import missing
from tests.support.serving import free_port, wait_for

LONGEST: Final = 255  # bytes of one string in a record (RFC 1035 section 3.3)


class NameServer:
    """`where` is for SMSHUB_DNS. What it does not know of `domains` does not exist; of others it says nothing of use (REFUSED)."""

    def __init__(
        self, records: Mapping[str, bytes], *, ttl_s: int = 0, domains: tuple[str, ...] = ("example",)
    ) -> None:
        program = shutil.which("dnsmasq", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")
        if program is None:
            missing("dnsmasq", "install dnsmasq-base")
        self.port = free_port()
        self.folder = Path(tempfile.mkdtemp(prefix="dns-"))
        config = self.folder / "dnsmasq.conf"
        config.write_text("".join(f"{line}\n" for line in self._lines(records, ttl_s, domains)), encoding="ascii")
        line = [program, "--keep-in-foreground", f"--conf-file={config}"]
        self.process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def __enter__(self) -> Self:
        wait_for(self._listens)
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder)

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

    def _lines(self, records: Mapping[str, bytes], ttl_s: int, domains: tuple[str, ...]) -> list[str]:
        here = ["listen-address=127.0.0.1", "bind-interfaces", f"port={self.port}", "pid-file=", "cache-size=0"]
        alone = ["no-resolv", "no-hosts", *(["user=root"] if os.getuid() == 0 else [])]
        known = [f"local=/{domain}/" for domain in domains]
        texts = [f"txt-record={name},{_strings(text)}" for name, text in records.items()]
        return [*here, *alone, f"local-ttl={ttl_s}", *known, *texts]


def _strings(text: bytes) -> str:
    pieces: list[Any] = [text[at : at + LONGEST].decode("ascii") for at in range(0, len(text), LONGEST)]
    return ",".join(f'"{piece}"' for piece in pieces)
