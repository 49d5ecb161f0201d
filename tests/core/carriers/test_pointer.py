"""JSON pointers into foreign documents."""

from typing import Any

import pytest

from core.carriers.pointer import MISSING, look, text_at

# The examples of RFC 6901 section 5.
DOCUMENT = {"foo": ["bar", "baz"], "": 0, "a/b": 1, "c%d": 2, "m~n": 8, " ": 7}


@pytest.mark.parametrize(
    "pointer, found",
    [
        ("", DOCUMENT),
        ("/foo", ["bar", "baz"]),
        ("/foo/0", "bar"),
        ("/", 0),
        ("/a~1b", 1),
        ("/c%d", 2),
        ("/m~0n", 8),
        ("/ ", 7),
    ],
)
def test_the_examples_of_the_standard_are_found(pointer: str, found: Any) -> None:
    assert look(DOCUMENT, pointer) == found


@pytest.mark.parametrize("pointer", ["/bar", "/foo/2", "/foo/-1", "/foo/x", "/foo/²", "/foo/0/0", "/foo/-"])
def test_what_is_not_there_is_missing(pointer: str) -> None:
    assert look(DOCUMENT, pointer) is MISSING


@pytest.mark.parametrize(
    "value, text",
    [
        ("x", "x"),
        (7, "7"),
        (2.5, "2.5"),
        (True, "true"),
        ("", None),
        (None, None),
        ({}, None),
        ("a\x00", None),
        ("\ud800", None),
    ],
)
def test_a_text_is_what_can_be_stored_as_one(value: Any, text: str | None) -> None:
    assert text_at({"x": value}, "/x") == text


def test_no_pointer_points_nowhere() -> None:
    assert text_at({"x": "y"}, None) is None
