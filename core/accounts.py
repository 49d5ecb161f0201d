"""Accounts, their people and their API keys."""

import hashlib
import json
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, Final
from zoneinfo import ZoneInfo, available_timezones

import phonenumbers
from sqlalchemy import Row, Select, or_, select, update

from core.credits import ledger
from core.errors import Fault, Refused
from core.prepared import among, listed
from core.runtime import Runtime, Tx
from core.schema import Id, accounts, api_keys, audit, inbound_numbers, senders, users
from core.sender import check_sender

KINDS: Final = ("marketing", "notification")
SCOPES: Final = (
    "messages:send",
    "messages:read",
    "contacts:read",
    "contacts:write",
    "blacklist:write",
    "stats:read",
    "credits:read",
    "credits:transfer",
    "webhooks:manage",
    "account:write",
)
KEY_PREFIX: Final = "smshub_"
LAST_USED_STEP_MS: Final = 60_000  # a key's last use is written at most once a minute


@dataclass(frozen=True, slots=True)
class Account:
    """A customer. `stop` is the default of its notifications; `alert_threshold` is in millicredits, 0 for none."""

    id: str
    name: str
    kind: str
    plan: str
    region: str
    timezone: str
    email: str | None
    default_sender: str | None
    stop: bool
    otp_granted: bool
    alert_threshold: int
    alert_armed: bool
    created_at: int

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.timezone)

    @property
    def purpose(self) -> str:
        """What its messages are for, unless told otherwise."""
        return "notification" if self.kind == "notification" else "marketing"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: an account, through a key with scopes; `source` is api, cli, console or a connector's name."""

    account_id: str
    scopes: frozenset[str]
    source: str
    actor: str
    user: str | None = None


def create(
    tx: Tx,
    name: str,
    *,
    kind: str = "marketing",
    region: str = "FR",
    timezone: str = "Europe/Paris",
    plan: str = "classic",
    email: str | None = None,
    actor: str = "operator",
) -> Account:
    """A new account with an empty balance. Refuses an unknown kind, region or timezone."""
    faults = [
        fault
        for fault in (
            None if name.strip() else Fault("/name", "give the account a name"),
            None if kind in (*KINDS, "system") else Fault("/kind", f"must be one of {', '.join(KINDS)}"),
            _region_fault(region),
            _timezone_fault(timezone),
        )
        if fault
    ]
    if faults:
        raise Refused("invalid_account", faults[0].message, tuple(faults))
    account_id = tx.new_id()
    tx.execute(
        accounts.insert().values(
            id=account_id,
            name=name.strip(),
            kind=kind,
            plan=plan,
            region=region,
            timezone=timezone,
            email=email,
            default_sender=None,
            stop=True,
            otp_granted=False,
            alert_threshold=0,
            alert_armed=True,
            created_at=tx.now,
        )
    )
    ledger.open_account(tx, account_id)
    record(tx, account_id, actor, "account.created", {"name": name, "kind": kind})
    return get(tx, account_id)


def get(tx: Tx, account_id: str) -> Account:
    """The account. Refuses with `not_found`."""
    row = tx.one(select(accounts).where(accounts.c.id == account_id))
    if row is None:
        raise Refused("not_found", "There is no such account.")
    return _account(row)


def get_many(tx: Tx, account_ids: Collection[str]) -> dict[str, Account]:
    """Those of these accounts that there are, by id."""
    rows = tx.all(_those(tx.postgresql), {"accounts": listed(tx, sorted(account_ids))})
    return {row.id: _account(row) for row in rows}


@cache
def _those(postgresql: bool) -> Select[Any]:
    return select(accounts).where(among(accounts.c.id, "accounts", Id, postgresql=postgresql))


def find(tx: Tx, name_or_id: str) -> Account:
    """The account of this id or, for a person at a terminal, of this name."""
    rows = tx.all(
        select(accounts).where(or_(accounts.c.name == name_or_id, accounts.c.id == _as_id(name_or_id))).limit(2)
    )
    if len(rows) != 1:
        raise Refused(
            "not_found", f"{len(rows) or 'No'} account{'s' if rows else ''} called {name_or_id!r}: give its id."
        )
    return _account(rows[0])


def everyone(tx: Tx, limit: int = 1000) -> list[Account]:
    """Accounts in the order of their creation, the hub's own left out."""
    rows = tx.all(select(accounts).where(accounts.c.kind != "system").order_by(accounts.c.id).limit(limit))
    return [_account(row) for row in rows]


