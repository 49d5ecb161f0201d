"""The reading process: what a mail says, and what it proves. Started by `child`, which see."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic
from typing import Final

from connectors.mail2sms.authenticate import Lookup, NoAnswer, authenticate, resolver
from connectors.mail2sms.intake.bounded import serve
from connectors.mail2sms.intake.child import NAMES_S, Task
from connectors.mail2sms.mail import Proof, Read, Wrong
from connectors.mail2sms.parse import parse

LAST_NAME_S: Final = 5  # before the time of name servers is over, none is asked any more: the last one may take so long


def look(lookup: Lookup, task: Task) -> Read:
    """Read a mail. Where nobody knows who wrote it, there is nothing to prove."""
    parsed = parse(task.raw, task.gateway, returns_to=task.returns_to, legacy=task.legacy)
    if isinstance(parsed.headers, Wrong):
        return Read(parsed, Proof())
    names = _Names(lookup)
    return Read(parsed, authenticate(task.raw, parsed.headers.sender, task.received_at, task.authserv_id, names))


@dataclass(slots=True)
class _Names:
    """Name servers, for one mail: those that answer slowly count as silent before the mail counts as one that can't be read."""

    lookup: Lookup
    seconds: float = 0.0

    def __call__(self, name: str) -> Sequence[bytes]:
        if self.seconds > NAMES_S - LAST_NAME_S:
            raise NoAnswer(name)
        began = monotonic()
        try:
            return self.lookup(name)
        finally:
            self.seconds += monotonic() - began


if __name__ == "__main__":
    serve(partial(look, resolver(sys.argv[2] or None)), int(sys.argv[1]))
