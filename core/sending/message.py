"""The life of a message, as one table. Pure; the SQL of dispatch and receipts is built from it.

`charged` is not a status: it says that the price has moved from held to spent. A message that was never charged was never
sent, so no receipt can move it.
"""

from collections.abc import Mapping
from typing import Final, Literal

Status = Literal[
    "scheduled",
    "queued",
    "sending",
    "sent",
    "delivered_operator",
    "received",
    "failed_temporary",
    "failed_permanent",
    "rejected",
    "blacklisted",
    "no_credit",
    "cancelled",
    "unknown",
    "expired",
]
Money = Literal["hold", "post", "void"]

# Reported by a receipt, and how high each stands: a message only moves up. A late `received` beats any other.
RANK: Final[Mapping[str, int]] = {
    "delivered_operator": 1,
    "failed_temporary": 2,
    "expired": 3,
    "failed_permanent": 4,
    "received": 5,
}
RECEIPTS: Final = frozenset(RANK)

NEXT: Final[Mapping[str, frozenset[str]]] = {
    "scheduled": frozenset({"queued", "cancelled", "blacklisted", "no_credit"}),
    "queued": frozenset({"sending", "cancelled", "blacklisted", "no_credit", "expired"}),
    "sending": frozenset({"sent", "queued", "rejected", "unknown"}) | RECEIPTS,
    "unknown": frozenset({"sent", "queued", "rejected"}) | RECEIPTS,
    "sent": RECEIPTS,
} | {low: frozenset(high for high in RECEIPTS if RANK[high] > RANK[low]) for low in RECEIPTS}

STATUSES: Final = frozenset(NEXT) | {"rejected", "blacklisted", "no_credit", "cancelled"}
BORN: Final = frozenset({"scheduled", "queued", "blacklisted"})
OPEN: Final = frozenset({"queued", "sending", "unknown"})  # their price is held
IN_DOUBT: Final = frozenset({"sending", "unknown"})  # the carrier may have them
UNFINISHED: Final = OPEN | {"scheduled"}
FINAL: Final = STATUSES - UNFINISHED
CHARGED: Final = frozenset({"sent"}) | RECEIPTS

GROUPS: Final[Mapping[str, tuple[str, ...]]] = {
    "success": ("sent", "delivered_operator", "received"),
    "waiting": ("scheduled", "queued", "sending", "unknown"),
    "temporary": ("failed_temporary", "expired"),
    "permanent": ("failed_permanent", "rejected"),
    "blacklisted": ("blacklisted",),
}


def may_become(status: str, following: str) -> bool:
    """Whether the table has this move."""
    return following in NEXT.get(status, frozenset())


def before(following: str) -> tuple[str, ...]:
    """The statuses from which a message may become `following`, in a stable order (for SQL)."""
    return tuple(sorted(status for status, after in NEXT.items() if following in after))


def heard(status: str, reported: str, *, charged: bool) -> str | None:
    """What a receipt makes of a message: its new status, or None when it changes nothing.

    A refusal in a receipt is `failed_permanent`. `sending` and `unknown` may be settled by a receipt that overtook the answer; any
    other message that was not charged is not with a carrier: it waits in the queue, or it expired there.
    """
    following = "failed_permanent" if reported == "rejected" else reported
    if following not in RECEIPTS or not may_become(status, following):
        return None
    return following if charged or status in IN_DOUBT else None


def money(status: str | None, following: str) -> Money | None:
    """What the ledger does with the price when a message moves; `status` None is its birth."""
    if following in OPEN:
        return None if status in OPEN else "hold"
    if status not in OPEN:
        return None
    return "post" if following in CHARGED and status != "queued" else "void"


def owed(status: str, millicredits: int, *, charged: bool) -> int:
    """What a message costs its account: its price while it may still be sent or once it was, else nothing (millicredits)."""
    return millicredits if charged or status in UNFINISHED else 0
