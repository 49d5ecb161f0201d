import pytest
from flask import Flask

from core import Runtime
from tests.support.web import Visitor, application, visitor


@pytest.fixture
def app(runtime: Runtime) -> Flask:
    return application(runtime)


@pytest.fixture
def alice(runtime: Runtime, app: Flask) -> Visitor:
    return visitor(runtime, app, "alice", millicredits=10_000)


@pytest.fixture
def bob(runtime: Runtime, app: Flask) -> Visitor:
    return visitor(runtime, app, "bob", millicredits=5_000)
