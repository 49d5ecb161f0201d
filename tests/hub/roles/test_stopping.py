"""Being told to stop, and not being told."""

import os
import signal
import subprocess
import sys
import threading

import pytest

from hub.roles import stopping
from tests.support.serving import ROOT, environment

WAITS = """
from hub.roles import stopping
stopping.hold_back()
looks = iter("ab")
def well():
    print("looks", flush=True)
    return next(looks, None) is not None
print("told" if stopping.until_told(well) else "not told", flush=True)
"""


@pytest.fixture
def process() -> "subprocess.Popen[str]":
    line = [sys.executable, "-P", "-c", WAITS]
    return subprocess.Popen(line, cwd=ROOT, env=environment(ROOT), stdout=subprocess.PIPE, text=True)


def test_a_process_that_was_paused_and_goes_on_was_not_told_to_stop(process: "subprocess.Popen[str]") -> None:
    with process:
        assert process.stdout
        assert process.stdout.readline() == "looks\n"
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)
        threading.Event().wait(stopping.LOOK_S * 1.2)
        process.send_signal(signal.SIGCONT)
        assert process.stdout.read().splitlines()[-1] == "not told"


def test_a_signal_is_taken_at_once(process: "subprocess.Popen[str]") -> None:
    with process:
        assert process.stdout
        assert process.stdout.readline() == "looks\n"
        process.send_signal(signal.SIGTERM)
        assert process.stdout.read().splitlines()[-1] == "told"
