"""Making the POSTs: claim, post with no transaction open, record; at least once, and fair between receivers.

`deliver` works alone or in any number of threads and processes at once. One transaction records the last outcome and claims the
next delivery. A claim is a lease; its attempt number is the fence of whoever records the outcome. A process that dies leaves a lease
that ends, and the same delivery is posted again with the same webhook-id.

Fair: whose turn it is goes by hook, not by delivery. A hook that answers promptly has up to IN_FLIGHT posts under way; one that
failed, was slow, or is new has one, and all of those together have no more than the caller grants (`doubtful`), so that dead
receivers never hold all the threads. A post that takes longer than a receiver should goes on aside, in a thread of its own: receivers
that were prompt and all hang at once hold the others up for a moment each, not for a whole deadline. A hook is posted to PER_SECOND
times a second at most.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import structlog
from sqlalchemy import Row, bindparam, select, update

from core import PeerError, Runtime, Tx, jobs
from hub import secrets
from hub.hooks import batches, choice, schedule, sign
from hub.hooks.aside import Aside
from hub.hooks.endpoints import aad
from hub.hooks.queue import bury
from hub.hooks.schedule import Outcome
from hub.hooks.tables import deliveries, hooks
from hub.outbound import Answer

PER_SECOND: Final = 25  # a well-known receiver of hooks refuses above 30
PACE_MS: Final = 1000 // PER_SECOND
LEASE_MS: Final = 60_000  # well above the longest exchange
DISABLED_MAIL: Final = "mail.hook_disabled"

Send = Callable[[str, str, Mapping[str, str], bytes], Answer]
log = structlog.get_logger()

_DELIVERY: Final = update(deliveries).where(deliveries.c.id == bindparam("its"))
_HOOK: Final = update(hooks).where(hooks.c.id == bindparam("its"))
_LOCKED_HOOK: Final = select(hooks).where(hooks.c.id == bindparam("its")).with_for_update()
_SETTLED: Final = update(deliveries).where(
    deliveries.c.id == bindparam("its"),
    deliveries.c.attempt == bindparam("claimed"),  # somebody else has it otherwise
    deliveries.c.due_at.is_not(None),
)


@dataclass(frozen=True, slots=True)
class Claim:
    """One delivery that this caller, and nobody else until the lease ends, may post. `secrets` are still sealed."""

    id: str
    hook_id: str
    account_id: str
    url: str
    webhook_id: str
    body: str
    attempt: int
    base: int
    secrets: tuple[str, ...]


def deliver(
    runtime: Runtime, keys: secrets.Keys, send: Send, limit: int = 100, doubtful: int = 4, aside: Aside | None = None
) -> int:
    """Make up to `limit` of the posts that are due, one after the other; how many. A role calls it from each of its threads.

    doubtful: how many posts to doubtful receivers may be under way in the whole hub; half of all its threads is a good number.
    aside: where a post that takes long goes on, while this thread makes the next; it no longer counts as under way then. Without
    one, this thread waits.
    """
    made, last = 0, None
    while True:
        with runtime.begin() as tx:
            if last is not None:
                record(tx, *last, chance=runtime.random.random())
            claim = claim_next(tx, *_allowance(doubtful, aside)) if made < limit else None
        if claim is None:
            return made
        last = _made(runtime, aside, claim, partial(_post, runtime, keys, send, claim))
        made += 1
        runtime.fault("posted")


def _allowance(doubtful: int, aside: Aside | None) -> tuple[int, int]:
    """How many doubtful posts may be under way, and for how long one of them holds a thread (ms)."""
    if aside is None:
        return doubtful, LEASE_MS
    return (doubtful if aside.roomy() else 0), int(aside.seconds * 1000)


def _made(
    runtime: Runtime, aside: Aside | None, claim: Claim, post: Callable[[], Outcome]
) -> tuple[Claim, Outcome] | None:
    """The post made, with its outcome; None where it goes on by itself, and will record its own."""
    if aside is None:
        return claim, post()
    outcome = aside.within(post, partial(_record_late, runtime, claim))
    return None if outcome is None else (claim, outcome)


def _record_late(runtime: Runtime, claim: Claim, outcome: Outcome) -> None:
    runtime.fault("posted")
    with runtime.begin() as tx:
        record(tx, claim, outcome, chance=runtime.random.random())


def claim_next(tx: Tx, doubtful: int, patience_ms: int = LEASE_MS) -> Claim | None:
    """Lease the oldest due delivery of the hook whose turn it is. A post under way for `patience_ms` holds no thread any more."""
    hook = choice.next_hook(tx, doubtful, LEASE_MS - patience_ms)
    row = hook and choice.next_delivery(tx, hook.id)
    if hook is None or row is None:  # it was taken at this moment
        return None
    body = batches.gathered(tx, row)
    leased = {"attempt": row.attempt + 1, "lease_until": tx.now + LEASE_MS, "due_at": tx.now + LEASE_MS}
    tx.execute(_DELIVERY, {"its": row.id} | leased)
    tx.execute(_HOOK, {"its": hook.id, "paced_at": max(hook.paced_at, tx.now) + PACE_MS})
    return Claim(
        row.id,
        hook.id,
        hook.account_id,
        hook.url,
        row.webhook_id,
        body,
        row.attempt + 1,
        row.base,
        _secrets(hook, tx.now),
    )


def record(tx: Tx, claim: Claim, outcome: Outcome, chance: float) -> None:
    """What came of a claim. One whose lease has ended and that was claimed again changes nothing. The hook's row is locked first."""
    hook = tx.one(_LOCKED_HOOK, {"its": claim.hook_id})
    wait = schedule.wait(claim.attempt - claim.base, outcome, chance)
    values = _delivered(tx.now) if outcome.ok else _failed(tx.now, wait)
    seen = {"last_status": outcome.status, "last_error": outcome.error, "lease_until": None}
    if hook is None or not tx.execute(_SETTLED, {"its": claim.id, "claimed": claim.attempt} | values | seen):
        return
    given_up = int(not outcome.ok and wait is None)
    judged = _healthy(hook, outcome) if outcome.ok else _troubled(hook, outcome, tx.now, given_up)
    tx.execute(_HOOK, {"its": hook.id} | judged)
    if not outcome.ok:
        _switch_off(tx, hook, outcome)


