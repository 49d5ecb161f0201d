"""Peers are real programs at our edges. One that can't be had is a named skip for a person and a failure in CI."""

import os
from typing import NoReturn

import pytest

IN_CI = os.environ.get("CI", "").lower() in {"1", "true", "yes"}


class PeerMissingError(Exception):
    """This machine can't have it; the words say why."""


def missing(peer: str, why: object) -> NoReturn:
    """Skip the test, or fail it in CI: there, what was not tested must not look tested."""
    reason = f"peer {peer} can't be had: {why}"
    if IN_CI:
        pytest.fail(reason, pytrace=False)
    pytest.skip(reason)
