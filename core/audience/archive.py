"""Leaving the address book: numbers that failed for good or opted out are archived, with the reason; a person may restore them."""

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any, Literal

from sqlalchemy import BigInteger, ColumnElement, select, update

from core import events
from core.audience.contact import COLUMNS, Contact, of_row
from core.runtime import Tx
from core.schema import accounts, contacts, inbound_numbers

Reason = Literal["failed_permanent", "blacklisted"]


def is_code(scope: str) -> bool:
    """A scope is an account's id, or a code that receives replies: a short code or a long number, all digits."""
    return scope.isdecimal()


def archive_numbers(tx: Tx, scope: str, numbers: Collection[int], reason: Reason) -> int:
    """Archive the active contacts with these numbers: an account's, or those of every account that a code binds. How many.

    Emits `contact.archived`. A temporary failure is no reason: whoever calls passes only what is final.
    """
    leaving = locked(tx, _whose(tx, scope) & contacts.c.archived_at.is_(None), numbers)
    if not leaving:
        return 0
    ids = [contact.id for contact in leaving]
    changes: dict[str, Any] = {"archived_at": tx.now, "archived_reason": reason, "updated_at": tx.now}
    tx.execute(update(contacts).where(tx.among(contacts.c.id, ids)).values(**changes))
    _tell(tx, [replace(contact, **changes) for contact in leaving])
    return len(leaving)


def locked(tx: Tx, which: ColumnElement[bool], numbers: Collection[int]) -> list[Contact]:
    """The contacts with these numbers, oldest first, and nobody else changes them until the end of the transaction.

    Locked in the order of their ids: two that meet wait for each other instead of dying. SQLite has one writer and needs no order;
    asked for one, it would walk the whole account by id rather than look the numbers up.
    """
    found = select(*COLUMNS).where(which, tx.among(contacts.c.number, sorted(numbers), BigInteger))
    ordered = found.order_by(contacts.c.id).with_for_update() if tx.postgresql else found
    return sorted(map(of_row, tx.all(ordered)), key=lambda contact: contact.id)


def owner_of(tx: Tx, code: str) -> str | None:
    """The account whose code it is; None where it is shared."""
    owner: str | None = tx.scalar(select(inbound_numbers.c.account_id).where(inbound_numbers.c.number == code))
    return owner


def _whose(tx: Tx, scope: str) -> ColumnElement[bool]:
    account_id = owner_of(tx, scope) if is_code(scope) else scope
    if account_id is None:
        return contacts.c.account_id.in_(
            select(accounts.c.id)
        )  # walks the index on (account_id, number), account by account
    return contacts.c.account_id == account_id


def _tell(tx: Tx, archived: Sequence[Contact]) -> None:
    by_account: dict[str, list[Contact]] = defaultdict(list)
    for contact in archived:
        by_account[contact.account_id].append(contact)
    for account_id, theirs in by_account.items():
        events.emit(tx, account_id, "contact.archived", (contact.fact() for contact in theirs))
