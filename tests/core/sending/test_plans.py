"""No statement of the engine reads all of a table that grows."""

from contextlib import closing
from pathlib import Path

import pytest

from core.sending.folding import MOST
from core.sending.windows import claim
from tests.bench.explain import gather
from tests.support import plans
from tests.support.engine import Engine


@pytest.mark.slow
def test_every_statement_of_a_days_work_goes_by_an_index(database_url: str, tmp_path: Path) -> None:
    found = gather(database_url, tmp_path, 20_000)
    works = {plan.work.split(" ")[0] for plan in found}
    assert works >= {
        "submit",
        "claim,",
        "receipts",
        "replies",
        "list",
        "report",
        "campaign",
        "resend",
        "cancel",
        "steps",
        "sweeps",
        "blacklist",
    }
    assert [(plan.work, plan.scans, " ".join(plan.statement.split())) for plan in found if plan.scans] == []


@pytest.mark.slow
@pytest.mark.parametrize(
    "database_url", ["postgresql"], indirect=True
)  # SQLite keeps no statistics of what it may read
def test_messages_that_go_together_are_found_by_their_chunks_where_the_statistics_know_of_none_that_waits(
    database_url: str, tmp_path: Path
) -> None:
    with closing(Engine(database_url, tmp_path)) as engine:
        account = engine.account()
        plans.fill(engine, [account.id], 60_000)
        for place in range(MOST + 1):
            engine.send(account, f"+{33_612_345_620 + place}")
        caught = plans.catch(engine.database)
        with caught.doing("fold"):
            window = claim(engine.runtime, engine.carrier.name, "test", 500, {})
        found = plans.explain(engine.database, caught, forced=False)
    assert window is not None
    assert len(window.attempts) == MOST + 1
    lines = [line for plan in found if "FOR UPDATE SKIP LOCKED" in plan.statement for line in plan.lines]
    assert [line for line in lines if line.startswith("Seq Scan messages")] == []
    assert [line for line in lines if line.startswith("Index Scan messages ix_messages_chunk_id_id")]
