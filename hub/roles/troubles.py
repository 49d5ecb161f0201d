"""What is wrong with the loops of other processes: each tells of it with its heartbeat, and the web shows it for all."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence

from core import Runtime, Tx, beats
from hub.health import SILENT_MS, Check
from hub.roles.supervisor import Supervisor


def of(supervisor: Supervisor, runtime: Runtime) -> str | None:
    """What a heartbeat tells; None where nothing ever failed."""
    failed = {loop: count for loop, count in supervisor.failures().items() if count}
    reasons = list(supervisor.reasons(runtime))
    return json.dumps({"reasons": reasons, "failures": failed}) if failed or reasons else None


def elsewhere(own: str) -> Check:
    """A check of all processes but the one that beats as `own`."""

    def check(runtime: Runtime) -> Sequence[str]:
        with runtime.read() as tx:
            return [f"{name}: {reason}" for name, told in _others(tx, own).items() for reason in told["reasons"]]

    return check


def counted(tx: Tx, supervisor: Supervisor, own: str) -> Mapping[str, float]:
    """Failures by loop: this process's own, and what others tell of theirs."""
    sums: Counter[str] = Counter()
    for failures in (supervisor.failures(), *(told["failures"] for told in _others(tx, own).values())):
        for loop, count in failures.items():
            sums[loop] += int(count)
    return sums


def _others(tx: Tx, own: str) -> Mapping[str, dict[str, dict[str, float]]]:
    told = beats.troubled(tx, tx.now - SILENT_MS)
    return {name: json.loads(words) for name, words in told.items() if name != own}
