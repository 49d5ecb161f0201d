"""npm openid-client, in a process of its own: tests/peers/openid_client/client.mjs."""

import json
import shutil
import subprocess
from typing import Any, Final, Self

from tests.support.peers import missing
from tests.support.zapier_platform import PEERS

FOLDER: Final = PEERS / "openid_client"


class ClientError(Exception):
    """What the client raised: `name` is its own (ResponseBodyError, AuthorizationResponseError), `error` the word of OAuth."""

    def __init__(self, name: str, message: str, error: str | None = None, **_more: Any) -> None:
        super().__init__(f"{name}: {message}")
        self.name, self.error = name, error


class OpenidClient:
    """`client("refresh", token=...)` is what the client does, and gives."""

    def __init__(self) -> None:
        node = shutil.which("node")
        if node is None:
            missing("node", "it is not installed here")
        if not (PEERS / "node_modules" / "openid-client").is_dir():
            missing("openid-client", "`make test` fetches it with npm")
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "encoding": "utf-8"}
        self.process = subprocess.Popen([node, "client.mjs"], cwd=FOLDER, **pipes)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self.process:
            self.process.kill()

    def __call__(self, command: str, **given: Any) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{json.dumps({'do': command, **given})}\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "err" in answer:
            raise ClientError(**answer["err"])
        return answer["ok"]