def _post(runtime: Runtime, keys: secrets.Keys, send: Send, claim: Claim) -> Outcome:
    began = runtime.clock()
    body = claim.body.encode()
    try:
        signed = sign.headers(_opened(keys, claim), claim.webhook_id, began, body)
        headers = {"content-type": "application/json", **signed}
        answer = send("POST", claim.url, headers, body)
    except PeerError as error:
        log.info(
            "hook.failed",
            hook_id=claim.hook_id,
            delivery_id=claim.id,
            attempt=claim.attempt,
            kind=error.kind,
            why=error.detail,
        )
        return Outcome(None, error.detail, runtime.clock() - began)
    except secrets.Unreadable as error:
        log.error("hook.unreadable_secret", hook_id=claim.hook_id, why=str(error))  # noqa: TRY400 - the words are the whole of it
        return Outcome(None, "the hub could not sign it", runtime.clock() - began)
    now = runtime.clock()
    outcome = Outcome(answer.status, None, now - began, schedule.retry_after(answer.headers, now))
    return outcome if outcome.ok else _answered_badly(claim, outcome)


def _opened(keys: secrets.Keys, claim: Claim) -> Sequence[str]:
    """The secrets that sign. Raises Unreadable where the newest can't be opened; an older one that can't is left out."""
    bound = aad(claim.hook_id, claim.account_id)
    newest, *older = claim.secrets
    opened = [secrets.open_(keys, bound, newest).decode()]
    for sealed in older:
        with suppress(secrets.Unreadable):  # its key was lost, and the secret was rotated for that reason
            opened.append(secrets.open_(keys, bound, sealed).decode())
    return opened


def _answered_badly(claim: Claim, outcome: Outcome) -> Outcome:
    log.info("hook.failed", hook_id=claim.hook_id, delivery_id=claim.id, attempt=claim.attempt, status=outcome.status)
    return Outcome(outcome.status, f"the receiver answered {outcome.status}", outcome.took_ms, outcome.retry_after)


def _delivered(now: int) -> dict[str, Any]:
    return {"status": "delivered", "due_at": None, "delivered_at": now}


def _failed(now: int, wait: int | None) -> dict[str, Any]:
    return {"status": "dead", "due_at": None} if wait is None else {"due_at": now + wait}


def _healthy(hook: Row[Any], outcome: Outcome) -> dict[str, Any]:
    return {
        "delivered": hook.delivered + 1,
        "failures": 0,
        "failing_since": None,
        "held_until": 0,
        "prompt": outcome.prompt,
    }


def _troubled(hook: Row[Any], outcome: Outcome, now: int, given_up: int) -> dict[str, Any]:
    failures = hook.failures + 1
    return {
        "failed": hook.failed + 1,
        "dead": hook.dead + given_up,
        "failures": failures,
        "failing_since": now if hook.failing_since is None else hook.failing_since,
        "held_until": max(hook.held_until, now + schedule.hold(failures, outcome)),
        "prompt": False,
    }


def _switch_off(tx: Tx, hook: Row[Any], outcome: Outcome) -> None:
    """410 Gone drops the hook at once; three days of nothing but failures switch it off, with a mail."""
    since = tx.now if hook.failing_since is None else hook.failing_since
    failing = tx.now - since >= schedule.GIVE_UP_AFTER
    if hook.disabled_at is not None or not (outcome.gone or failing):
        return
    reason = "gone" if outcome.gone else "failing"
    tx.execute(update(hooks).where(hooks.c.id == hook.id).values(disabled_at=tx.now, disabled_reason=reason))
    bury(tx, hook.id)
    log.warning("hook.disabled", hook_id=hook.id, reason=reason)
    if reason == "failing":
        jobs.add(tx, hook.account_id, DISABLED_MAIL, hook.id)


def _secrets(hook: Row[Any], now: int) -> tuple[str, ...]:
    both = hook.previous_secret is not None and now < hook.previous_until
    return (hook.secret, hook.previous_secret) if both else (hook.secret,)
