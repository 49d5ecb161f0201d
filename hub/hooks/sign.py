"""Signatures by the Standard Webhooks rules (github.com/standard-webhooks/standard-webhooks, spec/standard-webhooks.md).

Signed is `id.timestamp.body` with HMAC-SHA256, written `v1,` and base64. While a secret is being rotated there are two signatures
with a space between them, and a receiver that holds either secret is content.
"""

import base64
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Final

PREFIX: Final = "whsec_"
SECRET_BYTES: Final = 32  # the rules want 24 to 64


def secret_of(noise: bytes) -> str:
    """A secret as its owner sees it: whsec_ and base64."""
    return PREFIX + base64.b64encode(noise).decode()


def signature(secret: str, webhook_id: str, timestamp: int, body: bytes) -> str:
    """One signature; `timestamp` is in seconds."""
    key = base64.b64decode(secret.removeprefix(PREFIX))
    signed = b".".join((webhook_id.encode(), str(timestamp).encode(), body))
    return "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode()


def headers(secrets: Sequence[str], webhook_id: str, now: int, body: bytes) -> Mapping[str, str]:
    """The three headers of an attempt made at `now` (ms): the id stays the same from attempt to attempt, the time does not."""
    seconds = now // 1000
    signatures = " ".join(signature(secret, webhook_id, seconds, body) for secret in secrets)
    return {"webhook-id": webhook_id, "webhook-timestamp": str(seconds), "webhook-signature": signatures}
