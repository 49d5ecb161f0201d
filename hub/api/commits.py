"""Group commit: calls that come at the same time are carried out together, in one transaction, and answered apart.

Of those that wait the first leads: it takes all that wait, carries them out, wakes them, and the next one leads what came
meanwhile. Callers need no thread that waits (`accept_later`): theirs are led by a thread that is there while somebody waits. Who
comes alone leads at once and waits for nobody; under load a leader lingers for LINGER_S at most, until nearly as many are there as
the last time. A web server that answers all it took before it stops has committed all that waited.

No account waits for another's money: a batch leaves out accounts whose ledger rows another transaction has (SKIP LOCKED), and what is
left out is `ledger.OCCUPIED`. Those calls wait apart, in a lane for each account, for LOCK_MS at a time. A lane that does not get
its lock keeps a few waiters for PATIENCE_S and refuses the others, so that one account's trouble does not take every thread.
"""

import threading
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext, suppress
from functools import partial
from time import monotonic
from typing import Final, Generic, TypeVar

import structlog
from sqlalchemy import text
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoConnectionError

from connectors.contract import Call
from core import Refused, Runtime, Tx, ledger
from hub import logs
from hub.threads import Threads

MOST_AT_ONCE: Final = 500
MOST_WAITING: Final = 5_000
LINGER_S: Final = 0.004
MOST_OF: Final = 80  # per cent of those that were there the last time
LOCK_MS: Final = 1_000
KEPT: Final = 8  # waiters of a lane that is stuck
PATIENCE_S: Final = 10.0
LANES_AT_ONCE: Final = 8  # each waits with a connection
_LOCK_TIMEOUT: Final = "55P03"
_OF_ONE: Final = frozenset(
    {"40001", "40P01", _LOCK_TIMEOUT}
)  # what happens between two transactions, and not to the database

log = structlog.get_logger()

T = TypeVar("T")


class _Unsure(Exception):  # noqa: N818 - a state, and told to nobody
    """It failed when all was written: perhaps it is committed, so nothing may be done again."""


class _Waiter(Generic[T]):
    """A call that waits to be carried out. `turn` is held until it is answered, or has to lead `queue`.

    One with a `tell` has no thread that waits: it is given what becomes of it, and never leads.
    """

    __slots__ = ("call", "outcome", "queue", "since", "tell", "told", "turn")

    def __init__(self, call: Call, queue: "_Queue[T]", tell: "Callable[[T | Exception], None] | None") -> None:
        self.call, self.queue, self.since, self.tell = call, queue, monotonic(), tell
        self.outcome: T | Exception | None = None
        self.told = False
        self.turn = threading.Lock()
        self.turn.acquire()


class _Queue(Generic[T]):
    """Calls in the order they came. One with an account is a lane: its calls wait for the lock of that account's ledger rows."""

    __slots__ = ("account_id", "crowd", "enough", "led", "stuck", "waiting", "wanted")

    def __init__(self, account_id: str | None = None) -> None:
        self.account_id = account_id
        self.waiting: deque[_Waiter[T]] = deque()
        self.led = self.stuck = False
        self.crowd = 0  # how many were carried out or waited when the last batch was done
        self.enough = threading.Event()  # what the leader lingers for: that so many as are `wanted` wait
        self.wanted = 0