def system(tx: Tx) -> Account:
    """The hub's own account: it sends what belongs to no customer, at no price."""
    row = tx.one(select(accounts).where(accounts.c.kind == "system").order_by(accounts.c.id))
    return _account(row) if row else create(tx, "smshub", kind="system")


def change(tx: Tx, account_id: str, changes: Mapping[str, Any], actor: str) -> Account:
    """Apply a PATCH of /me: region, timezone, default_sender, stop, account_name. Refuses what the rules forbid."""
    account = get(tx, account_id)
    new = {"name" if key == "account_name" else key: value for key, value in changes.items()}
    if fault := _region_fault(new.get("region", account.region)) or _timezone_fault(
        new.get("timezone", account.timezone)
    ):
        raise Refused("invalid_account", fault.message, (fault,))
    if new.get("stop") is False and account.kind == "marketing":
        raise Refused.at("/stop", "stop_required", "A marketing account cannot send without the STOP mention.")
    if new.get("default_sender"):
        new["default_sender"] = check_sender(tx, account_id, new["default_sender"], pointer="/default_sender")
        _remember_sender(tx, account_id, new["default_sender"])
    if new:
        tx.execute(update(accounts).where(accounts.c.id == account_id).values(**new))
        record(tx, account_id, actor, "account.changed", dict(changes))
    return get(tx, account_id)


def become(tx: Tx, account_id: str, kind: str, actor: str) -> Account:
    """Only an operator changes the kind; a marketing account always has the mention on."""
    if kind not in KINDS:
        raise Refused.at("/kind", "invalid_account", f"kind must be one of {', '.join(KINDS)}")
    values: dict[str, Any] = {"kind": kind} | ({"stop": True} if kind == "marketing" else {})
    tx.execute(update(accounts).where(accounts.c.id == account_id).values(**values))
    record(tx, account_id, actor, "account.kind", {"kind": kind})
    return get(tx, account_id)


def grant_otp(tx: Tx, account_id: str, *, granted: bool, actor: str) -> None:
    """Only an operator lets an account send one-time passwords, which pass opt-outs."""
    tx.execute(update(accounts).where(accounts.c.id == account_id).values(otp_granted=granted))
    record(tx, account_id, actor, "account.otp", {"granted": granted})


def set_email(tx: Tx, account_id: str, email: str | None, actor: str) -> None:
    """Where the account's alerts go; None for nowhere."""
    if email is not None and "@" not in email:
        raise Refused.at("/email", "invalid_account", "This is not an e-mail address.")
    tx.execute(update(accounts).where(accounts.c.id == account_id).values(email=email))
    record(tx, account_id, actor, "account.email", {})


def create_user(tx: Tx, account_id: str, email: str, role: str, password_hash: str | None, actor: str) -> str:
    """A person of an account; the id. Refuses an address already known."""
    address = email.strip().lower()
    if tx.one(select(users.c.id).where(users.c.email == address)):
        raise Refused.at("/email", "email_taken", "This address already has a user.")
    user_id = tx.new_id()
    row = {"id": user_id, "account_id": account_id, "email": address, "role": role, "password_hash": password_hash}
    tx.execute(users.insert().values(**row, created_at=tx.now))
    record(tx, account_id, actor, "user.created", {"user_id": user_id, "role": role})
    return user_id


def create_key(tx: Tx, account_id: str, name: str, scopes: Sequence[str], secret: str, actor: str) -> str:
    """Store a key's hash; `secret` is at least 256 random bits, so SHA-256 needs no salt. The key's id."""
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown:
        raise Refused.at(
            "/scopes", "unknown_scope", f"Unknown scope: {', '.join(unknown)}. Known: {', '.join(SCOPES)}."
        )
    key_id = tx.new_id()
    tx.execute(
        api_keys.insert().values(
            id=key_id,
            account_id=account_id,
            name=name,
            prefix=secret[: len(KEY_PREFIX) + 6],
            secret_hash=hash_secret(secret),
            scopes=json.dumps(sorted(scopes)),
            created_at=tx.now,
        )
    )
    record(tx, account_id, actor, "key.created", {"key_id": key_id})
    return key_id


