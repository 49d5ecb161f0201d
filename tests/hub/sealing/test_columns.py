"""The one list of sealed columns: whole, and nobody seals past it."""

import re
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

import hub
from core import Runtime
from hub.sealing import rotation
from hub.sealing.columns import aad
from tests.support.sealed import safe_on, sealed_texts

PLACES = {
    "connections.access_token",
    "connections.client_secret",
    "connections.refresh_token",
    "hooks.previous_secret",
    "hooks.secret",
    "installations.secrets",
}
BY_ITSELF = "oauth/tokens.py"  # what came of a spent refresh token is sealed under that token, for half a minute
IDS = st.uuids().map(str)


def test_every_place_is_known() -> None:
    assert {place.name for place in rotation.every()} == PLACES


def test_every_place_is_bound_to_its_row_and_account() -> None:
    for place in rotation.every():
        assert {"id", "account_id"} <= set(place.bound), place.name
        assert set(place.bound) <= set(place.column.table.c.keys())


def test_nothing_sealed_stands_anywhere_else(runtime: Runtime) -> None:
    safe = safe_on(runtime)
    hook_id, _ = safe.hook()
    safe.rotated(hook_id)
    safe.connection()
    with runtime.read() as tx:
        found = set(sealed_texts(tx))
    assert found == PLACES - {"installations.secrets"}


def test_nobody_seals_without_writing_down_with_which_key() -> None:
    rooms = Path(hub.__file__).parent
    sealing = {
        path.relative_to(rooms).as_posix()
        for path in rooms.rglob("*.py")
        if re.search(r"\bsecrets\.seal\(|from hub\.secrets import .*\bseal\b", path.read_text(encoding="utf-8"))
    }
    assert sealing == {"sealing/used.py", "sealing/rotation.py", BY_ITSELF}


@given(st.tuples(IDS, IDS, st.text()), st.tuples(IDS, IDS, st.text()))
def test_two_rows_are_never_bound_alike(one: tuple[str, str, str], other: tuple[str, str, str]) -> None:
    assert (aad("connections.access_token", *one) == aad("connections.access_token", *other)) == (one == other)
