"""Name servers: TXT records, as this room asks for them. A server that says nothing is told apart from one that says that there is nothing."""

import ipaddress
import socket
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import dns.exception
import dns.resolver

Lookup = Callable[[str], Sequence[bytes]]
"""The TXT records of a name, each joined; () where there are none. Raises NoAnswer where no name server said so."""

ANSWER_S: Final = 3.0  # for all attempts at one name
ATTEMPT_S: Final = 1.0  # a datagram may get lost
REMEMBERED: Final = 1000  # names, each as long as its record's TTL says, or its zone's for what there is not
LONGEST_DATAGRAM: Final = 1232  # bytes: what passes every network in one piece; longer answers come by TCP
PORT: Final = 53

_NO_SUCH_NAME: Final = (
    dns.resolver.NXDOMAIN,
    dns.resolver.YXDOMAIN,
    dns.exception.SyntaxError,
    dns.exception.FormError,
)


class NoAnswer(Exception):  # noqa: N818 - it is no fault of anybody here
    """No name server answered, or none could: whether there is a record is not known."""


def resolver(where: str | None = None) -> Lookup:
    """Asks this name server (host, host:port, [IPv6] or [IPv6]:port), else those of the machine."""
    return _Servers(where)


def place(where: str) -> tuple[str, int]:
    """The host and the port of a name server as an operator writes it. Raises ValueError where that is no port."""
    if where.startswith("["):
        host, _, rest = where[1:].partition("]")
        port = rest.removeprefix(":")
    elif where.count(":") > 1:
        host, port = where, ""
    else:
        host, _, port = where.partition(":")
    number = int(port or PORT)
    if not 0 < number < 65_536:
        raise ValueError(f"{number} is no port")
    return host, number


@dataclass(slots=True)
class _Servers:
    """Made at the first question: a name server that can't be found yet may be there for the next one."""

    where: str | None
    made: dns.resolver.Resolver | None = field(default=None, init=False)

    def __call__(self, name: str) -> Sequence[bytes]:
        try:
            self.made = self.made or _made(self.where)
            answer = self.made.resolve(f"{name}.", "TXT", raise_on_no_answer=False, search=False)
        except _NO_SUCH_NAME:
            return ()
        except (dns.exception.DNSException, OSError, ValueError) as silent:
            raise NoAnswer(f"{name}: {type(silent).__name__}") from silent
        return [b"".join(record.strings) for record in answer.rrset or ()]


def _made(where: str | None) -> dns.resolver.Resolver:
    made = dns.resolver.Resolver(configure=where is None)
    if where is not None:
        host, made.port = place(where)
        made.nameservers = _addresses(host)
    made.lifetime, made.timeout = ANSWER_S, ATTEMPT_S
    made.use_edns(0, 0, LONGEST_DATAGRAM)
    made.cache = dns.resolver.LRUCache(REMEMBERED)
    return made


def _addresses(host: str) -> list[str]:
    try:
        return [str(ipaddress.ip_address(host))]
    except ValueError:
        return sorted({str(found[4][0]) for found in socket.getaddrinfo(host, None, type=socket.SOCK_DGRAM)})