def revoke_key(tx: Tx, account_id: str, key_id: str, actor: str) -> None:
    """From now on nobody gets in by it."""
    mine = (api_keys.c.id == key_id) & (api_keys.c.account_id == account_id)
    if not tx.execute(update(api_keys).where(mine, api_keys.c.revoked_at.is_(None)).values(revoked_at=tx.now)):
        raise Refused("not_found", "There is no such key, or it is revoked already.")
    record(tx, account_id, actor, "key.revoked", {"key_id": key_id})


def keys(tx: Tx, account_id: str) -> list[dict[str, Any]]:
    """The account's keys, without secrets."""
    shown = (api_keys.c.id, api_keys.c.name, api_keys.c.prefix, api_keys.c.scopes, api_keys.c.created_at)
    rows = tx.all(
        select(*shown, api_keys.c.last_used_at, api_keys.c.revoked_at).where(api_keys.c.account_id == account_id)
    )
    return [row._asdict() | {"scopes": json.loads(row.scopes)} for row in rows]


def by_key(runtime: Runtime, secret: str) -> Caller | None:
    """Whose key this is; None if it is nobody's or revoked."""
    with runtime.read() as tx:
        row = tx.one(
            select(api_keys).where(api_keys.c.secret_hash == hash_secret(secret), api_keys.c.revoked_at.is_(None))
        )
        now = tx.now
    if row is None:
        return None
    if now - (row.last_used_at or 0) > LAST_USED_STEP_MS:
        with runtime.begin() as tx:
            tx.execute(update(api_keys).where(api_keys.c.id == row.id).values(last_used_at=now))
    return Caller(row.account_id, frozenset(json.loads(row.scopes)), "api", f"key:{row.id}")


def hash_secret(secret: str) -> str:
    """How a secret is kept: SHA-256 in hexadecimal."""
    return hashlib.sha256(secret.encode()).hexdigest()


def record(tx: Tx, account_id: str | None, actor: str, action: str, detail: Mapping[str, Any]) -> None:
    """Write the audit trail; never a recipient's number or text."""
    row = {"id": tx.new_id(), "account_id": account_id, "actor": actor, "action": action, "at": tx.now}
    tx.execute(audit.insert().values(**row, detail=json.dumps(dict(detail), default=str)))


def inbound(tx: Tx, account_id: str) -> list[Row[Any]]:
    """Where replies to this account arrive: its own numbers and the shared codes."""
    mine = or_(inbound_numbers.c.account_id == account_id, inbound_numbers.c.account_id.is_(None))
    return list(tx.all(select(inbound_numbers).where(mine).order_by(inbound_numbers.c.number)))


def sender_names(tx: Tx, account_id: str) -> list[str]:
    """The names this account has set as its sender."""
    rows = tx.all(select(senders.c.sender).where(senders.c.account_id == account_id).order_by(senders.c.sender))
    return [row.sender for row in rows]


def add_inbound_number(tx: Tx, number: str, carrier: str, country: str, account_id: str | None = None) -> None:
    """Declare where replies arrive; for one account, or shared by all. Doing it again changes nothing."""
    if tx.one(select(inbound_numbers.c.number).where(inbound_numbers.c.number == number)) is None:
        row = {"number": number, "carrier": carrier, "country": country, "account_id": account_id}
        tx.execute(inbound_numbers.insert().values(**row, created_at=tx.now))


def _remember_sender(tx: Tx, account_id: str, sender: str) -> None:
    known = select(senders.c.sender).where(senders.c.account_id == account_id, senders.c.sender == sender)
    if tx.one(known) is None:
        tx.execute(senders.insert().values(account_id=account_id, sender=sender, created_at=tx.now))


def _account(row: Row[Any]) -> Account:
    return Account(**row._asdict())


def _as_id(text: str) -> str:
    """The text if it may be an id; otherwise an id that nothing has, which PostgreSQL can compare."""
    compact = text.replace("-", "")
    looks_like_one = (
        len(text) == 36 and len(compact) == 32 and all(digit in "0123456789abcdefABCDEF" for digit in compact)
    )
    return text.lower() if looks_like_one else "00000000-0000-0000-0000-000000000000"


def _region_fault(region: str) -> Fault | None:
    known = region in phonenumbers.SUPPORTED_REGIONS
    return None if known else Fault("/region", "must be an ISO 3166 country code in capitals, such as FR")


def _timezone_fault(timezone: str) -> Fault | None:
    return (
        None if timezone in available_timezones() else Fault("/timezone", "must be an IANA name such as Europe/Paris")
    )
