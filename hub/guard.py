"""Where the hub may be sent by a tenant's address: the guard against requests to its own network (SSRF).

What is judged are the *resolved* addresses, never the text: `2130706433`, `0x7f.1` and `127.1` are all 127.0.0.1 to a resolver.
The connection is then made to an address that was judged, so a name that resolves to another one meanwhile changes nothing.
"""

import ipaddress
import socket
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from urllib3.exceptions import LocationParseError
from urllib3.util import Url, parse_url

from core import PeerError
from hub.lookups import Lookups, Resolve

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

LOOKUP_S: Final = 5.0
LONGEST_URL: Final = 2048
PORTS: Final = {"http": 80, "https": 443}
# The only block that IANA gives out to hosts; everything else in IPv6 is local, multicast, or a way to say an IPv4 address.
_UNICAST: Final = ipaddress.ip_network("2000::/3")
# Global to Python's `ipaddress`, and yet ways into a network: Teredo (RFC 4380), 6to4 (RFC 3056) and its anycast relays (RFC 3068),
# and the address under which a large cloud answers its own machines.
_REFUSED: Final = tuple(map(ipaddress.ip_network, ("2001::/32", "2002::/16", "192.88.99.0/24", "168.63.129.16/32")))


@dataclass(frozen=True, slots=True)
class Target:
    """An address to call that was judged: `host` is for the Host header and the certificate, `addresses` are for the socket."""

    url: str
    scheme: str
    host: str
    port: int
    addresses: tuple[str, ...]


def system_resolver(host: str, port: int) -> Sequence[str]:
    """The addresses of a name as the machine sees it, in its order of preference. Raises OSError."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


@dataclass(frozen=True, slots=True)
class Guard:
    """Judges addresses. `allow` are networks let through whatever they are, on any port (SMSHUB_HOOK_ALLOW)."""

    allow: tuple[Network, ...] = ()
    resolve: Resolve = system_resolver
    lookups: Lookups = field(default_factory=Lookups, repr=False, compare=False)

    def vet(self, url: str, seconds: float = LOOKUP_S) -> Target:
        """The addresses that this URL may be called at. Raises PeerError: `rejected` for a forbidden one, `unavailable` for an unknown name.

        seconds: how long a name may be looked up, LOOKUP_S at most.
        """
        parts = _parsed(url)
        scheme, host = str(parts.scheme), str(parts.host).strip("[]")
        port = parts.port or PORTS[scheme]
        fit = [
            address
            for address in map(_unmapped, self._addresses(host, port, min(seconds, LOOKUP_S)))
            if self._lets(address, port)
        ]
        if not fit:
            raise PeerError("rejected", "the address is not public, or its port is neither 80 nor 443")
        return Target(str(parts), scheme, host, port, tuple(dict.fromkeys(map(str, fit))))

    def names(self, target: Target) -> bool:
        """Whether the operator named the networks of all its addresses."""
        addresses = map(ipaddress.ip_address, target.addresses)
        return all(any(address in network for network in self.allow) for address in addresses)

    def _addresses(self, host: str, port: int, seconds: float) -> Sequence[Address]:
        try:
            return [ipaddress.ip_address(host)]
        except ValueError:
            pass  # a name, or one of the many other spellings of an address: the resolver knows
        try:
            found = self.lookups.within(seconds, self.resolve, host, port)
            return [ipaddress.ip_address(address.partition("%")[0]) for address in found]
        except (OSError, ValueError):  # UnicodeError, for a label over 63 letters, is a ValueError
            raise PeerError("unavailable", "the name of the host has no address") from None

    def _lets(self, address: Address, port: int) -> bool:
        if any(address in network for network in self.allow):
            return True
        return port in PORTS.values() and is_public(address)


def is_public(address: Address) -> bool:
    """Whether an address is a host's on the public internet.

    `is_global` alone lets multicast through, and every IPv6 form that carries an IPv4 address: NAT64 (64:ff9b::/96), 6to4, Teredo.
    """
    plain = _unmapped(address)
    if isinstance(plain, ipaddress.IPv6Address) and plain not in _UNICAST:
        return False
    return plain.is_global and not plain.is_multicast and not any(plain in network for network in _REFUSED)


def _unmapped(address: Address) -> Address:
    """::ffff:127.0.0.1 is 127.0.0.1."""
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _parsed(url: str) -> Url:
    if len(url) > LONGEST_URL or any(letter <= " " or letter == "\x7f" for letter in url):
        raise PeerError("rejected", f"the address is longer than {LONGEST_URL} characters, or has blanks in it")
    try:
        parts = parse_url(url)
    except LocationParseError:
        raise PeerError("rejected", "this is not an address") from None
    if parts.scheme not in PORTS or not parts.host or parts.port == 0:
        raise PeerError("rejected", "the address must begin with https:// or http:// and name a host")
    if parts.auth is not None:
        raise PeerError("rejected", "the address must not hold a user name or password")
    return parts
