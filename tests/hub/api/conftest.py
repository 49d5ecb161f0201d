from collections.abc import Iterator

import pytest
from flask import Flask

from core import Database, Runtime
from tests.support.web import Visitor, application, visitor
from tests.support.world import ManualClock, runtime_on


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def runtime(database_url: str, clock: ManualClock) -> Iterator[Runtime]:
    database = Database(database_url)
    yield runtime_on(database, clock=clock)
    database.close()


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    return application(runtime)


@pytest.fixture
def alice(runtime: Runtime, app: Flask) -> Visitor:
    return visitor(runtime, app, "alice", millicredits=10_000)


@pytest.fixture
def bob(runtime: Runtime, app: Flask) -> Visitor:
    return visitor(runtime, app, "bob", millicredits=5_000)
