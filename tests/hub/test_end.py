"""The main job on a running hub: 10,000 rows of a real spreadsheet, from import to report, counted number by number."""

import io
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests
from python_calamine import CalamineWorkbook

from core import number
from tests.support.serving import SECRET, Process, Site, free_port, stamp, wait_for
from tests.support.spreadsheet import as_xlsx

GROUPS = ("success", "waiting", "temporary", "permanent", "blacklisted")
TEXT = "Bonjour $prenom $nom de $societe : -20 % dès 10 € ce samedi, à très bientôt au magasin."
PLAIN = [f"{ending:02}" for ending in range(20, 100)]
ODD = ["01", "02", "03", "04", "05", "06", "08", "09", "10", "12", "14"]
BECOMES = {
    "01": "failed_temporary",
    "02": "failed_temporary",
    "03": "failed_permanent",
    "04": "failed_permanent",
    "05": "failed_permanent",
    "06": "rejected",
}


def table() -> Iterator[list[Any]]:
    """A header and 10,000 rows: 9,302 French people, 100 overseas, 200 foreign, 298 spelt again, 100 that are no numbers."""
    yield ["Portable", "Nom", "Prénom", "Société"]
    endings = [*PLAIN, *ODD]
    for place in range(9_300):
        local = f"061{place:05}{endings[place % len(endings)]}"
        written: Any = (local, f"+33{local[1:]}", int(local), float(f"33{local[1:]}"))[place % 4]
        yield [
            written,
            f"Lefèvre{place}",
            ("Zoé", "Noël", "François", "Anaïs")[place % 4],
            ("Café du Port", "L'Été €")[place % 2],
        ]
    yield from (["06 99 99 99 11", "Stop", "Un", "A"], ["0033 6 99 99 98 11", "Stop", "Deux", "B"])
    yield from ([f"+59669612{place:02}20", "Outremer", "Maé", ""] for place in range(100))
    yield from ([f"4474001234{place:02}", "Smith", "Zoë", ""] for place in range(20, 100))
    yield from ([f"+32470123{place:03}", "Peeters", "Noé", ""] for place in (*range(120, 200), *range(220, 260)))
    yield from ([f"0033 61{place * 91:05}20", "Encore", "", ""] for place in range(102))
    yield from ([f"+3361{place:05}{endings[place % len(endings)]}", "Encore", "", ""] for place in range(196))
    yield from ([("0142685300", "12", "n/a", "3.36E+10")[place % 4], "Faux", "Numéro", ""] for place in range(100))


@pytest.fixture
def site(database_url: str, tmp_path: Path) -> Iterator[Site]:
    stamp(database_url)
    made = Site(database_url, tmp_path)
    yield made
    made.close()


def start(stack: ExitStack, site: Site, folder: Path, **more: str) -> list[Process]:
    """The hub: one process on SQLite, the web and a worker on PostgreSQL."""
    ready = {"serve": " ready at "} if site.url.startswith("sqlite") else {"web": " ready at ", "worker": " works for "}
    settings = {"SMSHUB_DATABASE_URL": site.url, "SMSHUB_SECRET_KEYS": SECRET} | more
    roles = [stack.enter_context(Process(role, folder, **settings)) for role in ready]
    for role, word in zip(roles, ready.values(), strict=True):
        role.ready(word=word)
    return roles


class Caller:
    """A key in the hand of a person with curl."""

    def __init__(self, port: int, secret: str) -> None:
        self.base = f"http://127.0.0.1:{port}/api/v1"
        self.session = requests.Session()
        self.session.headers["Authorization"] = f"Bearer {secret}"

    def __call__(self, method: str, path: str, **more: Any) -> Any:
        answer = self.session.request(method, f"{self.base}{path}", timeout=60, **more)
        assert answer.status_code < 400, answer.text
        return answer.json() if "json" in answer.headers["Content-Type"] else answer.content

    def every(self, path: str) -> list[Any]:
        items: list[Any] = []
        cursor: str | None = ""
        while cursor is not None:
            page = self("GET", path, params={"limit": 200, "cursor": cursor})
            items += page["items"]
            cursor = page["next_cursor"]
        return items


