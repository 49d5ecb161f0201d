"""The bench itself: every figure at a tiny size, so that it never rots. How fast it was is nothing to a test."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from tests.bench.__main__ import main
from tests.bench.picture import draw

KEYS = {
    *("single_per_s", "batch_per_s", "campaign_queued_per_s", "campaign_extra_mb", "dispatch_per_s", "hooks_per_s"),
    *("report_ms", "list_ms", "campaign_queued_sqlite_per_s", "otp_wait_s"),
}


@pytest.fixture(autouse=True)
def _logs_are_as_before() -> Iterator[None]:
    """The bench says how much is logged in its process, which is this one."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)
    root.handlers, root.level = before, level


def test_the_whole_bench_runs_and_writes_its_figures_and_its_page(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    trial = ["--only", "engine", "--scale", "0.0005", "--runs", "1", "--json", str(figures)]
    assert main([*trial, "--docs", str(tmp_path)]) == 0
    found = json.loads(figures.read_text())
    assert found.keys() >= KEYS
    assert all(isinstance(value, int | float) for value in found.values())
    page = (tmp_path / "performance.md").read_text()
    assert "@" not in page
    assert all(f"`{key}`" in page for key in KEYS)
    assert (tmp_path / "performance.svg").read_text().count("<polyline") == 4
    (tmp_path / "performance.md").unlink()
    assert main(["--json", str(figures), "--docs", str(tmp_path), "--again"]) == 0
    assert (tmp_path / "performance.md").read_text() == page


def test_the_parser_of_mails_is_measured(tmp_path: Path) -> None:
    figures = tmp_path / "figures.json"
    assert main(["--only", "mail2sms", "--figure", "nested_s", "--runs", "1", "--json", str(figures)]) == 0
    assert json.loads(figures.read_text()).keys() >= {"newlines_s", "nested_s"}


@pytest.mark.parametrize("costs", [{}, {10: 3.0}, {10: 0.5, 1000: 1234.0}])
def test_the_picture_holds_whatever_was_measured(costs: dict[int, float]) -> None:
    drawn = draw({"one": costs, "two": costs}, (10, 100, 1000), "Costs & more")
    assert drawn.count("<circle") == 2 * len(costs)
    assert "Costs &amp; more" in drawn
