"""What becomes of a message at the simulator: the last two digits of its number decide. Pure.

What will be told of a message follows from its place in the log and its number, so nothing of it is kept but when it is due: for a
window of 500 some dozens of spans, "of the messages 4,096 to 4,159 tell what belongs to tick 18". A tick is a thirty-second part of
the time within which receipts come.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from functools import cache
from typing import Final, Literal, NamedTuple

from core.carriers.contract import (
    Accepted,
    Ambiguous,
    Attempt,
    Busy,
    Inbound,
    Known,
    Outcome,
    Receipt,
    ReceiptStatus,
    Rejected,
)

RUN: Final = 64  # neighbours in the log that are told of together
SLOTS: Final = 8  # runs take turns to be early and late
TICKS: Final = 4 * SLOTS
EARLY: Final = 0  # the tick of what is told before the answer
BUSY_TIMES: Final = 3
BUSY_RETRY_MS: Final = 500

Told = tuple[ReceiptStatus, str | None]
ARRIVAL: Final[tuple[Told, ...]] = (("delivered_operator", None), ("received", None))


@dataclass(frozen=True, slots=True)
class Ending:
    """One way for a message to end. `receipts` (1, 2 or 4 of them) in the order in which they are told."""

    title: str
    answer: Literal["accepted", "rejected", "lost", "busy"] = "accepted"
    receipts: tuple[Told, ...] = ARRIVAL
    early: bool = False
    reply: str | None = None
    reply_once: bool = False


ORDINARY: Final = 0  # digits that mean nothing, for all that do not
ARRIVES: Final = Ending("sent, delivered_operator, received")
ENDINGS: Final[Mapping[int, Ending]] = {
    1: Ending("temporary: absence", receipts=(("failed_temporary", "temporary_absence"),)),
    2: Ending("temporary: operator", receipts=(("failed_temporary", "temporary_operator"),)),
    3: Ending("permanent: absence", receipts=(("failed_permanent", "permanent_absence"),)),
    4: Ending("permanent: portability", receipts=(("failed_permanent", "permanent_portability"),)),
    5: Ending("permanent: routing", receipts=(("failed_permanent", "permanent_routing"),)),
    6: Ending("refused at submit", answer="rejected", receipts=()),
    7: Ending("no receipt, ever", receipts=()),
    8: Ending("the receipt arrives before the answer", early=True),
    9: Ending("the answer is lost, the receipt arrives", answer="lost"),
    10: Ending("every receipt twice and out of order", receipts=ARRIVAL[::-1] * 2),
    11: Ending("received, then STOP, to the first message only", reply="STOP", reply_once=True),
    12: Ending("received, then a reply", reply="Oui merci"),
    13: Ending("the answer and the receipt are lost", answer="lost", receipts=()),
    14: Ending("busy three times for that message, then accepted", answer="busy"),
}
LOST_TO_LOOKUP: Final = 13
_BUSY: Final = frozenset(digits for digits, ending in ENDINGS.items() if ending.answer == "busy")
_ONCE: Final = frozenset(digits for digits, ending in ENDINGS.items() if ending.reply_once)


class Taken(NamedTuple):
    """A row of the log: a message that the simulator took, once for each time. `seq` is its place, `at` when, UTC ms."""

    seq: int
    number: int
    sender: str
    text: str
    reference: str
    at: int


class Trace(NamedTuple):
    """What of the log a receipt needs."""

    seq: int
    number: int
    reference: str
    at: int


class Span(NamedTuple):
    """Of the messages `first` to `last`, one window's, what belongs to `tick` of `receipt_ms` is told at `due_at`."""

    due_at: int
    tick: int
    receipt_ms: int
    first: int
    last: int


class Answer(NamedTuple):
    """What a person writes back at `due_at`. `carrier_ref` is the same however often it is handed over."""

    due_at: int
    carrier_ref: str
    number: int
    code: str
    text: str