class Commits(Generic[T]):
    """The group commit of one operation. `work` answers some calls in a transaction, each with a value or its refusal."""

    def __init__(
        self, work: Callable[[Sequence[Call], Tx], Sequence[T | Refused]], *, most_waiting: int = MOST_WAITING
    ) -> None:
        self._work = work
        self._most_waiting = most_waiting
        self._open: _Queue[T] = _Queue()
        self._lanes: dict[str, _Queue[T]] = {}
        self._lock = threading.Lock()
        self._lanes_at_once = threading.BoundedSemaphore(LANES_AT_ONCE)
        self._leader = Threads(1, "smshub-commits")
        self._lane_leaders = Threads(LANES_AT_ONCE, "smshub-lanes")

    @property
    def waiting(self) -> int:
        """How many calls nobody works on yet."""
        with self._lock:
            return sum(len(queue.waiting) for queue in (self._open, *self._lanes.values()))

    @property
    def apart(self) -> set[str]:
        """Accounts whose calls wait for their lock."""
        with self._lock:
            return set(self._lanes)

    def accept(self, call: Call) -> T:
        """Carry a call out with those that come at the same time. Raises its refusal, or what went wrong with it alone.

        Refuses (`unavailable`) where too many wait already, and where the account's ledger stays locked for long.
        """
        waiter, leads = self._entered(call, None)
        if not leads:
            waiter.turn.acquire()
        while waiter.outcome is None:
            queue = waiter.queue  # it may be another one afterwards: who is set apart waits in a lane
            if self._lead(queue):
                self._lead_elsewhere(queue)
            if waiter.outcome is None:  # its account is locked: it waits apart
                waiter.turn.acquire()
        if isinstance(waiter.outcome, Exception):
            raise waiter.outcome
        return waiter.outcome

    def accept_later(self, call: Call, tell: Callable[[T | Exception], None]) -> None:
        """The same for a caller that does not wait: `tell` is given the answer or the exception, once, by whatever thread has it.

        A thread that waits costs more than a message: it is woken with all others of its batch, and each in turn. `tell` must not raise.
        Raises the refusal of a call that there is no room for. Touches no database: who calls may have others to serve.
        """
        waiter, leads = self._entered(call, tell)
        if leads:
            self._lead_elsewhere(waiter.queue)

    def _entered(self, call: Call, tell: Callable[[T | Exception], None] | None) -> tuple[_Waiter[T], bool]:
        """The call as a waiter, and whether it must lead."""
        with self._lock:
            queue = self._lanes.get(call.caller.account_id, self._open)
            if len(queue.waiting) >= (KEPT if queue.stuck else self._most_waiting):
                raise unavailable()
            waiter = _Waiter(call, queue, tell)
            queue.waiting.append(waiter)
            if len(queue.waiting) == queue.wanted:
                queue.enough.set()
            leads = not queue.led
            queue.led = True
        return waiter, leads

    def _lead_on(self, queue: _Queue[T]) -> None:
        """Lead until the next one has a thread to lead with, or nobody waits. Lanes take turns: there are more of them than threads."""
        while self._lead(queue):
            if queue.account_id is not None:
                self._lead_elsewhere(queue)
                return

    def _lead_elsewhere(self, queue: _Queue[T]) -> None:
        try:
            (self._lane_leaders if queue.account_id else self._leader).run(partial(self._lead_on, queue))
        except RuntimeError:  # no thread can be had: nobody would lead those that wait
            self._tell((waiter, unavailable()) for waiter in self._dismissed(queue))

    def _dismissed(self, queue: _Queue[T]) -> list[_Waiter[T]]:
        """All that wait in a queue that nobody can lead; it is as if it had been empty."""
        with self._lock:
            left = list(queue.waiting)
            queue.waiting.clear()
            queue.led = False
            if queue.account_id is not None:
                self._lanes.pop(queue.account_id, None)
        return left

    def _lead(self, queue: _Queue[T]) -> bool:
        """Carry out a batch. Whether somebody must lead on: those that came meanwhile have no thread."""
        batch: list[_Waiter[T]] = []
        try:
            self._linger(queue)
            with self._lock:
                batch = [queue.waiting.popleft() for _ in range(min(len(queue.waiting), MOST_AT_ONCE))]
            self._carry_out(batch, queue)
            queue.crowd = len(batch) + len(queue.waiting)
        except BaseException:
            self._abandon(batch, queue)
            raise
        return self._hand_over(queue)

    def _abandon(self, batch: Sequence[_Waiter[T]], queue: _Queue[T]) -> None:
        """A leader is stopped in the middle (an exit, an interrupt): nobody else would lead the others, or wake those of its batch."""
        with self._lock:
            left = [waiter for waiter in batch if not waiter.told and waiter.queue is queue]
            left = [waiter for waiter in left if waiter not in queue.waiting]
        if self._hand_over(queue):
            self._lead_elsewhere(queue)
        self._tell([(waiter, waiter.outcome or unavailable()) for waiter in left])

    def _linger(self, queue: _Queue[T]) -> None:
        """Where many were there the last time, under way or waiting, the others are on their way: two small batches cost twice one."""
        with self._lock:
            queue.wanted = queue.crowd * MOST_OF // 100
            if len(queue.waiting) >= queue.wanted:
                queue.wanted = 0
                return
            queue.enough.clear()
        queue.enough.wait(LINGER_S)
        queue.wanted = 0

    def _hand_over(self, queue: _Queue[T]) -> bool:
        """The first of those that came meanwhile leads next. Whether it can't, as it has no thread."""
        with self._lock:
            if queue.waiting:
                first = queue.waiting[0]
                if first.tell is None:
                    first.turn.release()
                return first.tell is not None
            queue.led = False
            if queue.account_id is not None:
                self._lanes.pop(queue.account_id, None)
            return False

    def _carry_out(self, batch: Sequence[_Waiter[T]], queue: _Queue[T]) -> None:
        """All at once; where that fails, one at a time, so that only what is guilty fails."""
        try:
            outcomes = self._transact([waiter.call for waiter in batch], queue.account_id)
        except _Unsure as unsure:
            self._tell((waiter, _cause(unsure)) for waiter in batch)
            return
        except Exception as error:  # noqa: BLE001 - whatever it is, each caller is told its own
            if queue.account_id is not None and _state(error) == _LOCK_TIMEOUT:
                self._stay(batch, queue)
            elif len(batch) == 1 or _is_everyones(error):
                self._tell((waiter, error) for waiter in batch)
            else:
                for waiter in batch:
                    self._carry_out([waiter], queue)
            return
        queue.stuck = False
        answered = zip(batch, outcomes, strict=True)
        self._tell((waiter, outcome) for waiter, outcome in answered if outcome is not None)
        self._set_apart([waiter for waiter, outcome in zip(batch, outcomes, strict=True) if outcome is None])

    def _transact(self, calls: Sequence[Call], account_id: str | None) -> list[T | Refused | None]:
        """What becomes of each call; None where its account is locked. In a lane, its account's lock is waited for."""
        runtime: Runtime = calls[0].runtime
        written = False
        try:
            with self._lanes_at_once if account_id else nullcontext(), runtime.begin() as tx:
                outcomes = self._outcomes(calls, tx, account_id)
                runtime.fault("before_accept")
                written = True
        except Exception as error:
            if written:
                raise _Unsure from error
            raise
        runtime.fault("after_accept")
        return outcomes

    def _outcomes(self, calls: Sequence[Call], tx: Tx, account_id: str | None) -> list[T | Refused | None]:
        if account_id is None:
            tx.patient = False
        elif tx.postgresql:
            tx.execute(text(f"SET LOCAL lock_timeout = {LOCK_MS}"))
        return [None if outcome is ledger.OCCUPIED else outcome for outcome in self._work(calls, tx)]

    def _tell(self, outcomes: Iterable[tuple[_Waiter[T], T | Exception]]) -> None:
        known = list(outcomes)
        for (
            waiter,
            outcome,
        ) in known:  # all at first: whatever happens while they are told, each is told what became of it
            waiter.outcome = outcome
        with logs.together():
            for waiter, outcome in known:
                waiter.told = True
                if waiter.tell is None:
                    waiter.turn.release()
                else:
                    self._give(waiter.tell, outcome)

    def _give(self, tell: Callable[[T | Exception], None], outcome: T | Exception) -> None:
        try:
            tell(outcome)
        except Exception:  # a bug in one answer: the others of the batch are waited for
            log.exception("request.untold")

    def _set_apart(self, waiters: Sequence[_Waiter[T]]) -> None:
        """Their accounts are locked by others: each goes to the lane of its account, which one of them leads."""
        leaderless = []
        with self._lock:
            for waiter in waiters:
                account_id = waiter.call.caller.account_id
                lane = self._lanes.get(account_id)
                if lane is None:
                    lane = self._lanes[account_id] = _Queue(account_id)
                waiter.queue = lane
                lane.waiting.append(waiter)
                if not lane.led:
                    lane.led = True
                    if waiter.tell is None:
                        waiter.turn.release()
                    else:
                        leaderless.append(lane)
        for lane in leaderless:
            self._lead_elsewhere(lane)

    def _stay(self, batch: Sequence[_Waiter[T]], lane: _Queue[T]) -> None:
        """The lock was not to be had: a few go on waiting, for a while."""
        now = monotonic()
        with self._lock:
            lane.stuck = True
            everybody = [*batch, *lane.waiting]
            keep = [waiter for waiter in everybody if now - waiter.since < PATIENCE_S][:KEPT]
            lane.waiting = deque(keep)
        self._tell((waiter, unavailable()) for waiter in everybody if waiter not in keep)


def unavailable() -> Refused:
    """The refusal of a call that can't be carried out just now."""
    return Refused("unavailable", "Too much waits here just now: nothing was done, ask again in a moment.")


def _is_everyones(error: Exception) -> bool:
    """The database is gone, or full: trying each call by itself would only take longer."""
    gone = isinstance(error, OperationalError | InterfaceError | NoConnectionError)
    return gone and _state(error) not in _OF_ONE


def _cause(unsure: _Unsure) -> Exception:
    return unsure.__cause__ if isinstance(unsure.__cause__, Exception) else unsure


def _state(error: Exception) -> str | None:
    """PostgreSQL's code of an error (SQLSTATE)."""
    with suppress(AttributeError):
        return str(error.orig.sqlstate)  # type: ignore[attr-defined]
    return None
