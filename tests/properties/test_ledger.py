"""What holds of the ledger after any operations, refused ones too."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from core.credits import check, ledger
from core.errors import Refused
from core.schema import transfers
from core.sending import singles
from tests.properties.conftest import Fresh
from tests.support.engine import Engine
from tests.support.examples import code_of, examples

WHO = st.integers(min_value=0, max_value=2)
SOME = st.integers(min_value=1, max_value=5_000)
ENDINGS = st.sampled_from(["01", "03", "06", "07", "08", "09", "10", "13", "14", "20"])


class Ledger(RuleBasedStateMachine):
    """Three accounts that give, hold, post, void, send, cancel and receive; a model knows what each must have."""

    fresh: Fresh

    @initialize()
    def open(self) -> None:
        self.engine = Engine(*self.fresh())
        self.accounts = [self.engine.account(name, credits=0) for name in "ABC"]
        self.available = [0, 0, 0]
        self.held = [0, 0, 0]
        self.refs = 0
        self.messages: list[tuple[int, str]] = []

    def teardown(self) -> None:
        if hasattr(self, "engine"):
            self.engine.close()

    def tries(self, work: Callable[[Any], object]) -> bool:
        """Whether it was done, in a transaction that commits either way."""
        with self.engine.runtime.begin() as tx:
            refused = code_of(work, tx)
        assert refused in {None, "not_enough_credits"}
        return refused is None

    @rule(who=WHO, amount=SOME)
    def grant(self, who: int, amount: int) -> None:
        assert self.tries(lambda tx: ledger.grant(tx, self.accounts[who].id, amount, "gift", "operator"))
        self.available[who] += amount

    @rule(giver=WHO, step=st.integers(min_value=1, max_value=2), amount=SOME)
    def transfer(self, giver: int, step: int, amount: int) -> None:
        taker = (giver + step) % 3
        ids = self.accounts[giver].id, self.accounts[taker].id
        done = self.tries(lambda tx: ledger.transfer(tx, *ids, amount, None, "user"))
        assert done == (self.available[giver] >= amount)
        if done:
            self.available[giver] -= amount
            self.available[taker] += amount

    @rule(who=WHO, amount=SOME, back=st.booleans())
    def hold_and_release(self, who: int, amount: int, back: bool) -> None:
        self.refs += 1
        account_id, ref = self.accounts[who].id, str(self.refs)
        if not self.tries(lambda tx: ledger.hold(tx, account_id, amount, ref)):
            assert self.available[who] < amount
            return
        release = ledger.void if back else ledger.post
        assert self.tries(lambda tx: release(tx, account_id, amount, ref))
        self.available[who] -= 0 if back else amount

    @rule(who=WHO, ending=ENDINGS)
    def send(self, who: int, ending: str) -> None:
        sent = self.engine.send(self.accounts[who], f"+336123456{ending}")
        if isinstance(sent, Refused):
            assert sent.code == "not_enough_credits"
            assert self.available[who] < 1_000
            return
        self.available[who] -= 1_000
        self.messages.append((who, sent.id))

    @rule(place=st.integers(min_value=0, max_value=50))
    def cancel(self, place: int) -> None:
        if place >= len(self.messages):
            return
        who, message_id = self.messages[place]
        with self.engine.runtime.begin() as tx:
            assert code_of(singles.cancel, tx, self.accounts[who].id, message_id) in {None, "in_progress", "not_found"}
        self.look_again()

    @rule(seconds=st.integers(min_value=0, max_value=100))
    def work(self, seconds: int) -> None:
        self.engine.later(seconds=seconds)
        self.look_again()

    def look_again(self) -> None:
        """What a refusal or a cancellation gave back follows from the messages alone."""
        self.available = [self.engine.balance(account).available for account in self.accounts]

    @invariant()
    def nothing_is_made_or_lost(self) -> None:
        with self.engine.runtime.read() as tx:
            assert check._zero(tx) == check._transfers(tx) == []
            granted = sum(row.millicredits for row in tx.all(transfers.select().where(transfers.c.kind == "grant")))
        balances = [self.engine.balance(account) for account in self.accounts]
        assert [balance.available for balance in balances] == self.available
        assert sum(balance.available + balance.held + balance.spent for balance in balances) == granted
        assert all(min(balance.available, balance.held, balance.spent) >= 0 for balance in balances)

    @invariant()
    def what_is_held_is_what_open_messages_cost(self) -> None:
        with self.engine.runtime.read() as tx:
            assert [fault for fault in check.ledger(tx) if fault.promise.startswith("held")] == []


def test_the_ledger_holds_under_any_operations(fresh: Fresh) -> None:
    class Here(Ledger):
        pass

    Here.fresh = staticmethod(fresh)
    run_state_machine_as_test(Here, settings=examples(8, stateful_step_count=15))