@dataclass(frozen=True, slots=True)
class Stage:
    """What a window meets: `mark` and `next_seq` make carrier ids; `refusals` counts by reference; `texted` had a message before.

    Receipts that are due within `answer_ms` are told with the answer.
    """

    now: int
    mark: str
    next_seq: int
    receipt_ms: int
    short_code: str
    refusals: Mapping[str, int] = field(default_factory=dict)
    texted: AbstractSet[int] = frozenset()
    answer_ms: int = -1

    def known(self, digits: int, slot: int) -> tuple[Known, ...]:
        """What is told with the answer of a message whose number ends so."""
        return tuple(
            Known(status, code, self.now + self.receipt_ms * since // TICKS)
            for tick, told in sorted(_schedule(digits, slot).items())
            if tick != EARLY and self.receipt_ms * tick // TICKS <= self.answer_ms
            for status, code, since in told
        )

    def prompt(self, span: Span) -> bool:
        """Whether it is told with the answers."""
        return span.tick != EARLY and span.due_at <= self.now + self.answer_ms


@dataclass(frozen=True, slots=True)
class Play:
    """What comes of a window: answers, those that are lost (`late`), the log, and what is remembered for later."""

    answers: list[Outcome] = field(default_factory=list)
    late: list[Outcome] = field(default_factory=list)
    taken: list[Taken] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    texted: list[int] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    replies: list[Answer] = field(default_factory=list)


def play(attempts: Sequence[Attempt], stage: Stage) -> Play:
    """Decide a window; nothing happens yet."""
    scene, texted, refusals = Play(), set(stage.texted), defaultdict(int, stage.refusals)
    known = [stage.known(ORDINARY, slot) for slot in range(SLOTS)]
    for attempt in _kept(attempts):
        ending = ENDINGS.get(attempt.number % 100)
        if ending is None:
            _arrive(scene, stage, attempt, known)
        elif ending.answer == "rejected":
            scene.answers.append(Rejected(attempt.reference, "refused"))
        elif ending.answer == "busy" and refusals[attempt.reference] < BUSY_TIMES:
            refusals[attempt.reference] += 1
            scene.refused.append(attempt.reference)
            scene.answers.append(Busy(attempt.reference, BUSY_RETRY_MS, "busy"))
        else:
            _take(scene, stage, attempt, ending, texted)
    scene.spans.extend(_spans(scene.taken, stage.receipt_ms))
    return scene


def ending_of(number: int) -> Ending:
    return ENDINGS.get(number % 100, ARRIVES)


def turns_away(number: int) -> bool:
    return number % 100 in _BUSY


def replies_once(number: int) -> bool:
    return number % 100 in _ONCE


def carrier_id(mark: str, seq: int) -> str:
    """The simulator's own id of a message: the same reference taken twice has two."""
    return f"{mark}-{seq}"


def receipts(taken: Sequence[Trace | Taken], span: Span, mark: str) -> list[Receipt]:
    """What belongs to a span, out of the log from its `first` to its `last`."""
    return [
        Receipt(status, code, row.at + span.receipt_ms * since // TICKS, row.reference, carrier_id(mark, row.seq))
        for row in taken
        for status, code, since in _schedule(row.number % 100, row.seq // RUN % SLOTS).get(span.tick, ())
    ]


def unanswered(taken: Sequence[Taken], span: Span, mark: str) -> list[Receipt]:
    """The same out of a window, of messages whose answer was lost."""
    lost = [row for row in taken if span.first <= row.seq <= span.last and ending_of(row.number).answer == "lost"]
    return receipts(lost, span, mark)


def inbound(answer: Answer) -> Inbound:
    return Inbound(answer.carrier_ref, answer.number, answer.code, answer.text, answer.due_at)


def _arrive(scene: Play, stage: Stage, attempt: Attempt, known: Sequence[tuple[Known, ...]]) -> None:
    """What nearly all do: taken, and answered for."""
    reference, number, sender, text, *_ = attempt
    seq = stage.next_seq + len(scene.taken)
    scene.taken.append(Taken(seq, number, sender, text, reference, stage.now))
    scene.answers.append(Accepted(reference, f"{stage.mark}-{seq}", known[seq // RUN % SLOTS]))


def _take(scene: Play, stage: Stage, attempt: Attempt, ending: Ending, texted: set[int]) -> None:
    seq, number, reference = stage.next_seq + len(scene.taken), attempt.number, attempt.reference
    scene.taken.append(Taken(seq, number, attempt.sender, attempt.text, reference, stage.now))
    if ending.answer == "lost":
        scene.late.append(Ambiguous(reference, "no_answer"))
    else:
        known = stage.known(number % 100, seq // RUN % SLOTS)
        scene.answers.append(Accepted(reference, carrier_id(stage.mark, seq), known))
    if ending.reply is not None and number not in texted:
        scene.replies.append(_reply(stage, attempt, ending.reply, seq))
    if ending.reply_once and number not in texted:
        texted.add(number)
        scene.texted.append(number)


def _kept(attempts: Sequence[Attempt]) -> Sequence[Attempt]:
    """As they can be kept: half a surrogate pair can't, and is a question mark instead."""
    try:
        "".join([attempt.text for attempt in attempts]).encode()
    except UnicodeEncodeError:
        return [attempt._replace(text=attempt.text.encode(errors="replace").decode()) for attempt in attempts]
    return attempts


def _reply(stage: Stage, attempt: Attempt, text: str, seq: int) -> Answer:
    """To the number the message came from, or the short code of its mention; after the last of its receipts."""
    code = attempt.sender if attempt.sender.isdecimal() else stage.short_code
    return Answer(stage.now + stage.receipt_ms + 1, f"{carrier_id(stage.mark, seq)}-reply", attempt.number, code, text)


def _spans(taken: Sequence[Taken], receipt_ms: int) -> Iterator[Span]:
    """When to tell what of which messages, in the order of telling."""
    ends: dict[tuple[int, int], tuple[int, int]] = {}
    start = 0
    while start < len(taken):
        run, place = divmod(taken[start].seq, RUN)
        rows = taken[start : start + RUN - place]
        start += len(rows)
        for tick in _ticks({row.number % 100 for row in rows}, run % SLOTS):
            key = (tick, run if tick != EARLY else 0)
            ends[key] = (ends.get(key, (rows[0].seq,))[0], rows[-1].seq)
    for (tick, _), (first, last) in sorted(ends.items()):
        yield Span(taken[0].at + receipt_ms * tick // TICKS, tick, receipt_ms, first, last)


def _ticks(digits: AbstractSet[int], slot: int) -> set[int]:
    """When there is something to tell of messages with numbers that end so."""
    unusual = digits & ENDINGS.keys()
    told = unusual if unusual == digits else {*unusual, ORDINARY}
    return {tick for one in told for tick in _schedule(one, slot)}


@cache
def _schedule(digits: int, slot: int) -> Mapping[int, Sequence[tuple[ReceiptStatus, str | None, int]]]:
    """By tick what is told: status, code and the tick at which it happened.

    The n-th receipt comes in the n-th part of the time. An operator has a message at once; any other fate befell it when it was
    first told of, so a receipt told twice is the same one.
    """
    schedule: dict[int, list[tuple[ReceiptStatus, str | None, int]]] = {}
    ending = ending_of(digits)
    happened: dict[ReceiptStatus, int] = {"delivered_operator": 0}
    for place, (status, code) in enumerate(ending.receipts):
        tick = EARLY if ending.early else (place * SLOTS + slot + 1) * TICKS // (len(ending.receipts) * SLOTS)
        schedule.setdefault(tick, []).append((status, code, happened.setdefault(status, tick)))
    return schedule
