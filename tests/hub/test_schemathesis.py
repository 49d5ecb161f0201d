"""Our own document, read by a stranger who tries everything it allows and much that it does not."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck
from hypothesis import settings as examples
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from core import Database
from hub.api import openapi
from hub.api.table import OPERATIONS
from tests.support.databases import create_tables
from tests.support.web import Visitor, application, visitor
from tests.support.world import runtime_on

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
    unsupported_method,
]
# One hub for all examples of this module; what they leave in it is theirs to stumble over.
hub: dict[str, Visitor] = {}


def application_of_the_moment(environ: Any, start_response: Any) -> Any:
    return hub["alice"].client.application(environ, start_response)


@pytest.fixture(scope="module", autouse=True)
def alice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder: Path = tmp_path_factory.mktemp("hub")
    create_tables(f"sqlite:///{folder / 'hub.db'}")
    database = Database(f"sqlite:///{folder / 'hub.db'}")
    runtime = runtime_on(database)
    hub["alice"] = visitor(runtime, application(runtime), "alice", millicredits=1_000_000)
    yield
    database.close()


schema = schemathesis.openapi.from_dict(openapi.document(OPERATIONS, "http://localhost"))
schema.app = application_of_the_moment


@pytest.mark.slow
@schema.parametrize()
@examples(max_examples=25, suppress_health_check=list(HealthCheck))
def test_no_request_is_answered_otherwise_than_declared(case: schemathesis.Case[Any]) -> None:
    case.call_and_validate(headers={"Authorization": f"Bearer {hub['alice'].secret}"}, checks=CHECKS)
