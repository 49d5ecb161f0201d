"""No statement of Mail2SMS reads all of a table that grows."""

from pathlib import Path
from typing import Final

import pytest

from connectors.mail2sms.commands import COMMANDS
from connectors.mail2sms.connector import CONNECTOR
from connectors.mail2sms.intake import leases, replies
from connectors.mail2sms.sweep import SWEEP
from connectors.mail2sms.tables import letters, mails, sendings, tokens
from tests.support import plans
from tests.support.mail2sms import ANNE, NOTHING, NUMBER, OTHER, Shop
from tests.support.plugged import Plugged, plugged

GROW: Final = (mails, sendings, letters, tokens)
MAILBOX = {"host": "imap.example.org", "username": "sms", "password": "correct horse battery"}


@pytest.mark.slow
def test_every_statement_of_a_day_goes_by_an_index(database_url: str, tmp_path: Path) -> None:
    with plugged(database_url, tmp_path, CONNECTOR) as hub:
        shop = Shop(hub, mailbox=MAILBOX, confirm_above=1)
        caught = plans.catch(hub.runtime.database)
        works(shop, caught)
        found = plans.explain(hub.runtime.database, caught, more=GROW)
    assert {table.name for table in GROW for plan in found if table.name in plan.statement} == {
        table.name for table in GROW
    }
    assert [(plan.work, plan.scans, " ".join(plan.statement.split())) for plan in found if plan.scans] == []


def works(shop: Shop, caught: plans.Caught) -> None:
    hub = shop.hub
    hub.engine.group(hub.account(shop.visitor), NUMBER, OTHER, name="Clients")
    with caught.doing("take"):
        raw = shop.mail("Rendez-vous demain ?")
        shop.take(raw)
        shop.take(b"Received: again\n" + raw)
        shop.take(shop.mail(to=f"{NUMBER}+{shop.token(recipients=[f'+{NUMBER}'], per_day=5)}"), NOTHING)
        shop.take(shop.mail(sender="evil@else.example"))
    with caught.doing("confirm"):
        shop.take(shop.mail(to="g-clients"))
        shop.take(shop.mail("OK", to=shop.question()))
    with caught.doing("work"):
        hub.work()
    with caught.doing("replies"):
        hub.engine.reply(int(NUMBER), "Oui merci")
        hub.work()
        shop.take(shop.mail("A demain", to=shop.thread()))
        hub.work()
    with caught.doing("days"):
        for _ in range(3):
            hub.engine.clock.forward(days=1)
            for task in CONNECTOR.tasks:
                if task.every_s is not None:
                    task.run(shop.visit, "")
            hub.work()
    with caught.doing("look"):
        looks(hub, shop)
    with caught.doing("sweep"):
        for _ in range(5):
            hub.engine.clock.forward(days=100)
            SWEEP.run(shop.visit, "")
    with caught.doing("leave"):
        assert shop.visitor.ask("DELETE", f"/installations/{shop.installation.id}").status_code == 200


def looks(hub: Plugged, shop: Shop) -> None:
    replies.recipient(shop.visit, shop.to())
    leases.held(hub.runtime, hub.runtime.ids.new(), [shop.installation.id], 10)
    CONNECTOR.health(shop.visit)
    for command in COMMANDS:
        for options in ({}, {"account": shop.account_id}, {"state": "done"}, {"account": "shop", "state": "done"}):
            list(command.run(shop.visit, options))
    with hub.runtime.read() as tx:
        for gauge in CONNECTOR.gauges:
            gauge.read(tx)
        assert CONNECTOR.recent is not None
        assert CONNECTOR.recent(tx, shop.installation, 20)[0].what == f"Mail from {ANNE}"
    assert shop.visitor.ask("GET", f"/installations/{shop.installation.id}/tokens").status_code == 200
    shop.revoke_all()
