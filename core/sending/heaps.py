"""Which chunk each new message goes into: those of one account, purpose and carrier that are due at the same time share chunks."""

from collections.abc import Iterator
from typing import Final

from core.runtime import Tx
from core.schema import chunks
from core.sending.chunks import SIZE
from core.sending.routing import Router

_INSERT: Final = chunks.insert()
Key = tuple[str, str, str, str, int]  # account, step, carrier, purpose, due_at


class _Heap:
    """A chunk that is being filled."""

    __slots__ = ("chunk_id", "expires_at", "size")

    def __init__(self, chunk_id: str, expires_at: int) -> None:
        self.chunk_id, self.expires_at, self.size = chunk_id, expires_at, 0


class Heaps:
    """The chunks of one batch of new messages; `write` writes them all at once."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx
        self._router: Router | None = None
        self._carriers: dict[tuple[str, str], str] = {}
        self._open: dict[Key, _Heap] = {}
        self._all: list[tuple[Key, _Heap]] = []

    def carrier(self, country: str, purpose: str) -> str:
        """Whom messages that are to go now go by. Refuses (`no_carrier`) where there is nobody."""
        way = (country, purpose)
        carrier = self._carriers.get(way)
        if carrier is None:
            self._router = self._router or Router(self._tx)
            carrier = self._carriers[way] = self._router.pick(country, purpose)
        return carrier

    def place(self, key: Key, expires_at: int, count: int) -> Iterator[tuple[str, int]]:
        """The chunks of `count` messages with this key and end of validity, each with how many of them go into it."""
        while count:
            heap = self._open.get(key)
            if heap is None or heap.size == SIZE:
                heap = self._open[key] = _Heap(self._tx.new_id(), expires_at)
                self._all.append((key, heap))
            size = min(count, SIZE - heap.size)
            heap.size += size
            heap.expires_at = min(heap.expires_at, expires_at)
            count -= size
            yield heap.chunk_id, size

    def write(self) -> None:
        """Write the chunks; whoever sends is told after the commit."""
        now = self._tx.now
        rows = [
            {
                "id": heap.chunk_id,
                "account_id": account_id,
                "campaign_id": None,
                "carrier": carrier,
                "purpose": purpose,
                "step": step,
                "status": "ready",
                "due_at": due_at,
                "expires_at": heap.expires_at,
                "lease_until": 0,
                "created_at": now,
            }
            for (account_id, step, carrier, purpose, due_at), heap in self._all
        ]
        if rows:
            self._tx.connection.execute(_INSERT, rows)
        if any(key[4] <= now for key, _ in self._all):
            self._tx.ring("dispatch")
