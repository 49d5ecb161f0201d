"""A Zap is told that its connection has ended."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from connectors.contract import Answer
from connectors.zapier import CONNECTOR
from core import PeerError
from tests.support.zaps import Zaps

URLS = ("https://hooks.zapier.com/1", "https://hooks.zapier.com/2", "https://hooks.zapier.com/3")


def leave(
    zaps: Zaps, *outcomes: int | str, urls: Sequence[str] = URLS, options: Mapping[str, str] | None = None
) -> list[tuple[str, str]]:
    """Tell three addresses, which answer like this; what was sent."""
    sent: list[tuple[str, str]] = []

    def http(method: str, url: str, *_: Any, **__: Any) -> Answer:
        sent.append((method, url))
        outcome = outcomes[len(sent) - 1]
        if isinstance(outcome, str):
            raise PeerError(outcome, "the address failed")
        return Answer(outcome, {}, b"")

    visit = zaps.visit()
    CONNECTOR.ended(replace(visit, tools=replace(visit.tools, http=http, options=options or {})), urls)
    return sent


def test_every_address_is_told_by_a_delete_and_any_answer_will_do(zaps: Zaps) -> None:
    assert leave(zaps, 200, 404, 410) == [("DELETE", url) for url in URLS]
    assert len(leave(zaps, 403, "rejected", 204)) == 3


@pytest.mark.parametrize(
    "url",
    [
        "https://shop.example/orders/1",
        "https://10.0.0.1/machines/1",
        "http://hooks.zapier.com/1",
        "https://hooks.zapier.com.example/1",
        "https://hooks.zapier.com@shop.example/1",
    ],
)
def test_nothing_is_deleted_elsewhere_than_at_zapier(zaps: Zaps, url: str) -> None:
    """Whoever has a grant chooses the addresses of its hooks: a DELETE to any of them would be theirs to send."""
    assert leave(zaps, 200, urls=[url, URLS[0]]) == [("DELETE", URLS[0])]


def test_the_operator_may_say_where_zapier_is(zaps: Zaps) -> None:
    here = "http://127.0.0.1:8000/hook"
    assert leave(zaps, 200, urls=[here, URLS[0]], options={"hooks": "http://127.0.0.1:"}) == [("DELETE", here)]


@pytest.mark.parametrize("outcome", [429, 500, 503, "unavailable"])
def test_one_that_could_not_hear_it_is_told_again_later_and_holds_up_no_other(zaps: Zaps, outcome: int | str) -> None:
    with pytest.raises(PeerError) as raised:
        leave(zaps, outcome, 200, 200)
    assert raised.value.detail.startswith("1 Zaps")
