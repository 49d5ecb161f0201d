"""The part of Zapier that is not in its runtime: it keeps tokens, refreshes them when the runtime asks for it and tries again, and
fills in what people chose. The runtime itself is the real one (zapier-platform-core), behind tests/peers/zapier/bridge.js.
"""

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final, Self
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

from tests.support.browser import Page
from tests.support.peers import missing

PEERS: Final = Path(__file__).parents[1] / "peers"
RETURN: Final = "https://zapier.com/dashboard/auth/oauth/return/App1CLIAPI/"
VERIFIER: Final = "a-verifier-of-at-least-43-characters-that-nobody-knows"
CHALLENGE: Final = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
STATE: Final = "a state of 43 characters that nobody guesses"


class ZapError(Exception):
    """What the runtime raised: `name` is HaltedError, ThrottledError and so on; `words` what a person reads."""

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name, self.words = name, message.partition("\nWhat happened:")[0]  # the rest is for developers

    @property
    def detail(self) -> Any:
        """What some errors tell as JSON: the delay of a ThrottledError, the status of an AppError."""
        return json.loads(self.words)


def halted(call: Callable[..., Any], *arguments: Any, **given: Any) -> str:
    """What a person reads where a run stops softly: it is held back, and the Zap stays on."""
    with pytest.raises(ZapError) as raised:
        call(*arguments, **given)
    assert raised.value.name == "HaltedError", raised.value
    return raised.value.words


class Runtime:
    """The real runtime with a definition, in a process of its own."""

    def __init__(self, definition: Path, client: Mapping[str, str]) -> None:
        self.client = dict(client)
        node = shutil.which("node")
        if node is None:
            missing("node", "it is not installed here")
        if not (PEERS / "node_modules" / "zapier-platform-core").is_dir():
            missing("zapier-platform-core", "`make test` fetches it with npm")
        known = {"CLIENT_ID": client["client_id"], "CLIENT_SECRET": client.get("client_secret", ""), "NODE_ENV": "test"}
        line = [node, str(PEERS / "zapier" / "bridge.js"), str(definition)]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True, "encoding": "utf-8"}
        self.process = subprocess.Popen(line, env={"PATH": os.environ["PATH"], **known}, **pipes)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self.process:
            self.process.kill()

    def __call__(self, method: str, bundle: Mapping[str, Any], command: str = "execute") -> Any:
        """What a method of the definition gives. Raises ZapError."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(f"{json.dumps({'method': method, 'bundle': bundle, 'command': command})}\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        if "err" in answer:
            raise ZapError(**answer["err"])
        return answer["ok"]


class Person:
    """Somebody with a browser, on the pages of a running hub."""

    def __init__(self, base: str, address: str, password: str) -> None:
        self.base, self.address, self.password = base, address, password
        self.session = requests.Session()
        self.session.headers["Accept-Language"] = "en"

    def allows(self, url: str) -> str:
        """Sign in if the hub wants it, consent, and be sent back: the address that the browser is led to."""
        page = self.session.get(url, timeout=60)
        if "/console/sign-in" in page.url:
            page = self._sent(page, email=self.address, password=self.password)
        assert page.status_code == 200, page.text
        return self._sent(page, follow=False, decision="allow").headers["Location"]

    def refused(self, url: str) -> str:
        """The same where there is nothing to consent to."""
        self._sent(self.session.get(url, timeout=60), follow=False, email=self.address, password=self.password)
        return self.session.get(url, allow_redirects=False, timeout=60).headers["Location"]

    def _sent(self, page: requests.Response, *, follow: bool = True, **typed: str) -> requests.Response:
        frame = ("/console/sign-out", "/console/language")
        form = next(one for one in Page(page.text).forms if one.action not in frame)
        to = f"{self.base}{form.action}" if form.action else page.url
        return self.session.post(to, data=form.fields | typed, timeout=60, allow_redirects=follow)


class Connection:
    """An account that somebody connected: its tokens, and what Zaps do with it."""

    def __init__(self, runtime: Runtime, definition: Mapping[str, Any], auth: dict[str, str]) -> None:
        self.runtime, self.definition, self.auth = runtime, definition, auth
        self.refreshed = 0

    @classmethod
    def made(cls, runtime: Runtime, definition: Mapping[str, Any], person: Person) -> "Connection":
        """Connect, as the editor does: to the consent, back with a code, and to tokens."""
        asked = {"state": STATE, "redirect_uri": RETURN}
        url = runtime("authentication.oauth2Config.authorizeUrl", {"inputData": asked})
        scope = definition["authentication"]["oauth2Config"]["scope"]
        added = {"scope": scope, "code_challenge": CHALLENGE, "code_challenge_method": "S256"}
        back = person.allows(f"{url}&{urlencode(added)}")
        assert back.startswith(RETURN)
        told = {name: values[0] for name, values in parse_qs(urlsplit(back).query).items()}
        assert told["state"] == STATE
        given = asked | {"code": told["code"], "code_verifier": VERIFIER}
        return cls(runtime, definition, runtime("authentication.oauth2Config.getAccessToken", {"inputData": given}))

    @property
    def label(self) -> str:
        """What people see of the account in the list of connections."""
        tested = self.run("authentication.test")
        template = str(self.definition["authentication"]["connectionLabel"])
        return re.sub(r"\{\{(\w+)\}\}", lambda found: str(tested[found[1]]), template)

    def run(self, method: str, **bundle: Any) -> Any:
        """A method with the tokens; once more with fresh ones, where the runtime says that they are stale."""
        try:
            return self.runtime(method, {"authData": self.auth, **bundle})
        except ZapError as error:
            if error.name != "RefreshAuthError":
                raise
        self.auth |= self.runtime("authentication.oauth2Config.refreshAccessToken", {"authData": self.auth})
        self.refreshed += 1
        return self.runtime(method, {"authData": self.auth, **bundle})

    def act(self, key: str, **given: Any) -> Any:
        return self.run(f"creates.{key}.operation.perform", inputData=given)

    def find(self, key: str, **given: Any) -> Any:
        return self.run(f"searches.{key}.operation.perform", inputData=given)

    def find_or_create(self, key: str, found: Mapping[str, Any], given: Mapping[str, Any]) -> Any:
        """The search; what is found is updated where the definition says so, what is not is created."""
        both = self.definition["searchOrCreates"][key]
        match = self.find(both["search"], **found)
        if not match:
            return self.act(both["create"], **given)
        handed = {to: match[0][out] for to, out in both["updateInputFromSearchOutput"].items()}
        return self.act(both["update"], **given, **handed)

    def offered(self, key: str, page: int = 0) -> Any:
        return self.run(f"triggers.{key}.operation.perform", meta={"page": page})

    def listed(self, key: str, **given: Any) -> Any:
        """What the editor tests a trigger with."""
        return self.run(f"triggers.{key}.operation.performList", inputData=given)

    def subscribe(self, key: str, url: str, **given: Any) -> Any:
        """Switch a Zap on; what is kept of it."""
        return self.run(f"triggers.{key}.operation.performSubscribe", targetUrl=url, inputData=given)

    def unsubscribe(self, key: str, kept: Any) -> Any:
        return self.run(f"triggers.{key}.operation.performUnsubscribe", subscribeData=kept)

    def received(self, key: str, posted: Any) -> Any:
        """The items of what was posted to a Zap's address."""
        return self.run(f"triggers.{key}.operation.perform", cleanedRequest=posted)
