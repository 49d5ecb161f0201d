"""Secrets at rest: sealed with AES-256-GCM, bound to the row they stand in, and naming the key that opens them.

A sealed secret copied into another row (another account's, say) does not open: the row's name is authenticated with it
(`aad`, as "table|row id|account id"). Form: key id, a colon, base64url of the 96-bit nonce and the ciphertext with its tag.
"""

import base64
import hashlib
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from hub import secret_keys

_PURPOSE: Final = "secrets at rest"
_NONCE_BYTES: Final = 12
ID_LENGTH: Final = 8  # characters of a key's id


class Unreadable(Exception):  # noqa: N818 - what the secret is
    """A sealed secret that this hub cannot open: its key is not among the operator's, or it is not of this row."""


@dataclass(frozen=True, slots=True)
class Keys:
    """Keys by their ids; the one called `first` seals, each opens what it sealed."""

    first: str
    by_id: Mapping[str, bytes] = field(repr=False)


def keys_from(secrets: Sequence[str]) -> Keys:
    """The sealing keys out of the operator's secret keys (SMSHUB_SECRET_KEYS, newest first). Raises ValueError without any."""
    if not secrets:
        raise ValueError("there is no secret key to seal with")
    made = secret_keys.derived(secrets, _PURPOSE)
    return Keys(_id(made[0]), {_id(key): key for key in made})


def seal(keys: Keys, aad: str, plaintext: bytes) -> str:
    """The secret, sealed for the row that `aad` names. The nonce is the system's, drawn anew each time."""
    nonce = os.urandom(_NONCE_BYTES)
    sealed = AESGCM(keys.by_id[keys.first]).encrypt(nonce, plaintext, aad.encode())
    return f"{keys.first}:{base64.urlsafe_b64encode(nonce + sealed).decode()}"


def open_(keys: Keys, aad: str, sealed: str) -> bytes:
    """What was sealed for this row. Raises Unreadable, which says whether a key is missing or the secret is not this row's."""
    key_id, _, packed = sealed.partition(":")
    key = keys.by_id.get(key_id)
    if key is None:
        known = ", ".join(keys.by_id)
        raise Unreadable(
            f"sealed with the key {key_id!r}, which is not in SMSHUB_SECRET_KEYS (those have the ids {known}): put it back"
        )
    try:
        raw = base64.b64decode(packed, altchars=b"-_", validate=True)
        return AESGCM(key).decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], aad.encode())
    except (ValueError, InvalidTag):
        raise Unreadable(f"the secret of {aad} was changed, or sealed for another row") from None


def key_of(sealed: str) -> str:
    """The id of the key that opens this secret."""
    return sealed.partition(":")[0]


def _id(key: bytes) -> str:
    """Names a key without telling it."""
    return hashlib.sha256(b"smshub key id" + key).hexdigest()[:ID_LENGTH]
