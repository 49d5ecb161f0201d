"""Settings: read once from the environment (`SMSHUB_*` and `PORT`), checked as a whole, and never looked up again.

Every fault is named in one message, so that an operator mends them all at once. A name that nobody knows but that looks like one
of ours is a fault too: a misspelt setting would silently leave its default in force.
"""

import difflib
import ipaddress
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

from core import Fault, Refused, hours

SHORT_CODE: Final = "36034"
OPT_OUT_ADDRESS: Final = "stop.test"
SHORTEST_KEY: Final = 32

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = tuple[str, int]

_ONE_SIMULATOR: Final = ({"name": "simulator", "kind": "simulator", "answer_ms": 5, "receipt_ms": 2000},)
_CARRIER_KINDS: Final = ("simulator", "http", "smpp")
# Read elsewhere: by the command line as a client, by the fault points of tests.
_ELSEWHERE: Final = ("SMSHUB_URL", "SMSHUB_API_KEY", "SMSHUB_CRASH_AT")
_OF_CONNECTORS: Final = "SMSHUB_CONNECTOR_"


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator set. `given` holds the names that were set by hand, for those whose default is only good for a trial."""

    data: Path = Path("data")
    host: str = "127.0.0.1"
    port: int = 8080
    database_url: str = ""
    redis_url: str | None = None
    # A batch of single sends costs a commit whatever its size: on two cores one process, with twice as large ones, takes more than two do.
    web_processes: int = field(default_factory=lambda: max(1, len(os.sched_getaffinity(0)) // 2))
    web_threads: int = 16  # what waits for a group commit needs none
    public_url: str = ""
    secret_keys: tuple[str, ...] = ()
    carriers: Sequence[Mapping[str, Any]] = _ONE_SIMULATOR
    tariff: Path | None = None
    short_code: str = SHORT_CODE
    opt_out_address: str = OPT_OUT_ADDRESS
    sending_hours: hours.Hours | None = None
    smtp_url: str | None = None
    mail_from: str = "smshub@localhost"
    smpp_listen: Address | None = None
    smtp_listen: Address | None = None
    dns: str | None = None
    hook_allow: tuple[Network, ...] = ()
    rate_per_minute: int = 600_000
    signup: str | None = None  # open, closed; see signup_open
    trusted_proxies: tuple[Network, ...] = (ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128"))
    log_level: str = "info"
    eloqua_client_id: str | None = None
    eloqua_client_secret: str | None = None
    options: Mapping[str, str] = field(default_factory=dict, repr=False)  # of connectors: <connector>_<option>
    given: frozenset[str] = field(default_factory=frozenset)

    @property
    def sqlite(self) -> bool:
        return self.database_url.startswith("sqlite")

    @property
    def simulated(self) -> bool:
        """Nothing leaves the house: every carrier is a simulator."""
        return all(carrier["kind"] == "simulator" for carrier in self.carriers)

    @property
    def signup_open(self) -> bool:
        """Whether anybody may make an account. Unless it was said, only on a trial: a real carrier texts people at the operator's cost."""
        return self.simulated if self.signup is None else self.signup == "open"


def read(environ: Mapping[str, str]) -> Settings:
    """The settings out of an environment. Raises Refused (`invalid_settings`) with a fault for each thing that is wrong.

    An empty variable is the same as an absent one. Secret keys are not made here: see `hub.secret_keys`.
    """
    values: dict[str, Any] = {"options": _options(environ)}
    faults = list(_misspelt(environ))
    for name, (attribute, reader) in _READERS.items():
        if text := environ.get(name, "").strip():
            try:
                values[attribute] = reader(text)
            except (ValueError, Refused) as wrong:
                faults.append(Fault(name, wrong.detail if isinstance(wrong, Refused) else str(wrong)))
    settings = _completed(values)
    faults.extend(_contradictions(settings, faults))
    if faults:
        raise _refusal(faults)
    return settings


def trial_faults(settings: Settings, real: Sequence[str]) -> list[Fault]:
    """Why the carriers called `real` (their traits say so) may not start on these settings; nothing when there are none.

    A simulator may run on made-up ways out and at any hour; people may not be texted so.
    """
    if not real:
        return []
    named = f"must be set before a real carrier ({', '.join(real)}) starts"
    missing = [name for name in ("SMSHUB_SHORT_CODE", "SMSHUB_OPT_OUT_ADDRESS") if name not in settings.given]
    if settings.sending_hours is None:
        missing.append("SMSHUB_SENDING_HOURS")
    return [Fault(name, f"{named}: {_WHY[name]}") for name in missing]


