"""What letters say, by their kind. Pure: facts, words and a zone in, paragraphs out."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from connectors.mail2sms.answer.words import Words
from connectors.mail2sms.tokens.kept import CONFIRM_MS
from core import number

SHOWN: Final = 50  # people by name, in one letter
LEFT_OUT: Final = frozenset({"refused", "blacklisted", "rejected", "no_credit", "cancelled"})
DAY_MS: Final = 24 * 3_600_000
# How the line of a digest counts: in this order, each with the statuses that it sums.
COUNTED: Final[Mapping[str, Sequence[str]]] = {
    "received": ("received",),
    "delivered_operator": ("delivered_operator",),
    "sent": ("sent", "unknown"),
    "waiting": ("scheduled", "queued", "sending"),
    "failed": ("failed_temporary", "failed_permanent", "rejected", "expired"),
    "blacklisted": ("blacklisted",),
    "no_credit": ("no_credit",),
    "cancelled": ("cancelled",),
    "left_out": ("refused",),
}

Facts = Mapping[str, Any]
Paragraphs = Iterator[str]


@dataclass(frozen=True, slots=True)
class Teller:
    """Tells facts in the words of a language; moments in the zone of the account. before: what a reply answers, where that is known."""

    words: Words
    zone: ZoneInfo
    before: str | None = None

    def body(self, kind: str, facts: Facts) -> str:
        """The whole text of a letter: paragraphs with an empty line between."""
        return "\n\n".join(_TELL[kind](self, facts)) + "\n"

    def cost(self, facts: Facts) -> str:
        """1 segment, 1.1 credits: of both what is known."""
        known = [self.words.count(name, facts[name]) for name in ("segments", "credits") if facts.get(name) is not None]
        return ", ".join(known)

    def name(self, one: Facts) -> str:
        """Who it is: a number, or a group with how many there are in it."""
        if one.get("number") is not None:
            return number.display(one["number"]) if isinstance(one["number"], int) else str(one["number"])
        return self.words.say(
            "group", name=self.words.value(one["group"]), people=self.words.count("people", one["people"])
        )

    def line(self, one: Facts, told: str) -> str:
        return self.words.say("line", name=self.name(one), told=told) if told else self.name(one)

    def reason(self, one: Facts) -> str:
        """Who did not get it, and why."""
        return self.line(one, self.words.why(one.get("why"), one["status"]))

    def listed(self, heading: str, lines: Sequence[str], more: int = 0) -> str:
        """A heading, and a line for each."""
        hidden = more + max(0, len(lines) - SHOWN)
        rest = [self.words.say("more", count=hidden)] if hidden else []
        return "\n".join([self.words.say(heading), *(f"  {line}" for line in [*lines[:SHOWN], *rest])])


def _accepted(teller: Teller, facts: Facts) -> Paragraphs:
    people = facts["people"]
    gets = [one for one in people if one["status"] not in LEFT_OUT]
    left_out = [one for one in people if one["status"] in LEFT_OUT]
    yield _opening(teller, facts, gets)
    if len(gets) > 1:
        yield teller.listed("accepted.people", [teller.line(one, teller.cost(one)) for one in gets])
    if left_out:
        yield teller.listed("accepted.left_out", [teller.reason(one) for one in left_out])
    if gets:
        yield f"{teller.words.say('accepted.text')}\n\n{indented(facts['text'])}"
    if gets and not facts.get("test"):
        yield teller.words.say("accepted.rest")


def _opening(teller: Teller, facts: Facts, gets: Sequence[Facts]) -> str:
    if not gets:
        return teller.words.say("accepted.nobody")
    count = sum(one.get("people") or 1 for one in gets)
    whom = teller.name(gets[0]) if len(gets) == 1 else teller.words.count("people", count)
    told = {"whom": whom, "cost": teller.cost(facts)}
    if facts.get("test"):
        return teller.words.say("accepted.test", **told)
    if facts.get("send_at") is None:
        return teller.words.say("accepted.now", **told)
    return teller.words.say("accepted.later", when=teller.words.moment(facts["send_at"], teller.zone), **told)


def _rejected(teller: Teller, facts: Facts) -> Paragraphs:
    yield teller.words.say("rejected")
    yield teller.words.refusal(facts["code"], facts.get("facts", {}))


def _held(teller: Teller, facts: Facts) -> Paragraphs:
    yield teller.words.say("held")
    yield teller.words.refusal(facts["code"], facts.get("facts", {}))
    whom = teller.words.count("people", facts["people"])
    known = facts.get("credits") is not None
    cost = teller.words.say("held.cost", whom=whom, cost=teller.cost(facts)) if known else None
    yield f"{cost or teller.words.say('held.cost_unknown', whom=whom)}\n\n{indented(facts['text'])}"
    yield teller.words.say("held.how", within=teller.words.count("within.days", CONFIRM_MS // DAY_MS))


def _digest(teller: Teller, facts: Facts) -> Paragraphs:
    counts = facts["counts"]
    summed = {key: sum(counts.get(status, 0) for status in statuses) for key, statuses in COUNTED.items()}
    told = [teller.words.status(key, count) for key, count in summed.items() if count]
    yield teller.words.say("digest", counts=", ".join(told))
    if facts["failed"]:
        more = facts.get("more", 0)
        yield teller.listed("digest.failed", [teller.reason(one) for one in facts["failed"]], more)
    if summed["sent"] or summed["delivered_operator"]:
        yield teller.words.say("digest.waiting")


def _reply(teller: Teller, facts: Facts) -> Paragraphs:
    told = {
        "number": number.display(facts["number"]),
        "when": teller.words.moment(facts["received_at"], teller.zone),
    }
    if facts["opt_out"]:
        yield teller.words.say("reply.stop")
        yield f"{teller.words.say('reply.stop_words', **told)}\n\n{indented(facts['text'])}"
    else:
        yield facts["text"]
        yield teller.words.say("reply.answer", **told)
    if teller.before is not None:
        yield f"{teller.words.say('reply.before')}\n{prefixed('> ', teller.before)}"


_TELL: Final[Mapping[str, Callable[[Teller, Facts], Paragraphs]]] = {
    "accepted": _accepted,
    "rejected": _rejected,
    "held": _held,
    "digest": _digest,
    "reply": _reply,
}


def indented(text: str) -> str:
    """A text apart from what is told of it."""
    return prefixed("    ", text)


def prefixed(prefix: str, text: str) -> str:
    return "\n".join(f"{prefix}{line}" for line in text.splitlines() or [""])
