import io
import json
import logging
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import redirect_stderr
from pathlib import Path

import pytest
import structlog

from hub import logs
from tests.support.serving import ROOT


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


@pytest.mark.usefixtures("written")
def test_requests_told_together_are_written_at_the_end_in_their_order(capsys: pytest.CaptureFixture[str]) -> None:
    with logs.together():
        for place in range(3):
            logs.tell_request({"place": place})
        assert capsys.readouterr().err == ""
    logs.tell_request({"place": 3})
    assert [json.loads(line)["place"] for line in capsys.readouterr().err.splitlines()] == [0, 1, 2, 3]


MANY_AT_ONCE = """
import os
from hub import logs
import structlog, logging

logs.configure("info", terminal=False)
child = os.fork()
for index in range(1000):
    structlog.get_logger().warning("own", index=index)
    logging.getLogger("library").warning("theirs %d", index)
if child:
    os.waitpid(child, 0)
"""


def test_lines_of_several_processes_stay_whole_where_python_does_not_buffer(tmp_path: Path) -> None:
    """As in most containers: PYTHONUNBUFFERED writes whatever it is given at once, be it half a line."""
    file = tmp_path / "log"
    with file.open("a") as log:
        subprocess.run(
            [sys.executable, "-u", "-P", "-c", MANY_AT_ONCE], stderr=log, check=True, env={"PYTHONPATH": str(ROOT)}
        )
    written = file.read_text().splitlines()
    assert len(written) == 2 * 2 * 1000
    assert all(json.loads(line)["level"] == "warning" for line in written)


def test_a_log_that_cannot_be_written_stops_nothing(request: pytest.FixtureRequest) -> None:
    class Full(io.StringIO):
        """A disk full of logs."""

        def write(self, _words: str) -> int:
            raise OSError(28, "No space left on device")

    with redirect_stderr(Full()):
        request.getfixturevalue("written")
        with redirect_stderr(Full()):
            logs.configure("info", terminal=False)
            structlog.get_logger().info("told")
            with logs.together():
                logs.tell_request({"place": 1})
