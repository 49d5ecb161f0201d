"""The story of docs/zapier.md, with the real Zapier runtime: rows are texted, somebody answers STOP, and nobody texts them again."""

from typing import Any

import pytest

from tests.support.receivers import Receiver
from tests.support.serving import wait_for
from tests.support.zapier_platform import Connection, halted
from tests.support.zapier_site import House

pytestmark = [pytest.mark.peer, pytest.mark.slow]

ROWS = [
    {"Row": 1, "Name": "Zoé", "Phone": "06 12 34 56 20"},
    {"Row": 2, "Name": "Noël", "Phone": "+33 6 12 34 56 21"},
]


def text(connection: Connection, row: dict[str, Any]) -> Any:
    """The Zap: a new row of a sheet, then Send SMS."""
    words = f"Bonjour {row['Name']}, votre commande n° {row['Row']} est prête."
    return connection.act("send_sms", to=row["Phone"], text=words, only_once=str(row["Row"]), sender="", purpose=None)


def test_a_zap_texts_people_and_leaves_alone_who_says_stop(hub: House, zap: Receiver) -> None:
    connection, api = hub.connected("Librairie du Port")
    assert connection.label == "Librairie du Port"
    connection.subscribe("new_opt_out", zap.url)

    for row in ROWS:
        assert text(connection, row)["status"] == "queued"
    assert text(connection, ROWS[0])["id"] == text(connection, ROWS[0])["id"]  # Zapier may run a step again
    sent = wait_for(lambda: len(found := api.get("/simulator/sent")["items"]) == 2 and found)
    assert sorted(one["text"] for one in sent) == [
        "Bonjour Noël, votre commande n° 2 est prête. STOP 36034",
        "Bonjour Zoé, votre commande n° 1 est prête. STOP 36034",
    ]

    api.post("/simulator/replies", {"from": ROWS[0]["Phone"], "to": "36034", "text": "STOP"})
    wait_for(lambda: zap.posts)
    (opt_out,) = connection.received("new_opt_out", zap.posts[0].json)
    assert (opt_out["number"], opt_out["source"]) == ("+33612345620", "reply")
    assert connection.listed("new_opt_out") == [opt_out]  # the editor shows what the Zap gets

    again = ROWS[0] | {"Row": 3}
    assert halted(text, connection, again) == "This number opted out: nothing was sent, and nothing was charged."
    assert text(connection, ROWS[1] | {"Row": 4})["status"] == "queued"  # the Zap goes on for everybody else

    wait_for(lambda: len(api.get("/simulator/sent", to=ROWS[1]["Phone"])["items"]) == 2)
    told = wait_for(lambda: len(found := api.get("/simulator/sent", to=ROWS[0]["Phone"])["items"]) == 2 and found)
    assert told[0]["text"].startswith("Bonjour Zoé")  # the other is the confirmation that the law asks for
    assert connection.find("find_credit_balance")[0]["available"] == 100 - 3 - 1
