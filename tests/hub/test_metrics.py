from collections.abc import Mapping

import pytest

from connectors.contract import Gauge
from core import Runtime, Tx, events
from hub.metrics import Metrics


@pytest.fixture
def metrics(runtime: Runtime) -> Metrics:
    return Metrics(runtime)


def test_requests_are_counted_by_template_and_status(metrics: Metrics) -> None:
    for _ in range(3):
        metrics.observe("/api/v1/messages/<id>", "GET", 200, 0.004)
    text = metrics.text().decode()
    assert 'smshub_requests_total{method="GET",route="/api/v1/messages/<id>",status="200"} 3.0' in text
    assert 'smshub_request_seconds_bucket{le="0.005",route="/api/v1/messages/<id>"} 3.0' in text


def test_what_waits_is_read_from_the_database_when_asked(runtime: Runtime, metrics: Metrics) -> None:
    assert 'smshub_backlog{kind="outbox"} 0.0' in metrics.text().decode()
    with runtime.begin() as tx:
        events.emit(tx, tx.new_id(), "message.status", [{"id": 1}])
    assert 'smshub_backlog{kind="outbox"} 1.0' in metrics.text().decode()


def test_others_add_their_gauges(metrics: Metrics) -> None:
    metrics.register(Gauge("smshub_hooks", "Hooks by state.", "state", lambda _: {"dead": 2}))
    assert 'smshub_hooks{state="dead"} 2.0' in metrics.text().decode()


def test_a_gauge_that_fails_leaves_the_others(metrics: Metrics) -> None:
    def broken(_: Tx) -> Mapping[str, float]:
        raise LookupError

    metrics.register(Gauge("smshub_broken", "Never there.", "x", broken))
    text = metrics.text().decode()
    assert "smshub_gauges_failed 1.0" in text
    assert "smshub_backlog" in text
