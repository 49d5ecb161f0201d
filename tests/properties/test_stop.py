"""After a STOP nothing marketing and no notification reaches the number, whatever came before, in between and after."""

from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from core.carriers.contract import Inbound
from core.errors import Refused
from core.schema import campaigns as campaign_rows
from core.schema import messages, replies
from core.sending import campaigns, lanes, receipts, singles
from core.sending.drafts import Draft
from core.sending.replies import CONFIRMATION
from core.sending.submit import submit
from tests.properties.conftest import Fresh
from tests.support.engine import Engine
from tests.support.examples import examples

NUMBERS = (33612345609, 33612345613, 33612345614, 33612345620)  # answers lost, busy, and one that arrives
WHO = st.integers(min_value=0, max_value=1)
TO = st.sampled_from(NUMBERS)
PURPOSES = st.sampled_from(["marketing", "notification", "otp"])
SECONDS = st.integers(min_value=0, max_value=200)
PLACE = st.integers(min_value=0, max_value=100)
SEVERAL = st.sets(TO, min_size=1)


class Stops(RuleBasedStateMachine):
    """Two accounts that send, plan, change, copy and send again by every road; people who say STOP; workers that work."""

    fresh: Fresh

    @initialize()
    def open(self) -> None:
        self.engine = Engine(*self.fresh(), page=2)
        self.accounts = [self.engine.account(name, kind="notification", otp=True) for name in ("Ada", "Bob")]
        self.group_ids = [
            self.engine.group(account, *(f"+{number}" for number in NUMBERS[::2])) for account in self.accounts
        ]
        self.stopped: dict[tuple[str, int], int] = {}  # from which place of the simulator's log on

    def teardown(self) -> None:
        if hasattr(self, "engine"):
            self.engine.close()

    def draft(self, who: int, purpose: str, seconds: int) -> dict[str, Any]:
        """What messages and campaigns have in common; the text says whose it is, and what for."""
        later = self.engine.clock.now + seconds * 1000 if seconds % 2 else None
        return {"text": f"{self.accounts[who].name} {purpose}", "purpose": purpose, "send_at": later}

    def does(self, work: Any) -> None:
        """Something a user asks for; what the rules refuse is refused."""
        with self.engine.runtime.begin() as tx:
            try:
                work(tx)
            except Refused:
                tx.connection.rollback()

    @rule(who=WHO, numbers=st.lists(TO, min_size=1, max_size=3), purpose=PURPOSES, seconds=SECONDS)
    def submit(self, who: int, numbers: list[int], purpose: str, seconds: int) -> None:
        drafts = [Draft(f"+{number}", **self.draft(who, purpose, seconds)) for number in numbers]
        self.does(lambda tx: submit(tx, self.accounts[who], "api", drafts))

    @rule(who=WHO, numbers=SEVERAL, purpose=PURPOSES, seconds=SECONDS, grouped=st.booleans())
    def campaign(self, who: int, numbers: set[int], purpose: str, seconds: int, grouped: bool) -> None:
        groups = [self.group_ids[who]] if grouped else []
        people = [{"to": f"+{number}"} for number in sorted(numbers)]
        draft = campaigns.CampaignDraft(recipients=people, groups=groups, **self.draft(who, purpose, seconds))
        self.does(lambda tx: campaigns.create(tx, self.accounts[who], "api", draft))

    @rule(who=WHO, place=PLACE, number=TO, seconds=SECONDS, to_number=st.booleans())
    def edit(self, who: int, place: int, number: int, seconds: int, to_number: bool) -> None:
        change: dict[str, Any] = (
            {"to": f"+{number}"} if to_number else {"send_at": self.engine.clock.now + seconds * 1000}
        )
        message_id = self.pick(messages, who, place)
        self.does(lambda tx: singles.edit(tx, self.accounts[who], message_id, change))

    @rule(who=WHO, place=PLACE, number=TO, seconds=SECONDS, to_number=st.booleans())
    def edit_campaign(self, who: int, place: int, number: int, seconds: int, to_number: bool) -> None:
        moved = {"send_at": self.engine.clock.now + seconds * 1000}
        change: dict[str, Any] = {"recipients": [{"to": f"+{number}"}]} if to_number else moved
        campaign_id = self.pick(campaign_rows, who, place)
        self.does(lambda tx: campaigns.edit(tx, self.accounts[who], campaign_id, change))

    @rule(who=WHO, place=PLACE, again=st.sampled_from(["message", "campaign", "resend"]))
    def copy(self, who: int, place: int, again: str) -> None:
        account = self.accounts[who]
        if again == "message":
            message_id = self.pick(messages, who, place)
            self.does(lambda tx: singles.copy(tx, account, "api", message_id))
            return
        work = campaigns.copy if again == "campaign" else campaigns.resend
        campaign_id = self.pick(campaign_rows, who, place)
        self.does(lambda tx: work(tx, account, "api", campaign_id))

    def pick(self, table: Any, who: int, place: int) -> str:
        """One of the account's; an id that nothing has where it has none."""
        mine = [row.id for row in self.engine.all(table) if row.account_id == self.accounts[who].id]
        return mine[place % len(mine)] if mine else self.accounts[who].id

    @rule(windows=st.integers(min_value=1, max_value=3))
    def claim(self, windows: int) -> None:
        for _ in range(windows):
            lanes.serve(self.engine.runtime, self.engine.lane)

    @rule(rounds=st.integers(min_value=1, max_value=4), seconds=SECONDS)
    def work(self, rounds: int, seconds: int) -> None:
        self.engine.clock.forward(seconds=seconds)
        for _ in range(rounds):
            self.engine.work()
            self.hears()

    @rule(number=TO)
    def says_stop(self, number: int) -> None:
        said = Inbound(self.engine.runtime.ids.new(), number, "36034", "Stop", self.engine.clock.now)
        receipts.inbox(self.engine.runtime)("simulator", [], [said])
        self.engine.deliver([])
        self.hears()

    @rule(who=WHO, number=TO)
    def is_blocked(self, who: int, number: int) -> None:
        self.engine.block(self.accounts[who], number)
        self.stopped.setdefault((self.accounts[who].name, number), len(self.engine.taken()))

    def hears(self) -> None:
        """Opt-outs that were applied bind from here on: one account, or all of them where it belongs to none."""
        for reply in self.engine.all(replies):
            if reply.opt_out and reply.applied_at is not None:
                bound = [one.name for one in self.accounts if reply.account_id in (None, one.id)]
                for name in bound:
                    self.stopped.setdefault((name, reply.number), len(self.engine.taken()))

    @invariant()
    def nothing_is_sent_after_a_stop(self) -> None:
        for place, taken in enumerate(self.engine.taken()):
            if taken.text == CONFIRMATION:
                continue
            name, purpose = taken.text.split()[:2]
            assert purpose == "otp" or place < self.stopped.get((name, taken.number), place + 1), taken

    @invariant()
    def nobody_is_confirmed_twice(self) -> None:
        confirmed = [(row.account_id, row.number) for row in self.engine.all(messages) if row.source == "system"]
        assert len(confirmed) == len(set(confirmed))

    @invariant()
    def money_and_counters_add_up(self) -> None:
        assert self.engine.faults() == []


def test_nothing_is_sent_after_a_stop_by_any_road(fresh: Fresh) -> None:
    class Here(Stops):
        pass

    Here.fresh = staticmethod(fresh)
    run_state_machine_as_test(Here, settings=examples(8, stateful_step_count=25))
