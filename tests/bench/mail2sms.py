"""Mail2SMS: mails that are read."""

from collections.abc import Sequence
from typing import Final

from tests.bench.figure import Bench
from tests.bench.mails import MAILS
from tests.bench.parsing import PARSING

BENCHES: Final[Sequence[Bench]] = (PARSING, MAILS)
