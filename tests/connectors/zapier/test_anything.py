"""Whatever Zapier or anybody else sends to the routes, it is answered or refused: no fault is ours."""

from contextlib import suppress
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.zapier.creates import CREATES
from connectors.zapier.dropdowns import DROPDOWNS
from connectors.zapier.searches import SEARCHES
from connectors.zapier.triggers import TRIGGERS
from core import Refused
from tests.support.zaps import Zaps

STEPS = {**CREATES, **SEARCHES}
LIKELY = st.sampled_from(
    ["0612345678", "+33612345620", "01997b2c-1a2b-7c3d-8e4f-123456789abc", "marketing", "2026-12-01T09:30", "Été"]
)
VALUE = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20) | LIKELY,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
MANY = settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])


@st.composite
def asked(draw: st.DrawFn) -> tuple[str, dict[str, Any]]:
    key = draw(st.sampled_from(sorted(STEPS)))
    return key, draw(
        st.dictionaries(st.sampled_from(STEPS[key].keys), VALUE) | st.dictionaries(st.text(max_size=9), VALUE)
    )


@MANY
@given(asked())
def test_of_actions_and_searches(zaps: Zaps, what: tuple[str, dict[str, Any]]) -> None:
    key, body = what
    with suppress(Refused):
        answer = zaps.act(key, **body) if key in CREATES else zaps.find(key, **body)
        assert answer["id"] if key in CREATES else all(found["id"] for found in answer)


@MANY
@given(
    st.sampled_from(sorted(TRIGGERS)),
    st.dictionaries(st.sampled_from(["target_url", "keyword", "status", "source"]), VALUE),
)
def test_of_subscriptions(zaps: Zaps, key: str, body: dict[str, Any]) -> None:
    with suppress(Refused):
        assert zaps.ask("POST", "hooks", key, body)["id"]


@MANY
@given(
    st.sampled_from(sorted(TRIGGERS)),
    st.lists(st.tuples(st.sampled_from(["keyword", "status", "source", "x"]), st.text(max_size=9))),
)
def test_of_samples(zaps: Zaps, key: str, query: list[tuple[str, str]]) -> None:
    with suppress(Refused):
        assert zaps.samples(key, *query)


@MANY
@given(st.sampled_from(sorted(DROPDOWNS)), st.text(max_size=9))
def test_of_dropdowns(zaps: Zaps, key: str, page: str) -> None:
    with suppress(Refused):
        assert isinstance(zaps.ask("GET", "dropdowns", key, query=[("page", page)]), list)
