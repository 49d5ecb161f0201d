"""Whose domain is whose (DMARC, RFC 7489): a proof for one domain counts for another if they are one organisation's, and that does not object."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Final, Literal

from publicsuffixlist import PublicSuffixList

from connectors.mail2sms.authenticate.resolver import Lookup

Mechanism = Literal["adkim", "aspf"]

MOST_RECORD_BYTES: Final = 4096
_LABEL: Final = r"[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?"
_HOST: Final = re.compile(rf"(?=.{{1,253}}\Z){_LABEL}(?:\.{_LABEL})*")


def is_host(text: str) -> bool:
    """Whether it is the name of a domain, in ASCII and lower case."""
    return _HOST.fullmatch(text) is not None


@cache
def _suffixes() -> PublicSuffixList:
    """Once in a process: its reading takes a while."""
    return PublicSuffixList()


def organisation(domain: str) -> str | None:
    """The domain that somebody registered (RFC 7489 section 3.2): example.co.uk of mail.example.co.uk. None of co.uk."""
    found = _suffixes().privatesuffix(domain)
    return None if found is None else str(found)


@dataclass(slots=True)
class Alignment:
    """What counts for the domain in From. Its DMARC record is only asked for where it makes a difference."""

    domain: str
    lookup: Lookup
    _strict: frozenset[str] | None = field(default=None, init=False)

    def is_possible(self, domain: str) -> bool:
        """Whether a proof for this domain may count."""
        return domain == self.domain or organisation(domain) == organisation(self.domain) is not None

    def holds(self, domain: str, mechanism: Mechanism) -> bool:
        """Whether it does (RFC 7489 section 3.1). Raises NoAnswer."""
        return domain == self.domain or (self.is_possible(domain) and mechanism not in self._strict_ones())

    def _strict_ones(self) -> frozenset[str]:
        if self._strict is None:
            self._strict = strict(self._record())
        return self._strict

    def _record(self) -> bytes:
        """The domain's, else its organisation's (section 6.6.3), else nothing: then relaxed is the rule."""
        own = _only(self.lookup(f"_dmarc.{self.domain}"))
        above = organisation(self.domain)
        if own or above is None or above == self.domain:
            return own
        return _only(self.lookup(f"_dmarc.{above}"))


def strict(record: bytes) -> frozenset[str]:
    """Which mechanisms a DMARC record wants to be of the very domain."""
    tags = [part.partition(b"=") for part in record[:MOST_RECORD_BYTES].lower().split(b";")]
    said = {name.strip(): value.strip() for name, _, value in tags}
    return frozenset(name for name in ("adkim", "aspf") if said.get(name.encode()) == b"s")


_RECORD: Final = re.compile(rb"v[ \t]*=[ \t]*DMARC1[ \t]*(?:;|\Z)")


def _only(records: Sequence[bytes]) -> bytes:
    """The one DMARC record among TXT records; nothing where there are several."""
    found = [record for record in records if _RECORD.match(record)]
    return found[0] if len(found) == 1 else b""
