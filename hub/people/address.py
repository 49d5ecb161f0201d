"""Mail addresses as people type them. Pure."""

import re
from typing import Final

LONGEST: Final = 254  # RFC 5321 section 4.5.3.1.3, less the angle brackets
_ADDRESS: Final = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~\-]{1,64}@[A-Za-z0-9]([A-Za-z0-9.\-]*[A-Za-z0-9])?")


def read(text: str) -> str | None:
    """The address in the form that it is compared in; None where it is none that can be written to.

    The form of the HTML standard's e-mail field: no quoted parts, no comments, nothing that could end a header.
    """
    found = text.strip()
    return found.lower() if len(found) <= LONGEST and _ADDRESS.fullmatch(found) else None
