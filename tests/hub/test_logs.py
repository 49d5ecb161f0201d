import io
import json
import logging
import warnings
from collections.abc import Iterator
from contextlib import redirect_stderr

import pytest
import structlog

from hub import logs


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """What is logged, as configured for no terminal; everything is as before afterwards."""
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    with redirect_stderr(io.StringIO()) as output:
        logs.configure("info", terminal=False)
        yield output
    structlog.reset_defaults()
    logging.captureWarnings(capture=False)
    root.handlers, root.level = before, level


def lines(output: io.StringIO) -> list[dict[str, object]]:
    return [json.loads(line) for line in output.getvalue().splitlines()]


def test_an_entry_is_one_json_object_a_line(written: io.StringIO) -> None:
    structlog.get_logger().info("message.sent", message_id="m1", segments=2)
    (entry,) = lines(written)
    assert (entry["event"], entry["message_id"], entry["segments"], entry["level"]) == ("message.sent", "m1", 2, "info")


def test_what_belongs_to_a_recipient_or_opens_a_door_is_blanked_at_any_depth(written: io.StringIO) -> None:
    secret = {"to": "+33612345678", "smtp_password": "hush", "kept": [{"Authorization": "Bearer x", "status": 200}]}
    structlog.get_logger().info("x", text="Bonjour", number=33612345678, inner=secret, access_token="t")
    (entry,) = lines(written)
    assert entry["inner"] == {
        "to": "[redacted]",
        "smtp_password": "[redacted]",
        "kept": [{"Authorization": "[redacted]", "status": 200}],
    }
    assert {entry["text"], entry["number"], entry["access_token"]} == {"[redacted]"}


def test_an_exception_is_told_by_kind_and_place_and_not_by_its_words(written: io.StringIO) -> None:
    try:
        int("+33612345678x")
    except ValueError:
        structlog.get_logger().exception("bug")
    (entry,) = lines(written)
    assert entry["error"] == ["ValueError"]
    assert "test_logs.py" in str(entry["where"])
    assert "33612345678" not in written.getvalue()


def test_libraries_and_warnings_go_the_same_way(written: io.StringIO) -> None:
    logging.getLogger("library").warning("slow")
    with warnings.catch_warnings():
        warnings.simplefilter("always")
        logging.captureWarnings(capture=True)
        warnings.warn("old", UserWarning, stacklevel=1)
    assert [entry["level"] for entry in lines(written)] == ["warning", "warning"]
    assert "old" in str(lines(written)[1]["event"])


def test_what_is_below_the_level_is_not_written(written: io.StringIO) -> None:
    structlog.get_logger().debug("detail")
    assert written.getvalue() == ""
