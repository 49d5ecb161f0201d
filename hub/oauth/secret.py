"""What is drawn at random and shown once: tokens, codes, and secrets of clients. Their beginnings tell scanners of leaked secrets what they are."""

import base64
from typing import Final

from core import Runtime, accounts

ACCESS: Final = "smshub_at_"
REFRESH: Final = "smshub_rt_"
CODE: Final = "smshub_ac_"
CLIENT: Final = "smshub_cs_"
BYTES: Final = 32


def new(runtime: Runtime, kind: str) -> str:
    """256 random bits after the beginning of their kind."""
    return kind + base64.urlsafe_b64encode(runtime.random.randbytes(BYTES)).decode().rstrip("=")


def digest(secret: str) -> str:
    """How one is kept: so many random bits need neither salt nor a slow hash."""
    return accounts.hash_secret(secret)
