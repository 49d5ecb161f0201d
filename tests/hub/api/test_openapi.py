import json
import re

import pytest
from flask import Flask
from openapi_spec_validator import validate
from werkzeug.test import Client

from connectors.contract import Operation
from core import accounts
from hub.api import openapi
from hub.api.table import OPERATIONS


@pytest.fixture(scope="module")
def document() -> dict[str, object]:
    return openapi.document(OPERATIONS, "https://sms.example")


def test_the_document_is_valid(document: dict[str, object]) -> None:
    validate(json.loads(json.dumps(document)))


def test_the_document_is_served_as_it_is(app: Flask) -> None:
    served = Client(app).get("/api/v1/openapi.json")
    assert served.json == json.loads(json.dumps(openapi.document(OPERATIONS, "https://sms.example")))
    again = Client(app).get("/api/v1/openapi.json", headers={"If-None-Match": served.headers["ETag"]})
    assert again.status_code == 304


def test_names_and_routes_are_used_once() -> None:
    assert len({each.name for each in OPERATIONS}) == len(OPERATIONS)
    assert len({(each.method, each.path) for each in OPERATIONS}) == len(OPERATIONS)


@pytest.mark.parametrize("operation", OPERATIONS, ids=lambda each: each.name)
def test_an_operation_declares_what_it_is(operation: Operation) -> None:
    assert operation.scope is None or operation.scope in accounts.SCOPES
    assert not operation.keyed or operation.method == "POST"
    assert not operation.paged or operation.method == "GET"
    told = openapi.document([operation], "https://x")["paths"][operation.path][operation.method.lower()]
    assert {"401", "429", "503"} <= told["responses"].keys()
    assert ("403" in told["responses"]) >= (operation.scope is not None)
    assert ("Idempotency-Key" in str(told)) == operation.keyed
    for status, answer in told["responses"].items():
        problem = "application/problem+json" in answer.get("content", {})
        assert problem == (int(status) >= 400)


def test_the_page_names_every_operation_and_takes_nothing_from_elsewhere(app: Flask) -> None:
    page = Client(app).get("/api/docs")
    text = page.get_data(as_text=True)
    assert all(f'id="{each.name}"' in text for each in OPERATIONS)
    assert "script" not in page.headers["Content-Security-Policy"]
    assert not re.search(r"<script|<style|\sstyle=|\son\w+=", text)
    fetched = re.findall(r'<(?:link|img|iframe)[^>]*(?:src|href)="(?!data:)([^"]+)"', text)
    assert fetched == ["/api/pages.css"]


def test_every_link_of_the_pages_leads_somewhere(app: Flask) -> None:
    client = Client(app)
    for page in ("/", "/api/docs"):
        text = client.get(page).get_data(as_text=True)
        names = set(re.findall(r'id="([^"]+)"', text))
        for link in re.findall(r'href="([^"]+)"', text):
            if link.startswith("#"):
                assert link[1:] in names, link
            elif link.startswith("/"):
                assert client.get(link, follow_redirects=True).status_code in (200, 503), link


def test_the_first_page_says_that_a_simulator_is_the_carrier(app: Flask) -> None:
    assert "nothing leaves this machine" in Client(app).get("/").get_data(as_text=True)
