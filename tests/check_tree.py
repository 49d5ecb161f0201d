"""Rules of the house that no tool checks: sizes, the face of core, and nothing in the tree that holds for one machine only."""

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[1]
ROOMS = ("core", "hub", "connectors")
TESTS = "tests"  # as small as the rooms they look into, and free to look inside
FILE_LINES, FUNCTION_LINES = 400, 60
SECOND_FACE = "core.smpp"

# Locked files name packages and hashes; where to fetch them is for the machine to know. Each name is broken by a class of one letter,
# so that this file does not hold what it forbids.
DOWNLOADS = re.compile(
    r"pythonhoste[d]\.org|pyp[i]\.org/(?:simple|packages)|registr[y]\.(?:npmjs|yarnpkg|debian|ubuntu)\.|(?:raw|codeload|objects)\.githu[b]"
    r"|githu[b]\.com/[^\s/]+/[^\s/]+/(?:releases/download|archive)/|unpk[g]\.com|jsdelivr\.ne[t]|cdnj[s]\.|(?:deb|archive)\.(?:debia[n]|ubunt[u])\."
    r"|--(?:extra-)?index-ur[l]\b|--find-link[s]\b"
)
PATHS = re.compile(r"(?<![\w.}/$-])/(?:home|Users|root|work)/[\w.]")


def main() -> int:
    faults = [fault for path in _tracked() for fault in _faults(path)]
    for fault in faults:
        print(fault)
    print(f"check_tree: {len(faults)} fault(s)" if faults else "check_tree: all is in its place")
    return bool(faults)


def _tracked() -> list[Path]:
    """What git tracks or would; not what is ignored."""
    command = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split("\0")
    return [path for name in sorted(set(names)) if name and (path := ROOT / name).is_file()]


def _faults(path: Path) -> Iterator[str]:
    name = path.relative_to(ROOT).as_posix()
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:  # not a text
        return
    for at, line in enumerate(lines, 1):
        if found := DOWNLOADS.search(line) or PATHS.search(line):
            yield f"{name}:{at}: holds for one machine only: {found.group()}"
    if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in (*ROOMS, TESTS):
        if len(lines) > FILE_LINES:
            yield f"{name}: {len(lines)} lines, {FILE_LINES} at most"
        for node in ast.walk(ast.parse("\n".join(lines))):
            yield from (f"{name}:{fault}" for fault in _code_faults(name, node))


def _code_faults(name: str, node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        length = (node.end_lineno or node.lineno) - node.lineno + 1
        if length > FUNCTION_LINES:
            yield f"{node.lineno}: {node.name} has {length} lines, {FUNCTION_LINES} at most"
    elif isinstance(node, ast.Import | ast.ImportFrom) and not name.startswith(("core/", f"{TESTS}/")):
        # `from core import accounts` is the face, `import core.accounts` is not; import-linter can't tell them apart.
        modules = [node.module or ""] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names]
        for module in modules:
            if module.startswith("core.") and module != SECOND_FACE:
                yield f"{node.lineno}: {module} is inside core: import from core"


if __name__ == "__main__":
    sys.exit(main())
