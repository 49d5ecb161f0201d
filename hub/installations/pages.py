"""/console/connectors: what there is to install, the settings of what is installed as a form, how it is, and the tokens that it handed out.

What is done here is done by the operations of REST, in the name of whoever is signed in: with the same checks, and in the same audit trail.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import Any, Final, TypeVar

import structlog
from flask import Response, request

from connectors.contract import Catalogue, Connector, Happening, Installation, Schema, TokenDesk
from core import Account, Refused, Tx, accounts, outages
from hub.api.schemas import resolved
from hub.api.show import read_time
from hub.console import forms, gate, language
from hub.console.house import house
from hub.console.page import render
from hub.console.routes import Route
from hub.installations import form
from hub.installations.book import Book, Shown
from hub.installations.contained import contained
from hub.installations.form import Field, Known, Typed
from hub.installations.health import Health
from hub.installations.operations import Ask
from hub.people.roles import OWNER

PATH: Final = "/console/connectors"
FORM: Final = ("GET", "POST")
MOST_BYTES: Final = 256 * 1024  # of a form: it may list a thousand addresses
RECENT: Final = 20
DONE: Final = ("installed", "saved", "removed", "revoked")  # what a page may say was done
OF_SETTINGS, OF_TOKENS = "settings", "token"  # how the names of the fields of the two forms begin
AS_OF: Final = "as_of"  # a field that nobody sees: when what a form shows was saved
ELSEWHERE: Final = frozenset(
    {"not_found", "insufficient_scope", "unavailable", "storage_full"}
)  # told on a page of its own

T = TypeVar("T")
log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Form:
    """One form of a page. `faults` are (name of the field or "", sentence), in the order of the page; `base.html` looks at them."""

    fields: Sequence[Field] = ()
    faults: Sequence[tuple[str, str]] = ()


@dataclass(frozen=True, slots=True)
class Token:
    """A token as a page tells of it: what there is to tell, by title. is_over: it was revoked."""

    id: str
    cells: Mapping[str, str]
    is_over: bool

    @property
    def name(self) -> str:
        """What tells it from others: the first that there is to tell."""
        return next(iter(self.cells.values()), self.id)

    @property
    def rest(self) -> Mapping[str, str]:
        """All else."""
        return dict(list(self.cells.items())[1:])


@dataclass(frozen=True, slots=True)
class Seen:
    """A connector as an account sees it."""

    connector: Connector
    account: Account
    installation: Installation | None
    shown: Shown | None

    @property
    def settings(self) -> Schema | None:
        """The schema of the form, where there is one to fill in."""
        by_hand = self.installation is not None or self.connector.auth == "settings"
        return resolved(self.connector.settings) if self.connector.settings and by_hand else None

    @property
    def known(self) -> Known:
        return Known(self.shown.settings, self.shown.secrets) if self.shown else Known({})


@dataclass(frozen=True, slots=True)
class _Pages:
    """The views."""

    book: Book
    ask: Ask
    catalogue: Catalogue

    @gate.allowed(OWNER)
    def every(self) -> Response:
        """All there are, by title, and how those are that this account has."""
        chosen = sorted(self.book.registry.connectors, key=lambda one: one.title.lower())
        with house().runtime.read() as tx:
            account = accounts.get(tx, gate.somebody().account_id)
            mine = self.book.of_accounts(tx, [account.id], [one.name for one in chosen])
        installed = {one.connector: one for one in mine}
        found = self.ask([(one, installed[one.name]) for one in chosen if one.name in installed])
        health = {one.connector: found[one.id] for one in mine}
        return render("connectors.html", account=account, connectors=chosen, health=health, done=_done())

    @gate.allowed(OWNER)
    def one(self, name: str) -> Response:
        """Its settings as a form, and all else that is to be seen; a form that comes is kept."""
        seen = self._seen(name)
        schema = seen.settings
        if request.method == "GET" or schema is None:
            return self._page(seen)
        typed = _typed(seen, OF_SETTINGS)
        if typed.texts.get(AS_OF) != _as_of(seen):
            return self._page(seen, is_stale=True)
        faults = _tried(lambda: self._keep(seen, schema, typed), schema, "/settings")
        if not faults:
            return gate.go(f"{PATH}/{name}?done={'saved' if seen.installation else 'installed'}")
        return self._page(seen, settings=_wrong(schema, seen.known, typed, faults))

    @gate.allowed(OWNER)
    def remove(self, name: str) -> Response:
        """Away with it; first it is asked whether that is meant."""
        seen = self._seen(name)
        installation = _there(seen)
        if request.method == "POST":
            self.catalogue.perform(gate.caller(), "delete_installation", id=installation.id)
            return gate.go(f"{PATH}?done=removed")
        return render("connector_remove.html", seen=seen)

    @gate.allowed(OWNER)
    def token(self, name: str) -> Response:
        """A new token: the page that shows its secret is the only one that does."""
        seen = self._seen(name)
        installation, desk = _there(seen), _desk(seen)
        typed = _typed(seen, OF_TOKENS)
        made: dict[str, Any] = {}

        def issue() -> None:
            body = form.values(desk.fields, typed)
            made.update(self.catalogue.perform(gate.caller(), "create_token", body, id=installation.id).body)

        if faults := _tried(issue, desk.fields, ""):
            return self._page(seen, token=_wrong(resolved(desk.fields), Known({}), typed, faults))
        whole = _told(desk, made, seen.account.zone)
        listed = next((one for one in self._tokens(seen) or () if one.id == whole.id), whole)
        once = {title: text for title, text in whole.cells.items() if title not in listed.cells}
        return render("token.html", 201, seen=seen, once=once, shown=listed)

    @gate.allowed(OWNER)
    def revoke(self, name: str, token_id: str) -> Response:
        """End a token; first it is asked whether that is meant."""
        seen = self._seen(name)
        installation = _there(seen)
        if request.method == "POST":
            self.catalogue.perform(gate.caller(), "revoke_token", id=installation.id, token_id=token_id)
            return gate.go(f"{PATH}/{name}?done=revoked")
        found = next((one for one in self._tokens(seen) or () if one.id == token_id), None)
        if found is None:
            raise Refused("not_found", "There is no such token.")
        return render("token_revoke.html", seen=seen, shown=found)

    def _seen(self, name: str) -> Seen:
        """Refuses (`not_found`) a name that no connector has."""
        connector = self.book.registry.get(name)
        with house().runtime.read() as tx:
            account = accounts.get(tx, gate.somebody().account_id)
            mine = next(iter(self.book.of_accounts(tx, [account.id], [name])), None)
            return Seen(connector, account, mine, self.book.shown(tx, account.id, mine.id) if mine else None)

    def _keep(self, seen: Seen, schema: Schema, typed: Typed) -> None:
        """Install it with what was typed, or change what was changed."""
        if seen.installation is None:
            body = {"connector": seen.connector.name, "settings": form.values(schema, typed)}
            self.catalogue.perform(gate.caller(), "create_installation", body)
        elif changes := form.changes(schema, seen.known, typed):
            body = {"settings": changes}
            self.catalogue.perform(gate.caller(), "change_installation", body, id=seen.installation.id)

    def _page(
        self, seen: Seen, *, settings: Form | None = None, token: Form | None = None, is_stale: bool = False
    ) -> Response:
        """The page of a connector; `settings` and `token`, where what was typed there has faults. is_stale: somebody else was quicker."""
        desk = seen.connector.tokens if seen.installation else None
        return render(
            "connector.html",
            409 if is_stale else 422 if settings or token else 200,
            seen=seen,
            is_stale=is_stale,
            as_of=_as_of(seen),
            fields=settings or token or Form(),
            settings=settings or (_fresh(seen.settings, seen, OF_SETTINGS) if seen.settings else None),
            new_token=token or (_fresh(resolved(desk.fields), seen, OF_TOKENS) if desk else None),
            health=self._health(seen),
            recent=self._recent(seen),
            tokens=self._tokens(seen),
            done=_done(),
        )

    def _health(self, seen: Seen) -> Health | None:
        return self.ask([(seen.connector, seen.installation)])[seen.installation.id] if seen.installation else None

    def _recent(self, seen: Seen) -> Sequence[Happening] | None:
        """What happened lately; None where it is not told, or can't be now."""
        recent, installation = seen.connector.recent, seen.installation
        if recent is None or installation is None:
            return None
        return _asked(seen.connector, lambda tx: list(recent(tx, installation, RECENT)))

    def _tokens(self, seen: Seen) -> Sequence[Token] | None:
        """The tokens, newest first; None where there are none to be, or they can't be told now."""
        desk, installation = seen.connector.tokens, seen.installation
        if desk is None or installation is None:
            return None
        found = _asked(seen.connector, lambda tx: list(desk.listed(tx, installation)))
        return None if found is None else [_told(desk, one, seen.account.zone) for one in found]


