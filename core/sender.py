"""Who a message says it is from."""

import re
from typing import Final

from sqlalchemy import select

from core.errors import Refused
from core.runtime import Tx
from core.schema import inbound_numbers

NAME: Final = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 ]{1,11}")
FRENCH_MOBILE: Final = re.compile(r"(?:\+|00)?330?[67]\d{8}|0[67]\d{8}")


def check_sender(tx: Tx, account_id: str, sender: str, pointer: str = "/sender") -> str:
    """The sender as it will be shown: a name, or a number that this account may use. Refuses with `sender_forbidden`.

    Mobile numbers are closed to automated platforms in France since 1 January 2023 (ARCEP decision 2022-1583).
    """
    digits = re.sub(r"[\s.\-()]", "", sender)
    if FRENCH_MOBILE.fullmatch(digits):
        raise Refused.at(
            pointer,
            "sender_forbidden",
            "French mobile numbers (+336, +337) may not be a sender: use a name or the short code.",
        )
    if NAME.fullmatch(sender) and sender.strip() == sender:
        return sender
    number = digits.removeprefix("+")
    if number.isdecimal() and _may_use(tx, account_id, number):
        return number
    hint = "1 to 11 letters, digits or spaces with at least one letter, or a number of this account (GET /senders)"
    raise Refused.at(pointer, "sender_forbidden", f"This sender is not allowed: {hint}.")


def _may_use(tx: Tx, account_id: str, number: str) -> bool:
    """Its own number, or one that all share, such as the hub's short code."""
    declared = tx.one(select(inbound_numbers.c.account_id).where(inbound_numbers.c.number == number))
    if declared is None:
        return number == tx.rules.short_code
    return declared.account_id in (None, account_id)
