"""The whole engine in one process, on a clock that a test moves: an account, the simulator, and everything that workers do."""

import random
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sqlalchemy import select

from core import accounts, check, expansion, imports, ledger, quotes
from core.accounts import Account
from core.carriers.simulator import Simulator, SimulatorSettings
from core.database import Database
from core.jobs import work
from core.runtime import Runtime
from core.schema import messages
from core.sending import lanes, receipts, replies, steps, submit, sweeps
from core.sending.drafts import Draft
from tests.support.world import ManualClock, runtime_on

HANDLERS = {
    "campaign": expansion.run,
    "quote": quotes.run,
    "mail.credits_low": lambda _runtime, _job: None,
    "import": lambda runtime, job: imports.run(runtime, job.subject_id),
    "mail.campaign_unpaid": lambda _runtime, _job: None,
}


class Engine:
    """A hub without the web: `settle` does all that is due, `later` lets time pass first."""

    def __init__(self, url: str, folder: Path, **simulator: Any) -> None:
        self.clock = ManualClock()
        plain = {"answer_ms": 0, "receipt_ms": 0, "timeout_ms": 0}
        settings = SimulatorSettings("simulator", **(plain | simulator))
        chance = random.Random(11)
        self.carrier = Simulator(
            settings, folder / "simulator.db", self.clock, chance.getrandbits, sleep=lambda _s: None
        )
        self.database = Database(url)
        self.runtime: Runtime = runtime_on(self.database, {"simulator": self.carrier}, clock=self.clock)
        self.lane = lanes.open_lane(self.runtime, "simulator", "test")

    def close(self) -> None:
        self.carrier.close()
        self.database.close()

    def account(self, name: str = "Acme", credits: int = 1000, **fields: Any) -> Account:
        with self.runtime.begin() as tx:
            made = accounts.create(tx, name, **fields)
            if credits:
                ledger.grant(tx, made.id, credits * 1000, "test", "operator")
            return made

    def send(self, account: Account, to: str, text: str = "Bonjour", **fields: Any) -> Any:
        """The message or the refusal of one draft."""
        with self.runtime.begin() as tx:
            return submit.submit(tx, account, "api", [Draft(to, text, **fields)])[0]

    def work(self) -> bool:
        """One round of everything; whether anything was done."""
        inbox = receipts.inbox(self.runtime)
        done = [
            work(self.runtime, HANDLERS),
            steps.take(self.runtime, "test"),
            lanes.serve(self.runtime, self.lane),
            bool(self.carrier.pump(inbox)),
            bool(receipts.apply(self.runtime)),
            bool(replies.apply(self.runtime)),
            bool(sweeps.finish_campaigns(self.runtime)),
        ]
        return any(done)

    def settle(self, rounds: int = 500) -> None:
        """All that is due now."""
        for _ in range(rounds):
            if not self.work():
                return
        raise AssertionError("the engine does not come to rest")

    def later(self, rounds: int = 1, **time: int) -> None:
        """Time passes, `rounds` times, and all that is due by then is done."""
        for _ in range(rounds):
            self.clock.forward(**time)
            self.settle()

    def messages(self, account: Account) -> list[Any]:
        with self.runtime.read() as tx:
            mine = select(messages).where(messages.c.account_id == account.id)
            return list(tx.all(mine.order_by(messages.c.id)))

    def statuses(self, account: Account) -> Mapping[int, str]:
        return {row.number: row.status for row in self.messages(account)}

    def faults(self) -> list[check.Finding]:
        """Every broken promise about money and counters."""
        with self.runtime.read() as tx:
            return [*check.ledger(tx), *check.counters(tx)]
