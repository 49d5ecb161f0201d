"""Where a visitor comes from, for the limits: the address of the connection or, behind the operator's own proxy, what the proxy says."""

import ipaddress
from collections.abc import Sequence

from flask import request

from hub.console.house import house
from hub.people.attempts import network_of
from hub.settings import Network


def visitor() -> str:
    """The network of whoever asks now."""
    forwarded = request.headers.get("X-Forwarded-For", "")
    return network_of(address(request.remote_addr or "", forwarded, house().settings.trusted_proxies))


def address(connected: str, forwarded: str, trusted: Sequence[Network]) -> str:
    """The last address that no trusted proxy has: whatever stands before it may be made up by the visitor."""
    said = [connected, *(part.strip() for part in reversed(forwarded.split(",")) if part.strip())]
    return next((one for one in said if not _is_among(one, trusted)), said[-1])


def _is_among(text: str, networks: Sequence[Network]) -> bool:
    try:
        found = ipaddress.ip_address(text)
    except ValueError:  # a proxy that is trusted writes addresses: what is none comes from before it
        return False
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return any((mapped or found) in network for network in networks)