@pytest.mark.slow
def test_ten_thousand_rows_from_the_spreadsheet_to_the_report(site: Site, tmp_path: Path) -> None:
    _account, secret = site.open_account(100_000_000)
    port = free_port()
    rows = list(table())
    assert len(rows) == 10_001
    carriers = '[{"name": "simulator", "kind": "simulator", "answer_ms": 1, "receipt_ms": 50}]'
    with ExitStack() as stack:
        roles = start(stack, site, tmp_path, PORT=str(port), SMSHUB_CARRIERS=carriers)
        ask = Caller(port, secret)
        file = {"file": ("clients.xlsx", as_xlsx(rows))}
        job = ask("POST", "/imports", files=file, data={"kind": "contacts", "group_name": "Clients"})
        done = wait_for(lambda: _if(ask("GET", f"/imports/{job['id']}"), "finished"))
        assert (done["total"], done["rejected"]) == (10_000, 100)
        errors = ask("GET", f"/imports/{job['id']}/errors.csv").decode("utf-8-sig").splitlines()
        assert len(errors) == 101
        (group,) = ask("GET", "/groups")["items"]
        draft = {"text": TEXT, "groups": [group["id"]], "recipients": [{"to": "+33699999911"}, {"to": "+33699999911"}]}
        quote = ask("POST", "/quotes", json=draft)
        people = {number.parse(str(number.from_cell(row[0])), "FR").value for row in rows[1:-100]}
        assert quote["messages"] == len(people)
        assert quote["duplicates"] == 2
        before = ask("GET", "/credits")["available"]
        campaign = ask("POST", "/campaigns", json=draft | {"name": "Soldes"})
        wait_for(lambda: _if(ask("GET", f"/campaigns/{campaign['id']}"), "finished"))
        wait_for(lambda: _settled(ask, campaign["id"]))
        _compare(ask, campaign["id"], quote, before, site, people)
        assert [role.stop() for role in roles] == [0] * len(roles)
    assert site.faults() == []


def _if(found: Any, status: str) -> Any:
    assert found["status"] != "failed", found
    return found if found["status"] == status else None


def _settled(ask: Caller, campaign_id: str) -> bool:
    by_status = ask("GET", f"/campaigns/{campaign_id}/report")["statistics"]["by_status"]
    stops = sum(
        message["source"] == "system" and message["status"] == "received"
        for message in ask("GET", "/messages")["items"]
    )
    return not by_status.keys() & {"sent", "delivered_operator", "queued", "sending", "unknown"} and stops == 2


def _compare(ask: Caller, campaign_id: str, quote: Any, before: float, site: Site, people: set[int]) -> None:
    """The report against the simulator's log, and the money against the quote."""
    report = ask("GET", f"/campaigns/{campaign_id}/report")
    statistics = report["statistics"]
    assert round(sum(statistics[group]["rate"] for group in GROUPS), 2) == 100
    assert sum(statistics[group]["count"] for group in GROUPS) == len(people)
    log = Counter(one.number for one in site.taken() if not one.text.startswith("Votre"))
    expected = {value: BECOMES.get(f"{value}"[-2:], "received") for value in people}
    lines = {
        int(line["to"][1:]): line for line in ask.every(f"/campaigns/{campaign_id}/recipients") if line["message_id"]
    }
    assert {value: line["status"] for value, line in lines.items()} == expected
    assert log == {value: 1 for value, status in expected.items() if status != "rejected"}
    refused = sum(line["credits"] == 0 for line in lines.values())
    assert refused == sum(status == "rejected" for status in expected.values())
    assert round(sum(line["credits"] for line in lines.values()), 3) == report["summary"]["credits"]
    unsent = sum(_price(ask, value) for value, status in expected.items() if status == "rejected")
    assert round(quote["credits"] - unsent, 3) == report["summary"]["credits"]
    assert round(before - ask("GET", "/credits")["available"], 3) == round(
        report["summary"]["credits"] + 2, 3
    )  # two confirmations
    stopped = {entry["number"] for entry in ask.every("/blacklist")}
    assert stopped == {"+33699999911", "+33699999811"}
    confirmations = Counter(one.number for one in site.taken() if one.text.startswith("Votre"))
    assert confirmations == {33699999911: 1, 33699999811: 1}
    sheet = CalamineWorkbook.from_filelike(io.BytesIO(ask("GET", "/replies.xlsx"))).get_sheet_by_index(0).to_python()
    assert Counter(row[3] for row in sheet[1:])["STOP"] == 2


def _price(ask: Caller, value: int) -> float:
    """What a refused one would have cost, by the same quote."""
    one = ask("GET", "/contacts", params={"q": f"+{value}"})["items"][0]
    quoted: float = ask("POST", "/quotes", json={"text": TEXT, "contacts": [one["id"]]})["credits"]
    return quoted
