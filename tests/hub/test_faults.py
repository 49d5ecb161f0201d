"""Fault points are read strictly, and passed as often as they say."""

import pytest

from core import Refused
from hub.faults import KILLED, crash_at


def test_it_dies_at_the_point_and_the_time_it_was_told() -> None:
    died: list[int] = []
    passing = crash_at("after_submit:3", died.append)
    for name in ("after_submit", "after_claim", "after_submit"):
        passing(name)
    assert died == []
    passing("after_submit")
    assert died == [KILLED]


def test_the_first_time_unless_told_otherwise() -> None:
    died: list[int] = []
    crash_at("import.batch", died.append)("import.batch")
    assert died == [KILLED]


@pytest.mark.parametrize("setting", [None, ""])
def test_without_a_setting_nothing_dies(setting: str | None) -> None:
    died: list[int] = []
    crash_at(setting, died.append)("after_submit")
    assert died == []


@pytest.mark.parametrize("setting", ["after_submit:0", "after_submit:", ":3", "after submit", "after_submit:-1"])
def test_what_is_no_point_is_refused(setting: str) -> None:
    with pytest.raises(Refused, match="SMSHUB_CRASH_AT"):
        crash_at(setting)
