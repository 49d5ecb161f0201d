"""What the hub itself says to somebody: that a STOP was heard, or the code that shows that a number is theirs.

No draft of anybody's: it carries no mention, stands outside campaigns and quotes, and is sent whatever the blacklist says.
"""

from dataclasses import dataclass

from core.runtime import Tx
from core.sending import chunks, drafts, moves
from core.sending.drafts import Message
from core.sending.routing import Router
from core.sending.terms import MINUTE_MS, VALIDITY_MINUTES
from core.sending.windows import SYSTEM
from core.text import gsm


@dataclass(frozen=True, slots=True)
class Note:
    """One of them. `reason` says why it is sent, and stands in its `status_detail`."""

    number: int
    country: str
    sender: str
    text: str
    purpose: str
    reason: str
    validity_minutes: int = VALIDITY_MINUTES


def send(tx: Tx, account_id: str, note: Note, millicredits: int = 0) -> str:
    """Queue it at this price for this account, whose ledger row is locked if it costs anything; its id. Refuses with `no_carrier`."""
    sizing = gsm.size(note.text)
    carrier = Router(tx).pick(note.country, note.purpose)
    expires_at = tx.now + note.validity_minutes * MINUTE_MS
    chunk_id = chunks.create(
        tx, account_id=account_id, carrier=carrier, purpose=note.purpose, due_at=tx.now, expires_at=expires_at
    )
    message = Message(
        id=tx.new_id(),
        account_id=account_id,
        campaign_id=None,
        chunk_id=chunk_id,
        number=note.number,
        country=note.country,
        sender=note.sender,
        purpose=note.purpose,
        text=note.text,
        encoding=sizing.encoding,
        segments=sizing.segments,
        millicredits=millicredits,
        reference=None,
        source=SYSTEM,
        status="queued",
        status_detail=note.reason,
        substitutions=None,
        status_at=tx.now,
        send_at=None,
        created_at=tx.now,
        sent_at=None,
        expires_at=expires_at,
        mention=False,
        charged=False,
        attempt=0,
        carrier=carrier,
        carrier_id=None,
        carrier_code=None,
    )
    drafts.insert(tx, [message])
    moves.follow(tx, [moves.born(message)], f"{note.reason}:{message.id}", quiet=True)
    return message.id
