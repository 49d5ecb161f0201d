"""No statement of the engine reads all of a table that grows."""

from pathlib import Path

import pytest

from tests.bench.explain import gather


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
