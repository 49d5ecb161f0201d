"""/campaigns, /quotes, /replies and /statistics over REST."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from python_calamine import CalamineWorkbook

from core import campaigns, quotes
from tests.support.engine import Engine
from tests.support.rest import RestClient

TOMORROW = "2026-09-22T14:30:00+02:00"
GROUPS = ("success", "waiting", "temporary", "permanent", "blacklisted")


@pytest.fixture
def engine(database_url: str, tmp_path: Path) -> Iterator[Engine]:
    made = Engine(database_url, tmp_path)
    yield made
    made.close()


@pytest.fixture
def client(engine: Engine, tmp_path: Path) -> RestClient:
    return RestClient(engine, engine.account(), tmp_path)


def people(*numbers: str) -> list[dict[str, str]]:
    return [{"to": number, "prenom": f"P{place}"} for place, number in enumerate(numbers)]


def campaign(client: RestClient, *numbers: str, text: str = "Bonjour $prenom", **fields: Any) -> Any:
    return client("POST", "/campaigns", json={"name": "Soldes", "text": text, "recipients": people(*numbers)} | fields)


def test_quote_then_debit_are_equal_and_nothing_is_sent_by_a_quote(engine: Engine, client: RestClient) -> None:
    numbers = ["+33612345620", "0612345621", "0033612345620", "+447400123456", "12", "+8613812345678"]
    draft = {"text": "Dès 10 € $prenom", "recipients": people(*numbers)}
    quote = client("POST", "/quotes", json=draft).json
    assert (quote["messages"], quote["duplicates"], quote["invalid_count"], quote["credits"]) == (3, 1, 2, 3.1)
    assert {line["country"]: line["credits"] for line in quote["by_country"]} == {"FR": 2, "GB": 1.1}
    assert {sample["text"] for sample in quote["samples"]} == {"Dès 10 € P0 STOP 36034", "Dès 10 € P3 stop.test"}
    engine.settle()
    assert engine.simulator.sent() == []
    client("POST", "/campaigns", json=draft | {"name": "x"})
    engine.settle()
    engine.later(seconds=5)
    assert client("GET", "/credits").json["available"] == 1000 - 3.1


def test_a_report_sums_to_100_and_drops_stand_apart_with_their_reason(engine: Engine, client: RestClient) -> None:
    made = campaign(client, *(f"+336123456{n:02}" for n in range(15)), "12", "0612345600").json
    engine.settle()
    engine.later(rounds=20, seconds=10)
    report = client("GET", f"/campaigns/{made['id']}/report").json
    statistics = report["statistics"]
    assert {group: statistics[group]["count"] for group in GROUPS} == {
        "success": 8,
        "waiting": 1,
        "temporary": 2,
        "permanent": 4,
        "blacklisted": 0,
    }
    assert round(sum(statistics[group]["rate"] for group in GROUPS), 2) == 100
    assert statistics["apart"] == {"duplicate": 1, "invalid_number": 1}
    assert report["summary"]["contacts"] == 15
    lines: list[Any] = []
    cursor: str | None = ""
    while cursor is not None:
        page = client("GET", f"/campaigns/{made['id']}/recipients?limit=4&cursor={cursor}").json
        lines += page["items"]
        cursor = page["next_cursor"]
    assert len(lines) == 17
    assert {line["to"]: line["reason"] for line in lines if line["reason"]} == {
        "12": "invalid_number",
        "0612345600": "duplicate",
    }
    csv = client("GET", f"/campaigns/{made['id']}/recipients.csv").data.decode("utf-8-sig").splitlines()
    assert len(csv) == 18
    book = CalamineWorkbook.from_filelike(io.BytesIO(client("GET", f"/campaigns/{made['id']}/recipients.xlsx").data))
    assert len(book.get_sheet_by_index(0).to_python()) == 18


def test_a_scheduled_campaign_is_edited_whole_and_waits_in_its_report(engine: Engine, client: RestClient) -> None:
    made = campaign(client, "+33612345620", "+33612345621", send_at=TOMORROW).json
    assert made["status"] == "scheduled"
    assert client("GET", f"/campaigns/{made['id']}/report").json["statistics"]["waiting"] == {"count": 2, "rate": 100}
    changed = client("PATCH", f"/campaigns/{made['id']}", json={"text": "Salut", "recipients": people("+33612345622")})
    assert changed.json["text"] == "Salut"
    engine.later(days=1, hours=1)
    assert [one.number for one in engine.simulator.sent()] == [33612345622]
    assert client("PATCH", f"/campaigns/{made['id']}", json={"text": "Trop tard"}).status_code == 409


def test_copy_and_resend(engine: Engine, client: RestClient) -> None:
    made = campaign(client, "+33612345620", "+33612345611").json
    engine.settle()
    engine.later(rounds=3, seconds=5)  # 11 answered STOP
    again = client("POST", f"/campaigns/{made['id']}/resend").json
    engine.later(rounds=3, seconds=5)
    report = client("GET", f"/campaigns/{again['id']}/report").json["statistics"]
    assert (report["success"]["count"], report["blacklisted"]["count"]) == (1, 1)
    assert [one.text for one in engine.simulator.sent(33612345620)] == ["Bonjour P0 STOP 36034"] * 2
    copy = client("POST", f"/campaigns/{made['id']}/copy").json
    engine.later(rounds=3, seconds=5)
    assert client("GET", f"/campaigns/{copy['id']}").json["status"] == "finished"
    assert len(engine.simulator.sent(33612345620)) == 3


def test_cancelling_gives_the_credits_back(engine: Engine, client: RestClient) -> None:
    engine.runtime.clock.forward(seconds=1)  # type: ignore[attr-defined]
    made = campaign(client, "+33612345620", "+33612345621", send_at=TOMORROW).json
    assert client("DELETE", f"/campaigns/{made['id']}").json["status"] == "cancelled"
    engine.later(days=2)
    assert engine.simulator.sent() == []
    assert client("GET", "/credits").json["available"] == 1000


@pytest.mark.parametrize(
    "fields, code, pointer",
    [
        ({"recipients": []}, "no_recipients", "/recipients"),
        ({"recipients": [{"to": "12"}]}, "no_recipients", "/recipients"),
        ({"groups": ["01999999-0000-7000-8000-000000000000"]}, "unknown_group", "/groups/0"),
        ({"contacts": ["01999999-0000-7000-8000-000000000000"]}, "unknown_contact", "/contacts/0"),
        ({"recipients": [{"to": "+33612345620", "age": 3}]}, "invalid_request", "/recipients/0/age"),
        ({"sender": "bad!sender"}, "sender_forbidden", "/sender"),
    ],
)
def test_what_is_wrong_with_a_campaign_is_named(
    client: RestClient, fields: dict[str, Any], code: str, pointer: str
) -> None:
    answer = client(
        "POST", "/campaigns", json={"name": "x", "text": "Salut", "recipients": people("+33612345620")} | fields
    )
    assert (answer.status_code, answer.json["code"], answer.json["errors"][0]["pointer"]) == (422, code, pointer)


def test_a_quote_of_many_is_made_behind(engine: Engine, client: RestClient) -> None:
    draft = campaigns.CampaignDraft(text="Bonjour", recipients=people("+33612345620", "+447400123456"))
    with engine.runtime.begin() as tx:
        quote_id = quotes.ask(tx, client.account, draft)
    assert client("GET", f"/quotes/{quote_id}").json == {"id": quote_id, "status": "queued"}
    engine.settle()
    assert client("GET", f"/quotes/{quote_id}").json["credits"] == 2.1


def test_replies_are_listed_by_days_of_the_account(engine: Engine, client: RestClient) -> None:
    client.send("+33612345612")
    engine.later(rounds=3, seconds=5)
    (reply,) = client("GET", "/replies?from=2026-09-21&to=2026-09-21").json["items"]
    assert (reply["text"], reply["from"], reply["to"], reply["opt_out"]) == (
        "Oui merci",
        "+33612345612",
        "36034",
        False,
    )
    assert (
        client("GET", f"/replies/{reply['id']}").json["message_id"] == client("GET", "/messages").json["items"][0]["id"]
    )
    assert client("GET", "/replies?from=2026-09-22").json["items"] == []
    assert client("GET", "/replies?q=MERCI").json["items"] == [reply]
    assert client("GET", "/replies?from=2026-09-22&to=2026-09-21").status_code == 422


def test_formulas_in_replies_are_harmless_in_a_spreadsheet(engine: Engine, client: RestClient) -> None:
    client.send("+33612345620")
    engine.later(seconds=5)
    client("POST", "/simulator/replies", json={"from": "+33612345620", "to": "36034", "text": "=HYPERLINK(1)"})
    engine.settle()
    sheet = (
        CalamineWorkbook.from_filelike(io.BytesIO(client("GET", "/replies.xlsx").data))
        .get_sheet_by_index(0)
        .to_python()
    )
    assert sheet[1][3] == "'=HYPERLINK(1)"


def test_sends_are_counted_by_hour_of_the_account(engine: Engine, client: RestClient) -> None:
    client.send("+33612345620")
    client.send("+447400123456")
    engine.settle()
    by_hour = client("GET", "/statistics/sends?by=hour").json
    assert by_hour["timezone"] == "Europe/Paris"
    assert by_hour["items"] == [{"hour": "16", "messages": 2, "segments": 2, "credits": 2.1}]
    assert [line["country"] for line in client("GET", "/statistics/sends?by=country").json["items"]] == ["FR", "GB"]


def test_a_campaign_that_is_deleted_leaves_the_list_and_keeps_its_report(engine: Engine, client: RestClient) -> None:
    made = campaign(client, "+33612345620", "+33612345613", "0612345620").json
    engine.settle()
    engine.later(seconds=5)
    found = client("GET", f"/campaigns/{made['id']}").json
    assert (found["status"], found["progress"]) == ("finished", {"total": 2, "expanded": 2, "done": 2})
    for _ in range(2):
        assert client("DELETE", f"/campaigns/{made['id']}").status_code == 200
    assert client("GET", "/campaigns").json["items"] == []
    assert client("GET", f"/campaigns/{made['id']}/report").json["statistics"]["success"]["count"] == 1


def test_replies_to_the_hubs_short_code_arrive_for_everybody(client: RestClient) -> None:
    assert client("GET", "/inbound-numbers").json["items"] == [{"number": "36034", "country": "FR", "shared": True}]


def test_the_last_day_of_the_calendar_is_a_day(client: RestClient) -> None:
    assert client("GET", "/replies?to=9999-12-31").status_code == 200


def test_campaigns_are_found_by_their_whole_name_in_any_case(client: RestClient) -> None:
    first, second = (campaign(client, "+33612345620", name="Soldes d'été", send_at=TOMORROW).json for _ in range(2))
    campaign(client, "+33612345620", name="Soldes")

    def found(name: str, **more: Any) -> Any:
        return client("GET", "/campaigns", query_string={"name": name} | more).json

    page = found("SOLDES d'été", limit=1)
    assert [item["id"] for item in page["items"]] == [second["id"]]
    rest = found("Soldes d'été", cursor=page["next_cursor"])
    assert [item["id"] for item in rest["items"]] == [first["id"]]
    assert found("Soldes d'été", status="finished")["items"] == []
