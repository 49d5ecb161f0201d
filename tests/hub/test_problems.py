from pathlib import Path

import pytest

from core import Fault, Refused
from hub import problems
from tests.support.refusals import codes

ROOT = Path(__file__).parents[2]


def test_every_refusal_of_the_house_is_in_the_table() -> None:
    found = {
        code for room in ("core", "hub", "connectors") for path in (ROOT / room).rglob("*.py") for code in codes(path)
    }
    assert {"not_found", "not_enough_credits", "invalid_number"} <= found
    assert sorted(found - problems.STATUSES.keys()) == []


@pytest.mark.parametrize(
    "code, status",
    [
        ("not_enough_credits", 402),
        ("stop_required", 403),
        ("not_found", 404),
        ("already_started", 409),
        ("unpriced_country", 422),
    ],
)
def test_a_refusal_has_the_status_that_was_promised(code: str, status: int) -> None:
    assert problems.refused(Refused(code, "x"), "r").status == status


def test_a_code_that_nobody_listed_is_422() -> None:
    assert problems.status_of("made_up") == 422


def test_a_problem_says_where_and_what() -> None:
    body = problems.refused(Refused("invalid_number", "Not a number.", (Fault("/to", "is not a number"),)), "r1").body
    assert body == {
        "type": "urn:smshub:problem:invalid_number",
        "title": "Not a valid number",
        "status": 422,
        "detail": "Not a number.",
        "code": "invalid_number",
        "errors": [{"pointer": "/to", "message": "is not a number"}],
        "request_id": "r1",
    }
