"""/stop: the public page on which anybody stops messages to their own number."""

from typing import Final

from flask import Response, request

from hub.console import gate, language, network
from hub.console.forms import Fields
from hub.console.house import house
from hub.console.page import render
from hub.console.routes import Route
from hub.console.sign import FORM, status_of
from hub.optout import codes

PATH: Final = "/stop"
DONE: Final = "/stop/done"


def stop() -> Response:
    """Which number? A code goes to it."""
    fields = Fields.empty()
    if request.method == "POST":
        fields = Fields.sent()
        fields.need("number")
        if fields.right and (ticket := fields.granted("number", lambda: _sent(fields["number"]))) is not None:
            return gate.go(f"{PATH}/{ticket}")
    return render("stop.html", status_of(fields), fields=fields)


def code(ticket: str) -> Response:
    """The code that came; then it is done."""
    fields = Fields.empty()
    if request.method == "POST":
        fields = Fields.sent()
        fields.need("code")
        if fields.right:
            outcome = codes.try_(house().runtime, house().settings, ticket, fields["code"])
            if outcome == "done":
                return gate.go(DONE)
            if outcome == "wrong":
                fields.wrong("code", "fault.code.wrong")
    with house().runtime.read() as tx:
        sent = codes.read(tx, ticket)
    minutes = codes.LIFE_MINUTES
    return render("stop_code.html", status_of(fields), fields=fields, sent=sent, minutes=minutes)


def done() -> Response:
    return render("stop_done.html", short_code=house().settings.short_code)


def _sent(typed: str) -> str:
    said = language.current()

    def words(code: str) -> str:
        return language.plain(said, "stop.message", code=code, minutes=codes.LIFE_MINUTES)

    return codes.send(house().runtime, house().settings, typed, network.visitor(), words)


ROUTES: Final = (
    Route(PATH, stop, FORM),
    Route(DONE, done),
    Route(f"{PATH}/<ticket>", code, FORM),
)
