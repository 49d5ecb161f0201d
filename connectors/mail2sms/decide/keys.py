"""The keys of what a mail sends: the same mail again has the same ones, however it came. Pure."""

import hashlib

from connectors.mail2sms.mail import Headers, Proof


def identity(headers: Headers, digest: str, proof: Proof) -> str:
    """What tells a mail from others: its Message-ID, or what stands for one where it has none. digest: of its body.

    Nothing that somebody else may have changed: of a mail whose signature leaves Message-ID out, what was signed, and when.
    """
    if headers.message_id and ("message-id" in proof.covered or not proof.signed_body):
        return headers.message_id
    if proof.signed_body:
        return _hashed(headers.sender, proof.signed_body, str(proof.signed_at))
    return _hashed(headers.sender, str(headers.date), *sorted(headers.to), headers.subject, digest)


def key(account_id: str, mail: str, recipient: str) -> str:
    """Of a mail and one recipient. Message-IDs can be made up: by the account nobody else's are in the way."""
    return _hashed(account_id, mail, recipient)


def changed(of: str, digest: str) -> str:
    """Of the same mail and recipient with another body."""
    return _hashed(of, digest)


def _hashed(*parts: str) -> str:
    """With the length of each, so that no two lists of parts are one text."""
    whole = "".join(f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()
