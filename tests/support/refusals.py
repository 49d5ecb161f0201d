"""The codes of refusals that a file of code can raise."""

import ast
from collections.abc import Iterator
from pathlib import Path


def codes(path: Path) -> Iterator[str]:
    """Every code that stands in a `Refused(...)` or `Refused.at(...)` of a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Call):
            continue
        name = ast.unparse(node.func)
        place = {"Refused": 0, "Refused.at": 1}.get(name)
        if place is not None and len(node.args) > place and isinstance(node.args[place], ast.Constant):
            yield str(ast.literal_eval(node.args[place]))
