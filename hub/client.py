"""The REST API as the command line uses it: one client, by HTTP to a hub elsewhere, or by WSGI to the application in this process.

There is no second implementation: what the API refuses, the command line refuses with the same words.
"""

import json
import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry
from werkzeug.datastructures import FileStorage
from werkzeug.test import Client as WsgiClient

from core import Caller, Fault, PeerError, Refused, accounts
from hub.api.entry import PREFIX
from hub.wiring import Extras, Hub, web

TIMEOUT_S: Final = 60
PAGE: Final = 200
SOURCE: Final = "cli"


@dataclass(frozen=True, slots=True)
class Request:
    """One request. `form` are the fields that go along with `file`; `key` is its Idempotency-Key."""

    method: str
    path: str
    body: Any = None
    form: Mapping[str, str] = field(default_factory=dict)
    file: Path | None = None
    key: str | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    status: int
    body: bytes


Send = Callable[[Request], Answer]


@dataclass(frozen=True, slots=True)
class Client:
    """Asks a hub. `where` is what a person would call it."""

    send: Send
    where: str

    def get(self, path: str) -> Any:
        """The JSON of an answer. Raises Refused with the API's own words, or PeerError."""
        return _read(self.send(Request("GET", path)), self.where)

    def every(self, path: str) -> Iterator[Any]:
        """The items of a list, page by page."""
        page = self.get(f"{path}?limit={PAGE}")
        yield from page["items"]
        while cursor := page["next_cursor"]:
            page = self.get(f"{path}?limit={PAGE}&cursor={quote(cursor)}")
            yield from page["items"]

    def post(self, path: str, body: Any) -> Any:
        """The same, with an Idempotency-Key of its own: a repeat does nothing twice."""
        return _read(self.send(Request("POST", path, body=body, key=secrets.token_hex(16))), self.where)

    def post_once(self, path: str, body: Any) -> Any:
        """The same for what no key makes safe to repeat: an answer that holds a secret is not kept."""
        return _read(self.send(Request("POST", path, body=body)), self.where)

    def delete(self, path: str) -> Any:
        """The JSON of the answer, as `get` gives it."""
        return _read(self.send(Request("DELETE", path)), self.where)

    def upload(self, path: str, file: Path, form: Mapping[str, str]) -> Any:
        """A file, as a form."""
        return _read(self.send(Request("POST", path, form=form, file=file)), self.where)


def remote(url: str, api_key: str) -> Client:
    """A hub elsewhere. A request that is safe to repeat (GET, or under a key) is, when the connection breaks."""
    base = url.rstrip("/")
    session, once = _session(api_key), _session(api_key)
    session.mount(base, HTTPAdapter(max_retries=Retry(3, status=0, allowed_methods=None, backoff_factor=0.2)))

    def send(asked: Request) -> Answer:
        using = session if asked.method == "GET" or asked.key else once
        try:
            return _sent(using, base, asked)
        except (requests.ConnectionError, requests.Timeout) as error:
            raise PeerError(
                "unavailable", f"no hub answers at {base} ({type(error).__name__}): is SMSHUB_URL right?"
            ) from None
        except requests.RequestException as error:
            raise PeerError("unavailable", f"SMSHUB_URL can't be used: {base} ({type(error).__name__})") from None

    return Client(send, base)


def _session(api_key: str) -> requests.Session:
    """With the key as its authentication, not as a header: a .netrc would replace that."""

    def bearer(prepared: requests.PreparedRequest) -> requests.PreparedRequest:
        prepared.headers["Authorization"] = f"Bearer {api_key}"
        return prepared

    made = requests.Session()
    made.auth = bearer
    return made


def _sent(session: requests.Session, base: str, asked: Request) -> Answer:
    headers = {"Idempotency-Key": asked.key} if asked.key else {}
    options: dict[str, Any] = {"headers": headers, "timeout": TIMEOUT_S, "allow_redirects": False}
    if asked.file is None:
        found = session.request(asked.method, f"{base}{PREFIX}{asked.path}", json=asked.body, **options)
        return Answer(found.status_code, found.content)
    with asked.file.open("rb") as stream:
        files = {"file": (asked.file.name, stream)}
        found = session.request(asked.method, f"{base}{PREFIX}{asked.path}", data=asked.form, files=files, **options)
    return Answer(found.status_code, found.content)


def local(hub: Hub, account_id: str) -> Client:
    """The hub in this process, as the whole of one account. The secret that says so lives as long as the client."""
    secret = secrets.token_urlsafe(32)
    caller = Caller(account_id, frozenset(accounts.SCOPES), SOURCE, SOURCE)

    def identify(given: str) -> Caller | None:
        return caller if secrets.compare_digest(given, secret) else None

    return _in_process(hub, secret, Extras(identify=(identify,)))


def local_by_key(hub: Hub, api_key: str) -> Client:
    """The hub in this process, as whoever this key is of."""
    return _in_process(hub, api_key, Extras())


def _in_process(hub: Hub, secret: str, extras: Extras) -> Client:
    wsgi = WsgiClient(web(hub, extras))

    def send(asked: Request) -> Answer:
        headers = {"Authorization": f"Bearer {secret}"} | ({"Idempotency-Key": asked.key} if asked.key else {})
        if asked.file is None:
            sent = {"json": asked.body} if asked.body is not None else {}
            found = wsgi.open(f"{PREFIX}{asked.path}", method=asked.method, headers=headers, **sent)
            return Answer(found.status_code, found.get_data())
        with asked.file.open("rb") as stream:
            form = {**asked.form, "file": FileStorage(stream, filename=asked.file.name)}
            found = wsgi.open(f"{PREFIX}{asked.path}", method=asked.method, headers=headers, data=form)
            return Answer(found.status_code, found.get_data())

    return Client(send, str(hub.settings.data))


def _read(answer: Answer, where: str) -> Any:
    try:
        found = json.loads(answer.body)
    except ValueError:
        raise PeerError("rejected", f"{where} answers {answer.status} without JSON: is it a smshub?") from None
    if answer.status < 400:
        return found
    if not isinstance(found, dict) or "code" not in found:
        raise PeerError("rejected", f"{where} answers {answer.status}: is it a smshub?")
    faults = tuple(Fault(each["pointer"], each["message"]) for each in found.get("errors", ()))
    raise Refused(found["code"], found.get("detail", ""), faults)
