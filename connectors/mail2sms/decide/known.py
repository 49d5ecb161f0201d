"""What the database knows of the addresses of a mail: tokens, conversations, groups, templates. Read, never written."""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import select

from connectors.mail2sms import tokens
from connectors.mail2sms.decide.plan import Group
from connectors.mail2sms.decide.recipients import Addressed
from connectors.mail2sms.settings import Office
from connectors.mail2sms.tables import sendings
from connectors.mail2sms.tokens import Token
from core import Account, Refused, Tx, accounts, groups, templates

PAGE: Final = 200
MOST_TEMPLATES: Final = 2_000  # the newest: more are not looked through for a name


@dataclass(frozen=True, slots=True)
class Thread:
    """A conversation: with whom, and which address it is with."""

    id: str
    number: int
    sender: str


@dataclass(frozen=True, slots=True)
class Known:
    """tokens: by their secrets as they were written. threads: by id. groups: by slug. template: the text of the one that was named.

    senders: those that the account has used.
    """

    account: Account
    now: int
    tokens: Mapping[str, Token]
    threads: Mapping[str, Thread]
    groups: Mapping[str, Group]
    template: str | None
    senders: tuple[str, ...]

    def thread(self, sending_id: str | None) -> Thread | None:
        """By its id, however that is written."""
        return self.threads.get(as_id(sending_id) or "")


def know(tx: Tx, office: Office, of: Addressed) -> Known:
    """Look up all that the addresses name."""
    addresses = [recipient.address for recipient in of.recipients]
    secrets = {address.token for address in addresses if address.token}
    found = {secret: tokens.find(tx, office.id, secret) for secret in sorted(secrets)}
    good = {secret: token for secret, token in found.items() if token is not None}
    named = [address.value for address in addresses if address.kind == "thread"]
    account = accounts.get(tx, office.account_id)
    return Known(
        account=account,
        now=tx.now,
        tokens=good,
        threads=_threads(tx, office, [*named, *(token.sending_id for token in good.values())]),
        groups=_groups(tx, office, {address.value for address in addresses if address.kind == "group"}),
        template=_template(tx, office, of.template.address.value) if of.template else None,
        senders=tuple(dict.fromkeys([*filter(None, [account.default_sender]), *accounts.sender_names(tx, account.id)])),
    )


def as_id(text: str | None) -> str | None:
    """The id that a text is, in the form of the database; None where it is none: PostgreSQL fails on what is no UUID."""
    with suppress(ValueError):
        return str(UUID(text or ""))
    return None


def _threads(tx: Tx, office: Office, ids: Iterable[str | None]) -> dict[str, Thread]:
    wanted = sorted({known for one in ids if (known := as_id(one))})
    if not wanted:
        return {}
    mine = select(sendings.c.id, sendings.c.number, sendings.c.sender).where(
        sendings.c.installation_id == office.id, tx.among(sendings.c.id, wanted), sendings.c.number.is_not(None)
    )
    return {row.id: Thread(row.id, row.number, row.sender) for row in tx.all(mine)}


def _groups(tx: Tx, office: Office, slugs: Iterable[str]) -> dict[str, Group]:
    found = {}
    for slug in sorted(slugs):
        with suppress(Refused):
            (group_id,) = groups.resolve(tx, office.account_id, [slug])
            found[slug] = Group(group_id, slug, groups.get(tx, office.account_id, group_id).contacts)
    return found


def _template(tx: Tx, office: Office, slug: str) -> str | None:
    """The newest template whose name is written so in an address."""
    after = None
    for _ in range(MOST_TEMPLATES // PAGE):
        page = templates.listed(tx, office.account_id, PAGE, after)
        for one in page:
            if groups.slug_of(one.name) == slug:
                return one.text
        if len(page) < PAGE:
            return None
        after = page[-1].id
    return None
