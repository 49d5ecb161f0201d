"""A carrier that any HTTP provider can be, by its settings: docs/carriers.md tells them."""

import hmac
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Final

from core.carriers import http_callbacks, http_rules
from core.carriers.contract import Attempt, Inbound, Inbox, Lookup, Outcome, Receipt, Traits
from core.carriers.http_line import Lines
from core.carriers.http_settings import Provider

MOST_ASKING: Final = 8  # look-ups under way at once


class HttpCarrier:
    """One HTTP provider. It pushes its receipts and replies, so there is nothing to pump."""

    def __init__(self, provider: Provider, clock: Callable[[], int]) -> None:
        self._provider = provider
        self._clock = clock
        self._lines = Lines(provider, provider.concurrency * provider.lanes)
        self._asking = Lines(
            provider, min(provider.concurrency, MOST_ASKING)
        )  # their own: no message waits behind look-ups

    @property
    def name(self) -> str:
        return self._provider.name

    @property
    def traits(self) -> Traits:
        """A window is what can be under way at once: each of its messages is answered within the submit timeout."""
        return Traits(
            real=True,
            looks_up=self._provider.lookup is not None,
            promises_receipts=self._provider.promises_receipts,
            submit_timeout_ms=self._provider.connect_ms + self._provider.read_ms,
            per_second=self._provider.per_second,
            window=self._provider.concurrency,
            lanes=self._provider.lanes,
        )

    def send(
        self,
        attempts: Sequence[Attempt],
        inbox: Inbox,  # noqa: ARG002 - it calls back
        until: int,
    ) -> Iterator[Sequence[Outcome]]:
        """Send each message; yield outcomes as answers come."""
        cargo = [(attempt.reference, http_rules.request(self._provider, attempt)) for attempt in attempts]
        for landed in self._lines.fly(cargo, lambda: self._clock() > until):
            now = self._clock()
            yield [http_rules.outcome(self._provider, reference, landing, now) for reference, landing in landed]

    def lookup(self, references: Sequence[str]) -> Mapping[str, Lookup]:
        """Ask for each; those that the rules can't tell are left out."""
        rules = self._provider.lookup
        if rules is None:
            return {}
        cargo = [(reference, http_rules.question(self._provider, rules, reference)) for reference in references]
        told = (
            http_rules.found(rules, reference, landing)
            for landed in self._asking.fly(cargo)
            for reference, landing in landed
        )
        return {lookup.reference: lookup for lookup in told if lookup is not None}

    def pump(self, inbox: Inbox) -> int:  # noqa: ARG002 - it calls back
        """Nothing: it calls back."""
        return 0

    def admits(self, secret: str) -> bool:
        """Whether a callback's path has our secret; compared in constant time."""
        expected = self._provider.secret
        return expected is not None and hmac.compare_digest(expected.encode(), secret.encode(errors="replace"))

    def parse_receipts(
        self, headers: Mapping[str, str], query: Mapping[str, str], body: bytes
    ) -> tuple[Sequence[Receipt], Sequence[Inbound]]:
        """What a callback brings. Raises Refused (`invalid_callback`, `callback_too_large`) with where and why."""
        return http_callbacks.read(self._provider, headers, query, body, self._clock())

    def close(self) -> None:
        """Let go of connections."""
        self._lines.close()
        self._asking.close()
