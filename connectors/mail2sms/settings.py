"""The settings of an installation: their schema, and how they are read."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from connectors.contract import Installation, Schema

_ADDRESS: Final = r"^[^@\s<>,;\"]{0,64}@[A-Za-z0-9.-]{1,253}$"
_COUNT: Final = {"type": "integer", "minimum": 1, "maximum": 1_000_000}


def _text(title: str, description: str, *examples: str, **more: Any) -> Schema:
    return {
        "type": "string",
        "title": title,
        "description": description,
        "minLength": 1,
        "maxLength": 253,
        "examples": list(examples),
        **more,
    }


def _count(title: str, description: str, example: int, **more: Any) -> Schema:
    return {**_COUNT, "title": title, "description": description, "examples": [example], **more}


def _addresses(title: str, description: str, *examples: str) -> Schema:
    items = {"type": "string", "pattern": _ADDRESS, "maxLength": 254, "examples": [examples[0]]}
    return {
        "type": "array",
        "title": title,
        "description": description,
        "items": items,
        "maxItems": 1000,
        "uniqueItems": True,
        "examples": [list(examples)],
    }


OAUTH: Final[Schema] = {
    "type": "object",
    "title": "OAuth 2",
    "description": "Instead of a password, for servers that take none (Google, Microsoft): XOAUTH2 with a token that is renewed by itself",
    "additionalProperties": False,
    "required": ["token_url", "client_id"],
    "properties": {
        "token_url": _text(
            "Token address", "Where tokens are asked for", "https://login.example.org/token", format="uri"
        ),
        "client_id": _text("Client id", "Who we are there", "smshub"),
        "client_secret": _text(
            "Client secret", "What goes with it", "a secret of the client", writeOnly=True, maxLength=4000
        ),
        "refresh_token": _text(
            "Refresh token",
            "From the consent of the mailbox's owner; without one the client's own credentials are used",
            "a refresh token of the owner",
            writeOnly=True,
            maxLength=4000,
        ),
        "scope": _text(
            "Scope", "What is asked for, word for word", "https://outlook.office365.com/.default", maxLength=1000
        ),
    },
}

MAILBOX: Final[Schema] = {
    "type": "object",
    "title": "Mailbox",
    "description": "An IMAP mailbox that mails arrive in. Without one they come by SMTP",
    "additionalProperties": False,
    "required": ["host", "username"],
    "properties": {
        "host": _text("Server", "Its name", "imap.example.org"),
        "port": {
            "type": "integer",
            "title": "Port",
            "description": "993 unless told otherwise (143 with starttls or none)",
            "minimum": 1,
            "maximum": 65535,
            "examples": [993],
        },
        "tls": {
            "type": "string",
            "title": "Encryption",
            "description": "tls from the start, starttls, or none (only towards the machine itself)",
            "enum": ["tls", "starttls", "none"],
            "examples": ["tls"],
        },
        "username": _text("User", "Who signs in", "sms@example.org"),
        "password": _text(
            "Password",
            "A password made for this application, where the server offers those",
            "correct horse battery",
            writeOnly=True,
            maxLength=1000,
        ),
        "folder": _text("Folder", "Where new mails are (INBOX)", "INBOX"),
        "oauth": OAUTH,
    },
}

SETTINGS: Final[Schema] = {
    "type": "object",
    "additionalProperties": False,
    "required": ["domain"],
    "properties": {
        "domain": _text(
            "Domain",
            "Mails to 0612345678@ this domain become SMS. Of an ordinary mailbox, its address: then it is sms+0612345678@. Before its @ there "
            "are 18 characters at most: behind them an address has room for a conversation, and no more",
            "sms.example.org",
            "sms@example.org",
            pattern=r"^([A-Za-z0-9._-]{1,18}@)?[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?(\.[A-Za-z0-9]([A-Za-z0-9-]*[A-Za-z0-9])?)+$",
        ),
        "allowed_senders": _addresses(
            "Allowed senders",
            "Addresses, or @domains, whose mails are sent once they are proven to be theirs",
            "anne@example.org",
            "@shop.example.org",
        ),
        "mailbox": MAILBOX,
        "trusted_authserv_id": _text(
            "Trusted mail server",
            "The name by which your own mail server signs its Authentication-Results (RFC 8601)",
            "mx.example.org",
        ),
        "per_hour": _count("SMS an hour", "The most that one sender's mails send in an hour (100)", 100),
        "per_day": _count("SMS a day", "The most that one sender's mails send in a day (500)", 500),
        "account_per_hour": _count(
            "SMS an hour, all", "The most that all mails together send in an hour (1,000)", 1000
        ),
        "account_per_day": _count("SMS a day, all", "The most that all mails together send in a day (5,000)", 5000),
        "confirm_above": _count(
            "Ask above", "Groups and lists of more people than this are sent once the sender has confirmed (20)", 20
        ),
        "max_segments": {
            "type": "integer",
            "title": "Segments",
            "description": "The longest text of a mail, in billed segments (5)",
            "minimum": 1,
            "maximum": 10,
            "examples": [5],
        },
        "answers": {
            "type": "string",
            "title": "Answers",
            "description": "What senders are told by mail: all, errors, or none. Replies of people come back in any case",
            "enum": ["all", "errors", "none"],
            "examples": ["all"],
        },
        "language": {
            "type": "string",
            "title": "Language",
            "description": "Of our mails",
            "enum": ["en", "fr"],
            "examples": ["fr"],
        },
        "purpose": {
            "type": "string",
            "title": "Purpose",
            "description": "Of messages from mails, unless an address says otherwise; the account's kind where it is not set",
            "enum": ["marketing", "notification"],
            "examples": ["notification"],
        },
        "automatic_senders": _addresses(
            "Machines", "Allowed senders whose mails say that a machine made them (monitoring)", "alerts@example.org"
        ),
        "legacy_subject": {
            "type": "boolean",
            "title": "Old subjects",
            "description": "Take subjects of the form: token | numbers | sender. Off unless needed: subjects are logged and quoted on their way",
            "examples": [False],
        },
    },
}


@dataclass(frozen=True, slots=True)
class Mailbox:
    """Where mails are read. port: 0 for the usual one."""

    host: str
    port: int
    tls: str
    username: str
    folder: str
    password: str | None = field(default=None, repr=False)
    oauth: Mapping[str, str] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Office:
    """An installation, with what was not set as it is then. domain: of the gateway; local: the part before + of an ordinary mailbox, or ""."""

    installation: Installation
    local: str
    domain: str
    allowed: frozenset[str]
    machines: frozenset[str]
    mailbox: Mailbox | None
    authserv_id: str | None
    per_hour: int
    per_day: int
    account_per_hour: int
    account_per_day: int
    confirm_above: int
    max_segments: int
    answers: str
    language: str
    purpose: str | None
    legacy_subject: bool

    @property
    def id(self) -> str:
        return self.installation.id

    @property
    def account_id(self) -> str:
        return self.installation.account_id

    @property
    def prefix(self) -> str:
        """What stands before a number in its addresses: "sms+" where it is an ordinary mailbox."""
        return f"{self.local}+" if self.local else ""

    @property
    def gateway(self) -> str:
        """What tells its addresses from those of others."""
        return f"{self.local}@{self.domain}" if self.local else self.domain

    def allows(self, sender: str) -> bool:
        """Whether this address may send, once it is proven. Exact, but for case."""
        return _among(sender, self.allowed)

    def is_machine(self, sender: str) -> bool:
        """Whether its automatic mails are meant."""
        return _among(sender, self.machines)


def office_of(installation: Installation) -> Office:
    """The settings of an installation, read."""
    given = installation.settings
    local, _, domain = given["domain"].lower().rpartition("@")
    return Office(
        installation=installation,
        local=local,
        domain=domain,
        allowed=_folded(given.get("allowed_senders", ())),
        machines=_folded(given.get("automatic_senders", ())),
        mailbox=_mailbox(given["mailbox"]) if "mailbox" in given else None,
        authserv_id=given.get("trusted_authserv_id"),
        per_hour=given.get("per_hour", 100),
        per_day=given.get("per_day", 500),
        account_per_hour=given.get("account_per_hour", 1000),
        account_per_day=given.get("account_per_day", 5000),
        confirm_above=given.get("confirm_above", 20),
        max_segments=given.get("max_segments", 5),
        answers=given.get("answers", "all"),
        language=given.get("language", "en"),
        purpose=given.get("purpose"),
        legacy_subject=given.get("legacy_subject", False),
    )


def _mailbox(given: Mapping[str, Any]) -> Mailbox:
    tls = given.get("tls", "tls")
    return Mailbox(
        host=given["host"],
        port=given.get("port", 993 if tls == "tls" else 143),
        tls=tls,
        username=given["username"],
        folder=given.get("folder", "INBOX"),
        password=given.get("password"),
        oauth=given.get("oauth"),
    )


def _folded(addresses: Any) -> frozenset[str]:
    return frozenset(address.lower() for address in addresses)


def _among(sender: str, known: frozenset[str]) -> bool:
    folded = sender.lower()
    return folded in known or f"@{folded.rpartition('@')[2]}" in known
