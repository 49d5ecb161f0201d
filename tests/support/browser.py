"""A browser without pictures: it keeps cookies, reads forms out of pages, fills them in and sends them as they say."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Final

from flask import Flask
from werkzeug.test import Client, TestResponse

SITE: Final = "https://sms.example"  # of tests.support.web.settings


@dataclass(slots=True)
class Form:
    """A form as its page has it: the fields with what they hold, and the buttons that have a name."""

    action: str
    method: str
    fields: dict[str, str] = field(default_factory=dict)


class Page(HTMLParser):
    """What there is on a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.text = text
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.ids: set[str] = set()
        self.words: list[str] = []
        self._select: str | None = None
        self._area: str | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        known = {name: value or "" for name, value in attrs}
        if "id" in known:
            self.ids.add(known["id"])
        if tag == "a":
            self.links.append(known.get("href", ""))
        if tag == "form":
            self.forms.append(Form(known.get("action", ""), known.get("method", "get")))
        elif self.forms and tag == "input" and "name" in known:
            if known.get("type") != "checkbox" or "checked" in known:
                self.forms[-1].fields[known["name"]] = known.get("value", "")
        elif self.forms and tag == "textarea":
            self._area = known["name"]
            self.forms[-1].fields[self._area] = ""
        elif self.forms and tag == "select":
            self._select = known["name"]
        elif self._select and tag == "option" and ("selected" in known or self._select not in self.forms[-1].fields):
            self.forms[-1].fields[self._select] = known["value"]

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = None
        if tag == "textarea":
            self._area = None

    def handle_data(self, data: str) -> None:
        if self._area:
            self.forms[-1].fields[self._area] += data.removeprefix("\n")  # the first line end after the tag is none
        elif data.strip():
            self.words.append(" ".join(data.split()))

    @property
    def said(self) -> str:
        """All words of the page in a line."""
        return " ".join(self.words)


class Browser:
    """One visitor. `page` is the page that is looked at, `answer` how the server answered last."""

    def __init__(self, app: Flask, language: str = "en", network: str = "203.0.113.7") -> None:
        self.client = Client(app)
        self.headers = {"Accept-Language": language}
        self.network = network
        self.path = "/"
        self.page = Page("")
        self.answer: TestResponse

    def open(self, path: str, *, follow: bool = True, **options: object) -> Page:
        """A page, on through redirects."""
        headers = self.headers | dict(options.pop("headers", None) or {})  # type: ignore[call-overload]
        self.answer = self.client.open(
            path,
            base_url=SITE,
            headers=headers,
            environ_base={"REMOTE_ADDR": self.network},
            **options,  # type: ignore[arg-type]
        )
        self.path = path.partition("?")[0]
        if follow and self.answer.status_code == 303:
            return self.open(self.answer.headers["Location"])
        self.page = Page(self.answer.text)
        return self.page

    def look(self, path: str) -> int:
        """How a page answers."""
        self.open(path, follow=False)
        return self.status

    def form(self, action: str | None = None) -> Form:
        """The form of this page that goes there; else the first that is the page's own."""
        frame = ("/console/sign-out", "/console/language")
        known = [one for one in self.page.forms if (one.action == action if action else one.action not in frame)]
        assert known, f"no form to {action or 'anywhere'} on {self.path}: {self.page.said}"
        return known[0]

    def send(
        self, action: str | None = None, also: Mapping[str, str] | None = None, *, follow: bool = True, **typed: str
    ) -> Page:
        """Fill in a form of this page, and send it. `also`: fields whose names are no words of Python."""
        form = self.form(action)
        filled = form.fields | dict(also or {}) | typed
        return self.open(form.action or self.path, follow=follow, method="POST", data=filled)

    def post(self, path: str, data: Mapping[str, str] | None = None) -> Page:
        """Send something that no page asked for."""
        return self.open(path, follow=False, method="POST", data=dict(data or {}))

    @property
    def status(self) -> int:
        return self.answer.status_code

    def cookie(self, name: str) -> str | None:
        """What this browser keeps under this name."""
        found = self.client.get_cookie(name, domain="sms.example")
        return found.value if found else None
