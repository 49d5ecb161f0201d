"""Whatever the document allows to be asked of /connectors and /installations, and much that it does not, is answered as it says."""

from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck
from hypothesis import settings as examples

from hub.api import openapi
from hub.installations.book import Book
from hub.installations.operations import operations
from hub.registry import Registry
from tests.hub.test_schemathesis import CHECKS
from tests.support.databases import create_tables
from tests.support.gadgets import gadget
from tests.support.plugged import KEYS, plugged
from tests.support.web import Visitor

TABLE = operations(Book(Registry(), KEYS), lambda _asked: {})
hub: dict[str, Visitor] = {}


def application_of_the_moment(environ: Any, start_response: Any) -> Any:
    return hub["alice"].client.application(environ, start_response)


@pytest.fixture(scope="module", autouse=True)
def alice(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    folder = tmp_path_factory.mktemp("hub")
    create_tables(f"sqlite:///{folder / 'hub.db'}")
    with plugged(f"sqlite:///{folder / 'hub.db'}", folder, gadget()) as made:
        hub["alice"] = made.visitor("alice")
        yield


schema = schemathesis.openapi.from_dict(openapi.document(TABLE, "http://localhost"))
schema.app = application_of_the_moment


@pytest.mark.slow
@schema.parametrize()
@examples(max_examples=25, suppress_health_check=list(HealthCheck))
def test_whatever_is_asked_is_answered_as_the_document_says(case: Any) -> None:
    case.call_and_validate(headers={"Authorization": f"Bearer {hub['alice'].secret}"}, checks=CHECKS)
