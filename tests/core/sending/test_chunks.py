"""Chunks that messages join: never more than a chunk holds."""

from typing import Any

from core.schema import chunks
from core.sending import chunks as queue
from core.sending.drafts import Draft
from tests.support.engine import Engine


def test_a_chunk_is_joined_until_it_is_full(engine: Engine) -> None:
    account = engine.account()
    later = {"due_at": engine.clock.now + 5_000, "expires_at": engine.clock.now + 60_000}
    drafts = [Draft(f"+3361234562{place}", "Bonjour", send_at=engine.clock.now + 5_000) for place in range(2)]
    waiting: Any = engine.send_all(account, drafts)[0].chunk_id
    with engine.runtime.begin() as tx:
        tx.execute(chunks.update().values(step="send", due_at=later["due_at"]))
        chunk = tx.one(chunks.select())
        assert queue.joined(tx, chunk, queue.SIZE - 2, **later) == waiting
        fresh = queue.joined(tx, chunk, queue.SIZE - 1, **later)
        assert fresh != waiting
        assert queue.joined(tx, chunk, queue.SIZE, **later) == fresh  # the newest has the most room