def check_real(settings: Settings, real: Sequence[str]) -> None:
    """Refuse to start real carriers on the defaults of a trial."""
    if faults := trial_faults(settings, real):
        raise _refusal(faults)


_WHY: Final = {
    "SMSHUB_SHORT_CODE": "the code that French recipients answer STOP to",
    "SMSHUB_OPT_OUT_ADDRESS": "the short address of the public opt-out page",
    "SMSHUB_SENDING_HOURS": "JSON, or the path of a JSON file (core/sending/hours.example.json shows one)",
}


def _refusal(faults: Sequence[Fault]) -> Refused:
    lines = "".join(f"\n  {fault.pointer}: {fault.message}" for fault in faults)
    return Refused("invalid_settings", f"The settings can't be used:{lines}", tuple(faults))


def _completed(values: dict[str, Any]) -> Settings:
    """Fill in what follows from other settings."""
    given = frozenset(name for name, (attribute, _) in _READERS.items() if attribute in values)
    settings = Settings(**values, given=given)
    database = settings.database_url or f"sqlite:///{settings.data.absolute() / 'smshub.db'}"
    public = settings.public_url or f"http://{_in_url(settings.host)}:{settings.port}"
    return Settings(**(values | {"database_url": database, "public_url": public, "given": given}))


def _in_url(host: str) -> str:
    """The host as the start page should name it: an address to bind to is not always one to open."""
    if host in ("0.0.0.0", "::"):  # noqa: S104 - compared, not bound
        return "127.0.0.1"
    return f"[{host}]" if ":" in host else host


def _contradictions(settings: Settings, known: Sequence[Fault]) -> Iterator[Fault]:
    at_fault = {fault.pointer for fault in known}
    if not settings.sqlite and not settings.secret_keys and "SMSHUB_SECRET_KEYS" not in at_fault:
        yield Fault("SMSHUB_SECRET_KEYS", f"is required with PostgreSQL, so that all processes share it: {_KEYS_HELP}")


def _options(environ: Mapping[str, str]) -> Mapping[str, str]:
    """What connectors are told: SMSHUB_CONNECTOR_PARCELS_LISTEN is parcels_listen. Each knows its own options, nobody all of them."""
    ours = {name: text.strip() for name, text in environ.items() if name.startswith(_OF_CONNECTORS)}
    return {name.removeprefix(_OF_CONNECTORS).lower(): text for name, text in ours.items() if text}


def _misspelt(environ: Mapping[str, str]) -> Iterator[Fault]:
    known = (*_READERS, *_ELSEWHERE)
    for name in sorted(environ.keys() - set(known)):
        if name.startswith(_OF_CONNECTORS):
            continue
        ours = name.upper().startswith(("SMSHUB", "SMS_HUB"))
        near = difflib.get_close_matches(name.upper(), known, n=1, cutoff=0.8) if ours else []
        if near:
            yield Fault(name, f"is not a setting; did you mean {near[0]}?")


