"""The engine: a campaign with merge fields and STOP mentions to a stored group, from its job to its last receipt."""

from collections.abc import Callable, Mapping
from pathlib import Path
from time import perf_counter

from core.accounts import Account
from core.jobs import work
from core.schema import contacts, group_members, groups, metadata
from core.sending import campaigns, lanes, receipts
from tests.support.engine import Engine

PEOPLE = 20_000
COLUMNS = ("id", "account_id", "number", "country", "nom", "prenom", "search", "source", "created_at", "updated_at")
TEXT = "Bonjour $prenom $nom, -20 % sur tout le magasin ce samedi."


def measure(folder: Path, url: str) -> Mapping[str, float]:
    """Recipients a second: queued, dispatched through an instant carrier, and heard of (receipts applied)."""
    engine = Engine(url, folder)
    try:
        metadata.drop_all(engine.database.engine)
        metadata.create_all(engine.database.engine)
        account = engine.account(credits=1_000_000)
        _prepare(engine, account)
        queued = _seconds(lambda: _until(lambda: work(engine.runtime, engine.handlers)))
        sent = _seconds(lambda: _until(lambda: lanes.serve(engine.runtime, engine.lane)))
        engine.clock.forward(seconds=10)
        inbox = receipts.inbox(engine.runtime)
        _until(lambda: bool(engine.simulator.pump(inbox)))
        heard = _seconds(lambda: _until(lambda: bool(receipts.apply(engine.runtime))))
    finally:
        engine.close()
    names = ("campaign_queued_per_s", "dispatch_per_s", "receipts_per_s")
    return {name: PEOPLE / seconds for name, seconds in zip(names, (queued, sent, heard), strict=True)}


def _prepare(engine: Engine, account: Account) -> None:
    with engine.runtime.begin() as tx:
        group_id, now = tx.new_id(), tx.now
        tx.execute(groups.insert().values(id=group_id, account_id=account.id, name="g", slug="g", created_at=now))
        ids = tx.new_ids(PEOPLE)
        numbers = [33_600_000_020 + 100 * place for place in range(PEOPLE)]
        rows = [
            (id_, account.id, number, "FR", "Dupont", "Zoé", "dupont zoe", "import", now, now)
            for id_, number in zip(ids, numbers, strict=True)
        ]
        tx.insert(contacts, COLUMNS, rows)
        members = [(group_id, number, id_) for id_, number in zip(ids, numbers, strict=True)]
        tx.insert(group_members, ("group_id", "number", "contact_id"), members)
        campaigns.create(tx, account, "api", campaigns.CampaignDraft(text=TEXT, name="bench", groups=(group_id,)))


def _until(done: Callable[[], bool]) -> None:
    while done():
        pass


def _seconds(task: Callable[[], object]) -> float:
    started = perf_counter()
    task()
    return perf_counter() - started