def routes(book: Book, ask: Ask, catalogue: Catalogue) -> tuple[Route, ...]:
    """The pages, with the book of installations, what asks after their health, and what carries operations out."""
    pages = _Pages(book, ask, catalogue)
    return (
        Route(PATH, pages.every),
        Route(f"{PATH}/<name>", pages.one, FORM, MOST_BYTES),
        Route(f"{PATH}/<name>/remove", pages.remove, FORM),
        Route(f"{PATH}/<name>/tokens", pages.token, ("POST",)),
        Route(f"{PATH}/<name>/tokens/<token_id>", pages.revoke, FORM),
    )


def _there(seen: Seen) -> Installation:
    if seen.installation is None:
        raise Refused("not_found", f"{seen.connector.title} is not installed.")
    return seen.installation


def _desk(seen: Seen) -> TokenDesk:
    if seen.connector.tokens is None:
        raise Refused("not_found", f"{seen.connector.title} hands out no tokens.")
    return seen.connector.tokens


def _as_of(seen: Seen) -> str:
    """Which settings a form shows: one that lay open while somebody else saved would undo what they did."""
    return str(seen.installation.updated_at) if seen.installation else ""


def _typed(seen: Seen, prefix: str) -> Typed:
    """What came with this request."""
    return Typed(prefix, forms.sent(), seen.account.zone)


