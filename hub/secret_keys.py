"""The operator's secret keys: made once and kept in the data folder when none are given, and one key for each purpose out of them.

The first key signs and seals, all of them verify and open: docs/operations.md says how they are rotated.
"""

import hashlib
import hmac
import secrets
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from core import Refused
from hub.settings import SHORTEST_KEY, Settings

FILE_NAME = "secret_keys"


def of(settings: Settings) -> tuple[str, ...]:
    """The keys that were set; without any, those kept in the data folder (SQLite only: `read` has refused otherwise)."""
    return settings.secret_keys or kept(settings.data / FILE_NAME)


def kept(path: Path) -> tuple[str, ...]:
    """The keys in this file, a line each, newest first. One is made at the first call, readable by its owner alone; two processes at

    once agree on it. Refuses (`invalid_settings`) a file that holds something else: a short key would seal as if it were one.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        "w", encoding="ascii", dir=path.parent, prefix=f"{path.name}."
    ) as made:  # its mode is 600
        made.write(f"{secrets.token_hex(32)}\n")
        made.flush()
        with suppress(FileExistsError):  # made before, or by a process that was quicker: its key is the one
            path.hardlink_to(made.name)
    keys = tuple(line.strip() for line in path.read_text(encoding="utf-8").splitlines() if line.strip())
    if not keys or any(len(key) < SHORTEST_KEY for key in keys):
        detail = (
            f"The file {path} must hold keys, a line each, the first signs; each {SHORTEST_KEY} characters or more."
        )
        raise Refused("invalid_settings", detail)
    return keys


def derived(keys: Sequence[str], purpose: str) -> tuple[bytes, ...]:
    """A key of 32 bytes for this purpose alone out of each secret key (HMAC-SHA256 as a key derivation function)."""
    return tuple(hmac.digest(key.encode(), purpose.encode(), hashlib.sha256) for key in keys)
