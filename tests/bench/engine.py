"""The engine: from requests to the carrier and back, on both databases."""

from collections.abc import Sequence
from typing import Final

from tests.bench.batches import BATCHES, BATCHES_SQLITE
from tests.bench.campaign import CAMPAIGN, CAMPAIGN_SQLITE
from tests.bench.dispatch import DISPATCH, DISPATCH_SQLITE
from tests.bench.fairness import FAIRNESS
from tests.bench.figure import Bench
from tests.bench.hooks import HOOKS
from tests.bench.reading import READING
from tests.bench.singles import SINGLES, SINGLES_SQLITE

BENCHES: Final[Sequence[Bench]] = (
    *(SINGLES, BATCHES, CAMPAIGN, DISPATCH, HOOKS, FAIRNESS, READING),
    *(SINGLES_SQLITE, BATCHES_SQLITE, CAMPAIGN_SQLITE, DISPATCH_SQLITE),
)
