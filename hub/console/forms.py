"""Forms: the token that shows that a form came from one of our pages, and fields with what is wrong with them.

A token is bound to the session or, before there is one, to a cookie of the visit: another site can read neither, so it can make no
browser send a form that we would take (CSRF). It is checked where every POST comes in, in `hub.console.routes`.
"""

import hashlib
import hmac
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeVar

from flask import Response, g, request

from core import Refused
from hub.console import language
from hub.console.house import SESSION, VISIT, house
from hub.people import sessions

T = TypeVar("T")
TOKEN: Final = "token"  # noqa: S105 - the name of the field
LONGEST: Final = 1000  # characters of a field; more is no name and no password


def token() -> str:
    """The token of the page that is drawn now."""
    return _tokens(_bound() or _new_visit())[0]


def check() -> None:
    """Refuse (`expired_form`) a form that does not come from a page of this visitor's."""
    bound, given = _bound(), request.form.get(TOKEN, "")
    if bound is None or not any(hmac.compare_digest(one.encode(), given.encode()) for one in _tokens(bound)):
        raise Refused("expired_form", "This form has expired: load its page again.")


def keep_visit(response: Response) -> None:
    """Give the browser the cookie that the token of this page is bound to, if it is new."""
    if visit := g.get("visit"):
        house().keep(response, VISIT, visit)


def sent() -> Mapping[str, str]:
    """The whole form that came with this request, less what no keyboard types and no database takes (NUL)."""
    return {name: value.replace("\0", "") for name, value in request.form.items() if name != TOKEN}


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with a field: a key of the words, and what stands for their {names}."""

    key: str
    values: Mapping[str, object]


@dataclass(slots=True)
class Fields:
    """What was typed into a form, and what is wrong with it by the name of the field, in the order of finding."""

    typed: Mapping[str, str]
    faults: dict[str, Wrong] = field(default_factory=dict)

    @classmethod
    def sent(cls) -> "Fields":
        """The form that came with this request, each of its fields only so long."""
        return cls({name: value[:LONGEST] for name, value in sent().items()})

    @classmethod
    def empty(cls, **typed: str) -> "Fields":
        """A form that nobody has filled in yet, but for these."""
        return cls(typed)

    def __getitem__(self, name: str) -> str:
        """What was typed, less the blanks around it; "" where nothing was."""
        return self.typed.get(name, "").strip()

    def exactly(self, name: str) -> str:
        """A password as it was typed."""
        return self.typed.get(name, "")

    def wrong(self, name: str, key: str, **values: object) -> None:
        """Say what is wrong with a field; only the first is told."""
        self.faults.setdefault(name, Wrong(key, values))

    def granted(self, name: str, work: Callable[[], T]) -> T | None:
        """What the work gives. None where it is refused for a reason that the words know (`fault.<code>`): that is this field's fault."""
        try:
            return work()
        except Refused as refusal:
            said = language.current()
            if f"fault.{refusal.code}" not in language.words(said):
                raise
            facts = dict(refusal.facts)
            wait = facts.pop("wait_ms", None)
            told = {"wait": language.duration(said, wait)} if isinstance(wait, int) else {}
            self.wrong(name, f"fault.{refusal.code}", **told, **facts)
            return None

    def need(self, *names: str) -> None:
        """Fields that may not be empty."""
        for name in names:
            if not self[name]:
                self.wrong(name, f"fault.{name}.empty")

    @property
    def right(self) -> bool:
        return not self.faults


def _bound() -> str | None:
    """What the token is bound to: the session's cookie, however old, else the visit's."""
    names = (SESSION, VISIT)
    return next((found for name in names if (found := request.cookies.get(house().cookie(name)))), g.get("visit"))


def _new_visit() -> str:
    g.visit = sessions.new_secret(house().runtime)
    return str(g.visit)


def _tokens(bound: str) -> list[str]:
    return [hmac.new(key, bound.encode(), hashlib.sha256).hexdigest() for key in house().form_keys]
