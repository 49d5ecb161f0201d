"""Which text of a mail is meant: the first that is no attachment, plain before HTML; and what can't be one."""

import re
from collections.abc import Iterator
from typing import Final

from connectors.mail2sms.mail import MOST_BYTES, Wrong
from connectors.mail2sms.parse import charset, clean, flowed, html, parts
from connectors.mail2sms.parse.parts import Part

_ENCRYPTED: Final = frozenset({"multipart/encrypted", "application/pgp-encrypted"})
_SMIME: Final = frozenset({"application/pkcs7-mime", "application/x-pkcs7-mime"})
_TNEF: Final = frozenset({"application/ms-tnef", "application/vnd.ms-tnef"})
_CALENDAR: Final = frozenset({"text/calendar", "application/ics"})
_TEXTS: Final = ("text/plain", "text/html")
_META: Final = re.compile(rb"<meta[^>]{0,200}charset=[\"' ]?([\w-]{1,40})", re.IGNORECASE)
_PGP: Final = "-----BEGIN PGP "
_SIGNED: Final = re.compile(
    r"-----BEGIN PGP SIGNED MESSAGE-----\n(?:[A-Za-z]+: [^\n]*\n)*\n(.*?)\n-----BEGIN PGP SIGNATURE-----", re.DOTALL
)


def obstacle(root: Part) -> str | None:
    """Why no text of this mail is meant to be sent, a code of `refusals`; None where nothing speaks against it."""
    found = (_obstacle(part) for part in root.leaves())
    return "encrypted" if root.media.kind in _ENCRYPTED else next((why for why in found if why), None)


def text(raw: bytes, root: Part) -> str | Wrong:
    """The text, clean, with all that is quoted in it. Wrong: `no_body`, `unreadable`, `too_large`, `too_complex`, `encrypted`."""
    for part in _candidates(root, root):
        found = _read(raw, part)
        if isinstance(found, Wrong):
            return found
        plain = clean.clean(found)
        if plain.strip():
            return _unarmoured(plain)
    return Wrong("no_body")


def _obstacle(part: Part) -> str | None:
    media = part.media
    if media.kind in _ENCRYPTED or (
        media.kind in _SMIME and "enveloped" in media.parameters.get("smime-type", "enveloped").lower()
    ):
        return "encrypted"
    if media.kind in _SMIME and "compressed" not in media.parameters.get("smime-type", "").lower():
        return "unreadable"  # signed, with the text within the signature
    if media.kind in _TNEF or media.filename.lower() == "winmail.dat":
        return "winmail"
    return "calendar" if media.kind in _CALENDAR and not media.is_attachment else None


def _candidates(part: Part, root: Part) -> Iterator[Part]:
    """Texts in the order in which they are meant: of alternatives the plain one, of others the first."""
    if part.media.kind == "multipart/alternative":
        found = [leaf for child in part.parts for leaf in _candidates(child, root)]
        yield from sorted(found, key=lambda leaf: _TEXTS.index(leaf.media.kind))
    elif part.parts:
        for child in part.parts:
            yield from _candidates(child, root)
    elif part.media.kind in _TEXTS and (part is root or not part.media.is_attachment):
        yield part


def _read(raw: bytes, part: Part) -> str | Wrong:
    """A part as plain text."""
    data = parts.content(raw, part)
    if data is None:
        return Wrong("unreadable")
    declared = part.media.parameters.get("charset", "")
    if part.media.kind == "text/plain":
        return _flowing(charset.decode(data, declared), part)
    if len(data) > html.MOST:
        return Wrong("too_large", {"most": MOST_BYTES})
    if not charset.is_known(declared) and (found := _META.search(data, 0, 4096)):
        declared = found[1].decode("ascii", "replace")
    try:
        return html.text_of(charset.decode(data, declared))
    except html.DeepError:
        return Wrong("too_complex")


def _flowing(plain: str, part: Part) -> str:
    parameters = part.media.parameters
    if parameters.get("format", "").lower() != "flowed":
        return plain
    return flowed.joined(plain.replace("\r\n", "\n"), delete_space=parameters.get("delsp", "").lower() == "yes")


def _unarmoured(plain: str) -> str | Wrong:
    """The text of an OpenPGP message that is only signed (RFC 9580 section 7), whose lines with a dash have another before them."""
    if not plain.lstrip().startswith(_PGP):
        return plain
    found = _SIGNED.search(plain)
    return re.sub(r"^- ", "", found[1], flags=re.MULTILINE) if found else Wrong("encrypted")
