"""What the answers of HTTP providers mean, told by real servers."""

import datetime as dt
from collections.abc import Callable
from email.utils import format_datetime
from typing import Any

import pytest

from core.carriers.contract import LONGEST_REF, Accepted, Ambiguous, Busy, Outcome, Rejected
from core.carriers.http import HttpCarrier
from tests.core.carriers.providers import (
    TAKEN,
    Serve,
    answers,
)
from tests.support.world import NOON

Open = Callable[..., HttpCarrier]
Ask = Callable[..., Outcome]


def test_an_id_may_be_a_text_or_a_number(ask: Ask) -> None:
    assert ask(answers(200, TAKEN)) == Accepted("m-1", "abc")
    assert ask(answers(202, {"messages": [{"id": 2**70}]})) == Accepted("m-1", str(2**70))


def test_an_id_that_is_very_long_is_cut_as_it_is_in_receipts(ask: Ask) -> None:
    assert ask(answers(200, {"messages": [{"id": "i" * 8_000}]})) == Accepted("m-1", "i" * LONGEST_REF)


def test_a_provider_may_give_no_id(ask: Ask) -> None:
    assert ask(answers(201, b"OK"), id=None) == Accepted("m-1", None)


@pytest.mark.parametrize(
    "body", [b"<html>Welcome to the airport</html>", b"", {"messages": []}, {"messages": [{"id": {}}]}, b"[" * 9000]
)
def test_a_success_without_the_id_it_should_have_is_not_believed_unless_told(ask: Ask, body: Any) -> None:
    assert ask(answers(200, body)) == Ambiguous("m-1", "no_id")
    assert ask(answers(200, body), id_missing="accepted") == Accepted("m-1", None)


def test_an_id_that_no_database_stores_is_none(ask: Ask) -> None:
    assert ask(answers(200, b'{"messages": [{"id": "a\\u0000"}]}')) == Ambiguous("m-1", "no_id")
    assert ask(answers(200, b'{"messages": [{"id": "\\ud800"}]}')) == Ambiguous("m-1", "no_id")


@pytest.mark.parametrize(
    "status, kind",
    [
        *((status, Busy) for status in (401, 402, 403, 404, 405, 429)),
        *((status, Rejected) for status in (400, 413, 422)),
        *((status, Ambiguous) for status in (204, 302, 408, 409, 418, 500, 502, 503, 504)),
    ],
)
def test_without_rules_only_clear_refusals_are_believed(ask: Ask, status: int, kind: type) -> None:
    outcome = ask(answers(status, {"error": "no"}))
    assert isinstance(outcome, kind)
    assert getattr(outcome, "code", None) == f"http_{status}"


def test_rules_may_read_the_answer(ask: Ask) -> None:
    rules = {
        "accept": {"statuses": [200], "path": "/status", "values": ["ok", 0]},
        "busy": [{"statuses": [503]}, {"path": "/status", "values": ["throttled"], "retry_after": 2}],
        "reject": {"statuses": [200], "path": "/error"},
        "code": "/error",
    }
    assert ask(answers(200, TAKEN | {"status": 0}), **rules) == Accepted("m-1", "abc")
    assert ask(answers(200, {"status": "throttled", "error": 9}), **rules) == Busy("m-1", 2000, "9")
    assert ask(answers(503, b""), **rules) == Busy("m-1", 10_000, "http_503")
    assert ask(answers(200, {"status": "no", "error": "blocked"}), **rules) == Rejected("m-1", "blocked")
    assert ask(answers(200, {"status": "maybe"}), **rules) == Ambiguous("m-1", "http_200")
    assert ask(answers(400, {"error": "blocked"}), **rules) == Ambiguous("m-1", "blocked")


@pytest.mark.parametrize(
    "said, wait_ms",
    [
        ("7", 7000),
        ("0", 0),
        ("99999999999", 3_600_000),
        (format_datetime(dt.datetime.fromtimestamp(NOON / 1000 + 30, dt.UTC), usegmt=True), 30_000),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 3_600_000),
        ("soon", 4000),
        ("-1", 4000),
        ("Mon, 99 Jan 2026 00:00:00 GMT", 4000),
        ("", 4000),
    ],
)
def test_retry_after_is_honoured_in_both_its_forms(ask: Ask, said: str, wait_ms: int) -> None:
    assert ask(answers(429, {}, Retry_After=said), retry_after=4) == Busy("m-1", wait_ms, "http_429")


def test_a_redirect_is_not_followed(serve: Serve, ask: Ask) -> None:
    elsewhere = serve(answers(200, TAKEN))
    assert ask(answers(307, b"", Location=elsewhere.url)) == Ambiguous("m-1", "http_307")
    assert elsewhere.heard == []


def test_an_answer_without_end_is_read_no_further_than_it_may_be(ask: Ask) -> None:
    assert ask(answers(200, b'{"messages": [{"id": "abc"}], "x": "%s"}' % (b"x" * 100_000))) == Ambiguous(
        "m-1", "no_id"
    )