def _fresh(schema: Schema, seen: Seen, prefix: str) -> Form:
    """A form that nobody has filled in yet: of settings, with what is set."""
    known = seen.known if prefix == OF_SETTINGS else Known({})
    return Form(form.fields(schema, known, Typed(prefix, {}, seen.account.zone), {}, fresh=True))


def _wrong(schema: Schema, known: Known, typed: Typed, faults: Mapping[str, str]) -> Form:
    """The form as it was sent, with what is wrong."""
    drawn = form.fields(schema, known, typed, faults, fresh=False)
    whole = [("", faults[""])] if "" in faults else []
    return Form(drawn, [*whole, *form.told(drawn)])


def _tried(work: Callable[[], None], schema: Schema, prefix: str) -> Mapping[str, str]:
    """Do it: nothing, or why it was refused, by the pointers of fields. Refusals that no field could cure are raised."""
    try:
        work()
    except Refused as refusal:
        if not refusal.faults and refusal.code in ELSEWHERE:
            raise
        faults = [replace(one, pointer=one.pointer.removeprefix(prefix)) for one in refusal.faults]
        return form.sentences(schema, faults) or {"": refusal.detail}
    return {}


def _asked(connector: Connector, work: Callable[[Tx], T]) -> T | None:
    """What a connector tells; None where it can't. The page is there whatever it raises."""
    try:
        with house().runtime.read() as tx, contained():
            return work(tx)
    except Exception as error:
        if outages.of(error) is not None:
            raise
        log.warning("connector.untold", exc_info=error, connector=connector.name)
        return None


def _told(desk: TokenDesk, token: Mapping[str, Any], zone: tzinfo) -> Token:
    """A token, as its schema describes it, in the words and times of the page."""
    properties = resolved(desk.answer).get("properties", {})
    named = {name: inner for name, inner in properties.items() if name != "id" and token.get(name) is not None}
    cells = {inner.get("title") or name: _text(inner, token[name], zone) for name, inner in named.items()}
    return Token(token["id"], cells, is_over=bool(token.get("revoked_at")))


def _text(schema: Schema, value: Any, zone: tzinfo) -> str:
    said = language.current()
    if isinstance(value, bool):
        return str(language.say(said, "connector.yes" if value else "connector.no"))
    if schema.get("format") == "date-time":
        return language.moment(said, read_time(value), zone)
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _done() -> str | None:
    done = request.args.get("done")
    return done if done in DONE else None