def _port(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or not 0 < int(text) < 1 << 16:
        raise ValueError(f"must be a port from 1 to 65535, not {text!r}")
    return int(text)


def _rate(text: str) -> int:
    if not text.isascii() or not text.isdecimal() or int(text) == 0:
        raise ValueError("must be a whole number of requests a minute above 0")
    return int(text)


def _up_to(most: int) -> Callable[[str], int]:
    def read_count(text: str) -> int:
        if not text.isascii() or not text.isdecimal() or not 0 < int(text) <= most:
            raise ValueError(f"must be a whole number from 1 to {most}")
        return int(text)

    return read_count


def _listen(text: str) -> Address:
    host, colon, port = text.rpartition(":")
    if not colon or not host:
        raise ValueError(f"must be host:port, such as 127.0.0.1:2775, not {text!r}")
    return host.strip("[]"), _port(port)


def _file(text: str) -> Path:
    if not Path(text).is_file():
        raise ValueError(f"there is no file {text}")
    return Path(text)


def _database(text: str) -> str:
    if re.match(r"sqlite:///.", text):
        return text
    if re.match(r"postgres(?:ql)?(?:\+psycopg)?://", text):
        return re.sub(r"^postgres(?:ql)?(?:\+psycopg)?://", "postgresql://", text)
    raise ValueError("must be sqlite:///path/to/file.db or postgresql://user:password@host/name")


def _url(*schemes: str, path: bool = True) -> Callable[[str], str]:
    def read_url(text: str) -> str:
        parts = urlsplit(text)
        if parts.scheme not in schemes or not (parts.netloc or parts.path):
            raise ValueError(f"must be an address that begins with {' or '.join(f'{scheme}://' for scheme in schemes)}")
        if not path and (parts.path.strip("/") or parts.query or parts.fragment):
            raise ValueError("must be a scheme and a host without a path, such as https://sms.example.com")
        return text.rstrip("/")

    return read_url


_KEYS_HELP: Final = (
    f"one key or several between commas, the first signs; each {SHORTEST_KEY} characters or more (openssl rand -hex 32)"
)


def _keys(text: str) -> tuple[str, ...]:
    keys = tuple(key.strip() for key in text.split(",") if key.strip())
    if not keys or any(len(key) < SHORTEST_KEY for key in keys):
        raise ValueError(f"must be {_KEYS_HELP}")
    return keys


def _json(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as wrong:
        raise ValueError(f"is not JSON: {wrong}") from None


def _carriers(text: str) -> Sequence[Mapping[str, Any]]:
    listed = _json(text)
    if not isinstance(listed, list) or not listed or not all(isinstance(carrier, dict) for carrier in listed):
        raise ValueError('must be a JSON list such as [{"name": "simulator", "kind": "simulator"}]')
    names = [carrier.get("name") for carrier in listed]
    if not all(isinstance(name, str) and name for name in names) or len(set(names)) < len(names):
        raise ValueError("each carrier needs a name of its own")
    if unknown := [carrier.get("kind") for carrier in listed if carrier.get("kind") not in _CARRIER_KINDS]:
        raise ValueError(f"a carrier's kind must be one of {', '.join(_CARRIER_KINDS)}, not {unknown[0]!r}")
    return tuple(listed)


def _short_code(text: str) -> str:
    if not re.fullmatch(r"[0-9]{3,15}", text):
        raise ValueError("must be the digits of a short code or long number, such as 36034")
    return text


def _opt_out_address(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9.\-/]{2,39}", text):
        raise ValueError("must be a short address without https://, such as stop.example")
    return text


def _sending_hours(text: str) -> hours.Hours:
    return hours.read(_json(text if text.startswith("{") else _file(text).read_text(encoding="utf-8")))


def _networks(text: str) -> tuple[Network, ...]:
    return tuple(ipaddress.ip_network(part.strip()) for part in text.split(",") if part.strip())


def _signup(text: str) -> str:
    if text not in ("open", "closed"):
        raise ValueError("must be open (anybody may make an account) or closed (the operator makes them)")
    return text


def _level(text: str) -> str:
    levels = ("debug", "info", "warning", "error")
    if text.lower() not in levels:
        raise ValueError(f"must be one of {', '.join(levels)}")
    return text.lower()


_READERS: Final[Mapping[str, tuple[str, Callable[[str], Any]]]] = {
    "PORT": ("port", _port),
    "SMSHUB_HOST": ("host", str),
    "SMSHUB_DATA": ("data", Path),
    "SMSHUB_DATABASE_URL": ("database_url", _database),
    "SMSHUB_REDIS_URL": ("redis_url", _url("redis", "rediss", "unix", "redis+socket")),
    "SMSHUB_WEB_PROCESSES": ("web_processes", _up_to(256)),
    "SMSHUB_WEB_THREADS": ("web_threads", _up_to(1000)),
    "SMSHUB_PUBLIC_URL": ("public_url", _url("http", "https", path=False)),
    "SMSHUB_SECRET_KEYS": ("secret_keys", _keys),
    "SMSHUB_CARRIERS": ("carriers", _carriers),
    "SMSHUB_TARIFF": ("tariff", _file),
    "SMSHUB_SHORT_CODE": ("short_code", _short_code),
    "SMSHUB_OPT_OUT_ADDRESS": ("opt_out_address", _opt_out_address),
    "SMSHUB_SENDING_HOURS": ("sending_hours", _sending_hours),
    "SMSHUB_SMTP_URL": ("smtp_url", _url("smtp", "smtps")),
    "SMSHUB_MAIL_FROM": ("mail_from", str),
    "SMSHUB_SMPP_LISTEN": ("smpp_listen", _listen),
    "SMSHUB_SMTP_LISTEN": ("smtp_listen", _listen),
    "SMSHUB_DNS": ("dns", str),
    "SMSHUB_HOOK_ALLOW": ("hook_allow", _networks),
    "SMSHUB_RATE_PER_MINUTE": ("rate_per_minute", _rate),
    "SMSHUB_SIGNUP": ("signup", _signup),
    "SMSHUB_TRUSTED_PROXIES": ("trusted_proxies", _networks),
    "SMSHUB_LOG_LEVEL": ("log_level", _level),
    "SMSHUB_ELOQUA_CLIENT_ID": ("eloqua_client_id", str),
    "SMSHUB_ELOQUA_CLIENT_SECRET": ("eloqua_client_secret", str),
}
