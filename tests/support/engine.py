"""The whole engine in one process, on a clock that a test moves: an account, the simulator, and everything that workers do."""

import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sqlalchemy import Table, select

from core import accounts, check, events, expansion, imports, ledger, quotes
from core.accounts import Account
from core.audience import contacts, groups
from core.blacklist import entries
from core.carriers.contract import Carrier, Inbound, Receipt
from core.carriers.simulator import Simulator, SimulatorSettings
from core.carriers.simulator_endings import Taken
from core.credits import alerts
from core.credits.ledger import Balance
from core.database import Database
from core.jobs import Job, work
from core.runtime import Runtime
from core.schema import campaigns as campaign_rows
from core.schema import messages, outbox
from core.sending import campaigns, lanes, receipts, recipients, replies, steps, submit, sweeps
from core.sending.campaigns import CampaignDraft
from core.sending.drafts import Draft
from tests.support.world import Letters, ManualClock, rules, runtime_on


class Engine:
    """A hub without the web: `settle` does all that is due, `later` lets time pass first."""

    def __init__(
        self,
        url: str,
        folder: Path,
        *,
        carrier: Carrier | None = None,
        operator: Mapping[str, Any] | None = None,
        page: int = recipients.PAGE,
        **simulator: Any,
    ) -> None:
        self.clock = ManualClock()
        plain = {"answer_ms": 0, "receipt_ms": 0, "timeout_ms": 0}
        settings = SimulatorSettings("simulator", **(plain | simulator))
        chance = random.Random(11)
        self.simulator = Simulator(
            settings, folder / "simulator.db", self.clock, chance.getrandbits, sleep=lambda _s: None
        )
        self.carrier: Carrier = carrier or self.simulator
        self.database = Database(url)
        self.letters = Letters()
        self.runtime: Runtime = runtime_on(
            self.database,
            {self.carrier.name: self.carrier},
            clock=self.clock,
            mail=self.letters,
            rules=rules(**(operator or {})),
        )
        self.lane = lanes.open_lane(self.runtime, self.carrier.name, "test")
        self.unpaid: list[str] = []
        self.handlers = {
            "campaign": lambda runtime, job: expansion.run(runtime, job, page),
            "import": imports.work,
            "quote": quotes.run,
            "mail.credits_low": lambda runtime, job: alerts.send_mail(runtime, job.account_id),
            "mail.campaign_unpaid": self._campaign_unpaid,
        }

    def close(self) -> None:
        self.simulator.close()
        self.database.close()

    def _campaign_unpaid(self, _runtime: Runtime, job: Job) -> None:
        self.unpaid.append(job.subject_id)

    # What people do

    def account(self, name: str = "Acme", credits: float = 1000, *, otp: bool = False, **fields: Any) -> Account:  # noqa: A002 - the word of the house
        """A new account with a balance in credits."""
        with self.runtime.begin() as tx:
            made = accounts.create(tx, name, **fields)
            if credits:
                ledger.grant(tx, made.id, round(credits * 1000), "test", "operator")
            if otp:
                accounts.grant_otp(tx, made.id, granted=True, actor="operator")
            return accounts.get(tx, made.id)

    def again(self, account: Account) -> Account:
        """The account as it is now."""
        with self.runtime.read() as tx:
            return accounts.get(tx, account.id)

    def top_up(self, account: Account, balance: float) -> None:
        with self.runtime.begin() as tx:
            ledger.grant(tx, account.id, round(balance * 1000), "test", "operator")

    def send(self, account: Account, to: str, text: str = "Bonjour", **fields: Any) -> Any:
        """The message or the refusal of one draft."""
        return self.send_all(account, [Draft(to, text, **fields)])[0]

    def send_all(self, account: Account, drafts: Sequence[Draft]) -> list[Any]:
        with self.runtime.begin() as tx:
            return list(submit.submit(tx, account, "api", drafts))

    def campaign(self, account: Account, *to: str, text: str = "Bonjour", **fields: Any) -> Any:
        """A campaign to these numbers."""
        draft = CampaignDraft(text, recipients=[{"to": number} for number in to], **fields)
        with self.runtime.begin() as tx:
            return campaigns.create(tx, account, "api", draft)

    def person(self, account: Account, number: str, *in_groups: str, **fields: Any) -> contacts.Contact:
        """A contact, in these groups (ids)."""
        with self.runtime.begin() as tx:
            return contacts.create(tx, account.id, {"number": number, "groups": in_groups, **fields}, "test")

    def group(self, account: Account, *numbers: str, name: str = "Clients") -> str:
        """A group's id; its members are new contacts."""
        with self.runtime.begin() as tx:
            made = groups.create(tx, account.id, name)
            for number in numbers:
                contacts.create(tx, account.id, {"number": number, "groups": [made.id]}, "test")
            return made.id

    def block(self, account: Account, number: int) -> None:
        """The number opts out of this account."""
        with self.runtime.begin() as tx:
            entries.add(tx, account.id, number, "test", "api")

    def receipt(
        self, status: Any, message_id: str | None, code: str | None = None, carrier_id: str | None = None
    ) -> None:
        """The carrier reports; applied at once."""
        self.deliver([Receipt(status, code, self.clock.now, message_id, carrier_id)])

    def deliver(self, came: Sequence[Receipt], said: Sequence[Inbound] = ()) -> None:
        receipts.inbox(self.runtime)(self.carrier.name, came, said)
        receipts.apply(self.runtime)
        replies.apply(self.runtime)

    def reply(self, number: int, text: str, code: str = "36034", ref: str | None = None) -> None:
        """A person writes; applied at once."""
        with self.runtime.begin() as tx:
            unique = ref or tx.new_id()
        self.deliver([], [Inbound(unique, number, code, text, self.clock.now)])

    # What workers do

    def work(self) -> bool:
        """One round of everything; whether anything was done."""
        inbox = receipts.inbox(self.runtime)
        done = [
            work(self.runtime, self.handlers),
            steps.take(self.runtime, "test"),
            lanes.serve(self.runtime, self.lane),
            lanes.catch_up(self.runtime, self.lane),
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

    def serve(self) -> bool:
        """One window of the lane."""
        return lanes.serve(self.runtime, self.lane)

    # What there is to see

    def messages(self, account: Account) -> list[Any]:
        with self.runtime.read() as tx:
            mine = select(messages).where(messages.c.account_id == account.id)
            return list(tx.all(mine.order_by(messages.c.id)))

    def row(self, message_id: str) -> Any:
        return self.one(messages, message_id)

    def campaign_row(self, campaign_id: str) -> Any:
        return self.one(campaign_rows, campaign_id)

    def one(self, table: Table, row_id: str) -> Any:
        with self.runtime.read() as tx:
            found = tx.one(select(table).where(table.c.id == row_id))
        assert found is not None
        return found

    def all(self, table: Table) -> list[Any]:
        with self.runtime.read() as tx:
            return list(tx.all(select(table).order_by(*table.primary_key.columns)))

    def statuses(self, account: Account) -> Mapping[int, str]:
        return {row.number: row.status for row in self.messages(account)}

    def balance(self, account: Account) -> Balance:
        """In millicredits."""
        with self.runtime.read() as tx:
            return ledger.balance(tx, account.id)

    def taken(self, number: int | None = None) -> list[Taken]:
        """What the simulator was given."""
        return self.simulator.sent(number, limit=10_000)

    def facts(self, account: Account, kind: str) -> list[Mapping[str, Any]]:
        """The facts of one kind that were emitted to this account, in order."""
        with self.runtime.read() as tx:
            mine = select(outbox.c.payload).where(outbox.c.account_id == account.id, outbox.c.type == kind)
            return [fact for row in tx.all(mine.order_by(outbox.c.id)) for fact in events.facts(row.payload)]

    def faults(self) -> list[check.Finding]:
        """Every broken promise about money and counters."""
        return check.everything(self.runtime)
