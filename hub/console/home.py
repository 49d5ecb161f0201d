"""/console/: what somebody sees who has just signed in. And the switch of languages."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from flask import Response, request
from sqlalchemy import Row

from core import Tx, accounts, campaigns, ledger, report
from hub.console import gate, language
from hub.console.house import LANGUAGE, YEAR_S, house
from hub.console.page import render
from hub.console.routes import Route
from hub.people.roles import OPERATOR

RECENT: Final = 5
ACCOUNTS: Final = 200
BAR: Final = 1000  # parts of a bar's width
SHOWN: Final = (
    "success",
    "waiting",
    "temporary",
    "permanent",
    "blacklisted",
)  # the groups of a report, in the order of a bar


@dataclass(frozen=True, slots=True)
class Part:
    """One group's part of a bar: from `x`, `width` wide, of BAR; `rate` is in per cent."""

    group: str
    count: int
    rate: float
    x: int
    width: int


@dataclass(frozen=True, slots=True)
class Recent:
    """A campaign, and how it went as a bar. `millicredits` is what it costs."""

    campaign: Row[Any]
    parts: list[Part]
    millicredits: int
    messages: int


@gate.signed_in
def home() -> Response:
    """For people of an account its figures; for an operator every account."""
    person = gate.somebody()
    with house().runtime.read() as tx:
        if person.role == OPERATOR:
            everyone = [(one, ledger.balance(tx, one.id)) for one in accounts.everyone(tx, ACCOUNTS)]
            return render("operator.html", accounts=everyone, most=ACCOUNTS)
        account = accounts.get(tx, person.account_id)
        balance = ledger.balance(tx, account.id)
        recent = [_recent(tx, row) for row in campaigns.listing(tx, account.id, RECENT)]
    return render("home.html", account=account, balance=balance, recent=recent, bar=BAR)


def switch() -> Response:
    """Another language, and back to the page."""
    response = gate.go(request.form.get("next", ""))
    chosen = request.form.get("language", "")
    if chosen in language.LANGUAGES:
        house().keep(response, LANGUAGE, chosen, YEAR_S)
    return response


def bar(groups: Mapping[str, tuple[int, float]]) -> list[Part]:
    """A report's groups side by side, from one end of the bar to the other; none where there is nothing to show."""
    parts: list[Part] = []
    x, reached = 0, 0.0
    for group in SHOWN:
        count, rate = groups[group]
        reached += rate
        end = round(reached * BAR / 100)
        if count:
            parts.append(Part(group, count, rate, x, end - x))
        x = end
    return parts


def _recent(tx: Tx, row: Row[Any]) -> Recent:
    found = report.report(tx, row.account_id, row.id)
    return Recent(row, bar(found.groups), found.millicredits, found.contacts)


def start() -> Response:
    """As it is typed. The framework's own redirect would lead to wherever the Host header says, which behind a proxy is no place of ours."""
    return gate.go(gate.HOME)


ROUTES: Final = (
    Route("/console/", home),
    Route("/console", start),
    Route("/console/language", switch, ("POST",)),
)
