"""Metrics for Prometheus: requests by route template and status, and what waits in the database, read when asked."""

import os
from collections.abc import Iterable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final

import structlog
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, multiprocess, values
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from connectors.contract import Gauge
from core import Runtime, backlog

MEDIA_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)

log = structlog.get_logger()


BACKLOG: Final = Gauge("smshub_backlog", "Work that is due and not done, by kind.", "kind", backlog.counts)


class Metrics:
    """A registry of its own, so that several hubs in one process (tests) do not count together."""

    def __init__(self, runtime: Runtime, shared: Path | None = None) -> None:
        """`shared`: a folder where all processes that answer on one port count, so that each tells of all."""
        if shared is not None:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = str(shared)
            values.ValueClass = values.MultiProcessValue()  # type: ignore[no-untyped-call]
        self._shared = shared
        self.registry = CollectorRegistry()
        self._waiting = _Waiting(runtime)
        self.registry.register(self._waiting)
        self.register(BACKLOG)
        names = ["route", "method", "status"]
        self._requests = Counter("smshub_requests", "Requests answered.", names, registry=self.registry)
        self._seconds = Histogram(
            "smshub_request_seconds", "Time to answer.", ["route"], buckets=_BUCKETS, registry=self.registry
        )
        # Finding a child by its labels costs more than counting: the few that there are, are kept.
        self._counter = lru_cache(maxsize=2048)(self._requests.labels)
        self._timer = lru_cache(maxsize=512)(self._seconds.labels)

    def register(self, gauge: Gauge) -> None:
        """Add a gauge; anyone may (hooks that gave up, a listener's connections)."""
        self._waiting.gauges.append(gauge)

    def observe(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one request. `route` is the template of its path: never an id or a number."""
        self._counter(route, method, str(status)).inc()
        self._timer(route).observe(seconds)

    def text(self) -> bytes:
        """Everything, in Prometheus' text format."""
        if self._shared is None:
            return generate_latest(self.registry)
        everybody = CollectorRegistry()
        multiprocess.MultiProcessCollector(everybody, str(self._shared))  # type: ignore[no-untyped-call]
        everybody.register(self._waiting)
        return generate_latest(everybody)


class _Waiting(Collector):
    """Reads the gauges in one transaction. One that fails is left out and counted: the others are still wanted then."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self.gauges: list[Gauge] = []

    def describe(self) -> Iterable[Metric]:
        """Nothing: so that registering does not read the database."""
        return []

    def collect(self) -> Iterator[Metric]:
        """What each gauge reads now."""
        failed = 0
        for gauge in self.gauges:
            try:
                yield self._read(gauge)
            except Exception as error:  # noqa: BLE001 - whatever is wrong with one gauge, the page must answer
                failed += 1
                log.warning("metrics.gauge_failed", gauge=gauge.name, error=type(error).__name__)
        family = GaugeMetricFamily("smshub_gauges_failed", "Gauges that could not be read now.")
        family.add_metric([], failed)
        yield family

    def _read(self, gauge: Gauge) -> Metric:
        family = GaugeMetricFamily(gauge.name, gauge.help, labels=[gauge.label])
        with self._runtime.read() as tx:
            for value, count in gauge.read(tx).items():
                family.add_metric([value], count)
        return family
