"""A quote is what will be debited: for any text, and any recipients by every road."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from core import jobs
from core.audience import contacts
from core.schema import campaign_drops, transfers
from core.schema import campaigns as campaign_rows
from core.sending import campaigns, quotes
from core.sending.campaigns import CampaignDraft
from tests.properties.conftest import Fresh
from tests.support.engine import Engine
from tests.support.examples import code_of, examples

FRENCH = [f"+336123456{n}" for n in range(20, 28)]
NUMBERS = st.sampled_from(
    [*FRENCH, "0612345620", "+447400123456", "+447400123457", "+85251234567", "123", "+33123456789", "0696123456"]
)
WORDS = st.sampled_from(
    ["Bonjour ", "$nom", "$prenom", "$societe$email", "€", "éà", "ê", "😀", "x" * 70, "STOP 36034", "\n", "$"]
)
TEXTS = st.lists(WORDS, min_size=1, max_size=6).map("".join)
NAMES = st.one_of(st.none(), st.sampled_from(["", "Ada", "Zoë €", "O'Brien", "李", "n" * 200, "$nom"]))
PEOPLE = st.lists(st.fixed_dictionaries({"to": NUMBERS, "nom": NAMES, "prenom": NAMES}), max_size=6)
MEMBERS = st.lists(st.tuples(st.sampled_from(FRENCH), NAMES), max_size=5)


def test_a_quote_is_the_sum_of_the_messages_and_the_movement_of_the_ledger(fresh: Fresh) -> None:
    @examples(15)
    @given(
        text=TEXTS,
        people=PEOPLE,
        members=st.lists(MEMBERS, max_size=2),
        blocked=st.sets(st.sampled_from(FRENCH), max_size=3),
        archived=st.booleans(),
        purpose=st.sampled_from(["marketing", "notification", "otp"]),
        page=st.integers(min_value=1, max_value=6),
    )
    def holds(page: int, blocked: set[str], archived: bool, **asked: Any) -> None:
        engine = Engine(*fresh(), page=page)
        account = engine.account(kind="notification", otp=True)
        draft = prepare(engine, account, **asked)
        for number in sorted(blocked):
            engine.block(account, int(number))
        if archived:
            with engine.runtime.begin() as tx:
                contacts.archive_numbers(tx, account.id, [int(FRENCH[0])], "failed_permanent")
        check(engine, account, draft)
        engine.close()

    holds()


def prepare(engine: Engine, account: Any, text: str, people: Any, members: Any, purpose: str) -> CampaignDraft:
    group_ids = []
    for place, group in enumerate(members):
        group_ids.append(engine.group(account, name=f"group {place}"))
        for number, nom in group:
            engine.person(account, number, group_ids[-1], nom=nom)
    return CampaignDraft(text, recipients=people, groups=group_ids, purpose=purpose)


def check(engine: Engine, account: Any, draft: CampaignDraft) -> None:
    with engine.runtime.read() as tx:
        refused = code_of(quotes.quote, tx, account, draft)
        told = {} if refused else quotes.quote(tx, account, draft)
    with engine.runtime.begin() as tx:
        also = code_of(campaigns.create, tx, account, "api", draft)
    assert {refused, also} <= {None, "text_empty", "no_recipients"}
    if also or refused:  # a quote of nobody but wrong numbers is a quote; a campaign is not
        assert also == refused or (also, told["messages"]) == ("no_recipients", 0)
        return
    while jobs.work(engine.runtime, engine.handlers):
        pass
    (made,) = engine.all(campaign_rows)
    rows = engine.messages(account)
    held = sum(row.millicredits for row in engine.all(transfers) if row.kind == "hold")
    price = round(told["credits"] * 1000)
    assert price == held == engine.balance(account).held == sum(row.millicredits for row in rows)
    going = [row for row in rows if row.status == "queued"]
    assert (told["messages"], told["segments"]) == (len(going), sum(row.segments for row in going))
    assert told["blacklisted"] == len(rows) - len(going)
    reasons = [row.reason for row in engine.all(campaign_drops)]
    assert (told["duplicates"], told["invalid_count"]) == (
        reasons.count("duplicate"),
        len(reasons) - reasons.count("duplicate"),
    )
    engine.settle()
    assert engine.campaign_row(made.id).status == "finished"
    assert engine.balance(account).spent == price
    assert engine.faults() == []
