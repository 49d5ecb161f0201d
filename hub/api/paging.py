"""Cursors: where a list goes on, opaque to callers. Signed, and bound to the account and the list, so that none can be made up."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence
from typing import Final

from core import Refused
from hub import secret_keys

DEFAULT_LIMIT: Final = 50
MOST: Final = 200
_SIGNATURE_BYTES: Final = 16


class Cursors:
    """Signs with the first secret key, verifies with any of them."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._keys = secret_keys.derived(keys, "cursor")

    def sign(self, account_id: str, operation: str, after: str) -> str:
        """The cursor for `after`, the key of the last item shown."""
        signed = _signature(self._keys[0], account_id, operation, after.encode()) + after.encode()
        return base64.urlsafe_b64encode(signed).decode().rstrip("=")

    def read(self, account_id: str, operation: str, cursor: str) -> str:
        """The `after` of a cursor. Refuses (`invalid_cursor`) one that was tampered with, or that is another's."""
        try:
            signed = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise _refusal() from None
        signature, after = signed[:_SIGNATURE_BYTES], signed[_SIGNATURE_BYTES:]
        if not any(hmac.compare_digest(signature, _signature(key, account_id, operation, after)) for key in self._keys):
            raise _refusal()
        return after.decode()


def _signature(key: bytes, account_id: str, operation: str, after: bytes) -> bytes:
    return hmac.digest(key, f"{account_id}\n{operation}\n".encode() + after, hashlib.sha256)[:_SIGNATURE_BYTES]


def _refusal() -> Refused:
    return Refused.at(
        "/cursor",
        "invalid_cursor",
        "This cursor is not one of this list: take next_cursor as it was given, or begin again without.",
    )
