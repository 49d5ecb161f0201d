"""npm nodemailer, in a process of its own: mails that it writes and signs with DKIM in JavaScript (tests/peers/nodemailer/mailer.mjs)."""

import base64
import json
import shutil
import subprocess
from typing import Any, Final, Self

from tests.support.peers import missing
from tests.support.signing import Key
from tests.support.world import NOON
from tests.support.zapier_platform import PEERS

FOLDER: Final = PEERS / "nodemailer"


class Nodemailer:
    """`mailer(key, sender=..., to=..., subject=..., text=...)` is a signed mail of NOON; it has the other words of nodemailer too."""

    def __init__(self) -> None:
        node = shutil.which("node")
        if node is None:
            missing("node", "it is not installed here")
        if not (PEERS / "node_modules" / "nodemailer").is_dir():
            missing("nodemailer", "`make test` fetches it with npm")
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "encoding": "utf-8"}
        self.process = subprocess.Popen([node, "mailer.mjs"], cwd=FOLDER, **pipes)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self.process:
            self.process.kill()

    def __call__(self, key: Key | None = None, *, sender: str, at: int = NOON, **mail: Any) -> bytes:
        """A mail as it goes over the wire, signed with an RSA key where one is given."""
        asked: dict[str, Any] = {"from": sender, "at": at, **mail}
        if key is not None:
            asked["dkim"] = {"domainName": key.domain, "keySelector": key.selector, "privateKey": key.pem}
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{json.dumps(asked)}\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert "ok" in answer, answer
        return base64.b64decode(answer["ok"])
