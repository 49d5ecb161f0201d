"""npm oidc-provider as the server that issues a third party's tokens: tests/peers/issuer.mjs, and a person who consents there."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urljoin, urlsplit

import requests

from connectors.contract import Issuer
from tests.support.peers import missing

FOLDER: Final = Path(__file__).parents[1] / "peers"
BACK: Final = "https://hub.example.com/back"
PATIENCE_S: Final = 60


@dataclass(frozen=True, slots=True)
class Provider:
    """A running provider. `process` says a line for each grant."""

    base: str
    process: subprocess.Popen[str]

    @property
    def issuer(self) -> Issuer:
        return Issuer(f"{self.base}/token", "smshub", "a secret: of ours & theirs", scope="send")

    def code(self) -> dict[str, str]:
        """A person signs in and consents, on the provider's own pages; what the code that came of it is exchanged with."""
        with requests.Session() as browser:
            asked = {
                "client_id": "smshub",
                "response_type": "code",
                "redirect_uri": BACK,
                "scope": "openid offline_access send",
            }
            at = f"{self.base}/auth?{requests.compat.urlencode(asked | {'prompt': 'consent'})}"
            for form in ({"prompt": "login", "login": "zoé", "password": "x"}, {"prompt": "consent"}):
                page = browser.get(at, timeout=PATIENCE_S)
                action = re.search(r'action="([^"]+)"', page.text)
                assert action, page.text
                at = self._onward(
                    browser, browser.post(urljoin(page.url, action[1]), form, allow_redirects=False, timeout=PATIENCE_S)
                )
        return {
            "grant_type": "authorization_code",
            "code": parse_qs(urlsplit(at).query)["code"][0],
            "redirect_uri": BACK,
        }

    def _onward(self, browser: requests.Session, answer: requests.Response) -> str:
        """Where one is sent in the end: to a page with a form, or back to us."""
        at = urljoin(answer.url, answer.headers["location"])
        while at.startswith(f"{self.base}/auth/"):
            at = urljoin(at, browser.get(at, allow_redirects=False, timeout=PATIENCE_S).headers["location"])
        return at

    def told(self) -> list[dict[str, Any]]:
        """The provider ends; every grant that it was asked for."""
        out, _ = self.process.communicate(timeout=PATIENCE_S)
        return [json.loads(line) for line in out.splitlines() if line.startswith("{")]  # the rest are its remarks


@contextmanager
def provider() -> Iterator[Provider]:
    """A provider for the length of a `with`."""
    node = shutil.which("node")
    if node is None:
        missing("node", "it is not installed here")
    if not (FOLDER / "node_modules" / "oidc-provider").is_dir():
        missing("oidc-provider", "`make test` fetches it with npm")
    pipes: dict[str, Any] = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    with subprocess.Popen([node, "issuer.mjs"], cwd=FOLDER, text=True, **pipes) as process:
        assert process.stdout is not None
        said = process.stdout.readline()
        assert said, process.communicate()[1]
        try:
            yield Provider(json.loads(said)["base"], process)
        finally:
            process.kill()
