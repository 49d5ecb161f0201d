"""The steps of a mail, one after the other: what a crash, a reader that dies, or two who work at once leave behind."""

from collections.abc import Sequence
from dataclasses import replace
from threading import Barrier, Thread

import pytest
from sqlalchemy import select
from sqlalchemy.exc import OperationalError
from structlog.testing import capture_logs

from connectors.contract import Catalogue, Reply
from connectors.mail2sms.intake import steps
from connectors.mail2sms.mail import MOST_BYTES, Found, Outcome
from connectors.mail2sms.tables import TABLES
from core import Refused, Tx
from tests.support.mail2sms import ANNE, NUMBER, OTHER, Proves, Shop, stopped, unread
from tests.support.plugged import Plugged

POINTS = ("mail.kept", "mail.read", "mail.accepted")


class Killed(Exception):  # noqa: N818 - what happens
    """The process ends here."""


def crashing(shop: Shop, point: str) -> None:
    """The next take ends at this point, as if its process did."""

    def fault(reached: str) -> None:
        if reached == point:
            raise Killed(point)

    shop.visit = replace(shop.visit, runtime=shop.hub.runtime.as_of(fault=fault))


@pytest.mark.parametrize("point", POINTS)
def test_case_52_a_crash_between_two_steps_is_one_sms_in_the_end(shop: Shop, point: str) -> None:
    raw, whole = shop.mail(to=[NUMBER, OTHER]), shop.visit
    crashing(shop, point)
    with pytest.raises(Killed):
        shop.take(raw)
    shop.visit = whole
    assert shop.take(raw).state == "accepted"
    assert shop.take(raw).state == "accepted"  # as it was decided: put it away
    assert shop.numbers == [int(NUMBER), int(OTHER)]
    assert len(shop.letters) == 1
    assert shop.funds.held == 2000


def test_a_hub_that_is_stopped_over_and_over_costs_a_mail_no_attempt(shop: Shop) -> None:
    raw = shop.mail()
    for _ in range(5):
        assert shop.read(raw, Proves(before=stopped)).state == "retry"
    assert shop.take(raw).state == "accepted"


def test_a_reader_that_dies_three_times_over_a_mail_is_not_given_it_again(shop: Shop) -> None:
    raw, reader = shop.mail(), Proves(before=unread)
    assert [shop.read(raw, reader).state for _ in range(4)] == ["retry", "retry", "poison", "poison"]
    assert len(reader.tasks) == 3
    assert (shop.mails[0].state, shop.mails[0].code, shop.messages, shop.letters) == ("poison", "poison", [], [])
    assert shop.take(shop.mail("the next one")).state == "accepted"


def test_a_process_that_dies_three_times_over_a_mail_gives_it_up_too(shop: Shop) -> None:
    raw, whole, reader = shop.mail(), shop.visit, Proves()
    crashing(shop, "mail.kept")
    for _ in range(3):
        with pytest.raises(Killed):
            shop.read(raw, reader)
    shop.visit = whole
    assert shop.read(raw, reader).state == "poison"
    assert reader.tasks == []


def test_a_mail_that_could_be_read_after_all_is_sent(shop: Shop) -> None:
    raw = shop.mail()
    assert shop.read(raw, Proves(before=unread)).state == "retry"
    assert shop.take(raw).state == "accepted"
    assert shop.mails[0].attempts == 2


def test_a_mail_that_is_given_up_is_told_to_the_log_once_by_that_word(shop: Shop) -> None:
    killer, lethal, whole = shop.mail(), shop.mail(), shop.visit
    with capture_logs() as logs:
        for _ in range(4):
            shop.read(killer, Proves(before=unread))
        crashing(shop, "mail.kept")
        for _ in range(3):
            with pytest.raises(Killed):
                shop.take(lethal)
        shop.visit = whole
        for _ in range(2):
            shop.take(lethal)
    told = [(one["mail_id"], one["code"], one["log_level"]) for one in logs if one.get("state") == "poison"]
    assert told == [(mail.id, "poison", "warning") for mail in shop.mails]


class Away:
    """The table of operations of a hub whose database fails in the middle of a transaction."""

    def __init__(self, whole: Catalogue) -> None:
        self.operations, self.triggers = whole.operations, whole.triggers
        self.resolved, self.check, self.perform = whole.resolved, whole.check, whole.perform

    def within(self, tx: Tx, *_asked: object) -> Sequence[Reply | Refused]:
        """Raises what the database does: its disk is full, or a statement takes too long."""
        if tx.postgresql:
            tx.connection.exec_driver_sql("SET LOCAL statement_timeout = 1")
            tx.connection.exec_driver_sql("SELECT pg_sleep(5)")
        tx.connection.exec_driver_sql("PRAGMA max_page_count = 1")  # never below what it has
        try:
            tx.connection.exec_driver_sql("CREATE TABLE much AS SELECT randomblob(1000000) AS bytes")
        finally:
            tx.connection.exec_driver_sql("PRAGMA max_page_count = 4294967294")
        return ()


def test_an_outage_of_the_database_is_not_the_mails_fault(shop: Shop) -> None:
    raw, whole = shop.mail(), shop.visit
    shop.visit = replace(whole, tools=replace(whole.tools, catalogue=Away(whole.tools.catalogue)))
    for _ in range(4):
        with pytest.raises(OperationalError):
            shop.take(raw)
    shop.visit = whole
    assert (shop.mails[0].state, shop.mails[0].attempts) == ("retry", 0)
    assert shop.take(raw).state == "accepted"


def test_two_who_were_given_the_same_mail_send_it_once(shop: Shop) -> None:
    raw, both = shop.mail(to=[NUMBER, OTHER]), Barrier(2)
    reader = Proves(before=lambda: both.wait(10))
    outcomes: list[Outcome] = []
    threads = [Thread(target=lambda: outcomes.append(shop.read(raw, reader))) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [one.state for one in outcomes] == ["accepted", "accepted"]
    assert shop.numbers == [int(NUMBER), int(OTHER)]


def test_two_copies_at_once_send_to_each_of_their_people_once(shop: Shop) -> None:
    raw, both = shop.mail(to=[NUMBER, OTHER]), Barrier(2)
    reader = Proves(before=lambda: both.wait(10))
    outcomes: list[Outcome] = []
    copies = [b"Received: 1\n" + raw, b"Received: 2\n" + raw]
    threads = [Thread(target=lambda copy=copy: outcomes.append(shop.read(copy, reader))) for copy in copies]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.state for one in outcomes) == ["accepted", "duplicate"]
    assert sorted(shop.numbers) == [int(NUMBER), int(OTHER)]


def test_copies_for_one_recipient_each_are_one_sms_each(shop: Shop) -> None:
    raw = shop.mail(to=[NUMBER, OTHER])
    for one in (NUMBER, OTHER, NUMBER):
        shop.take(f"Delivered-To: {shop.to(one)}\r\n".encode() + raw)
    assert shop.numbers == [int(NUMBER), int(OTHER)]
    sessions = [shop.take(raw + b"\n", envelope=(shop.to(one),)) for one in (NUMBER, OTHER)]
    assert [one.state for one in sessions] == ["duplicate", "duplicate"]


def test_a_mail_to_one_more_person_is_sent_to_that_one_alone(shop: Shop) -> None:
    shop.take(shop.mail(Message_ID="<a@b>"))
    assert shop.take(shop.mail(to=[NUMBER, OTHER], Message_ID="<a@b>")).state == "accepted"
    assert shop.numbers == [int(NUMBER), int(OTHER)]


def test_the_same_message_id_is_another_accounts_own(shop: Shop, hub: Plugged) -> None:
    other = Shop(hub, "other")
    for one in (shop, other):
        assert one.take(one.mail(Message_ID="<a@b>")).state == "accepted"
    assert len(shop.messages) == len(other.messages) == 1


def test_a_mail_whose_headers_cannot_be_read_is_rejected_and_answered_to_nobody(shop: Shop) -> None:
    outcome = shop.take(shop.mail(From=f"{ANNE}, bob@shop.example"))
    assert (outcome.state, outcome.code, shop.letters) == ("rejected", "from_invalid", [])
    assert shop.mails[0].sender is None


def test_case_16_a_mail_that_is_too_large_is_refused_by_its_headers(hub: Plugged) -> None:
    shop = Shop(hub, trusted_authserv_id="mx.shop.example")
    head = shop.mail().partition(b"\n\n")[0]
    plain = steps.too_large(shop.visit, shop.office, MOST_BYTES + 1, head)
    assert (plain.state, plain.code, shop.letters) == ("rejected", "too_large", [])
    told = (
        b"Authentication-Results: mx.shop.example; dmarc=pass header.from=shop.example\nReceived: by mx.shop.example\n"
        + head
    )
    for _ in range(2):
        assert steps.too_large(shop.visit, shop.office, MOST_BYTES + 1, told).code == "too_large"
    assert [facts["code"] for _, facts in shop.letters] == ["too_large"]
    assert steps.too_large(shop.visit, shop.office, MOST_BYTES + 1, b"garbage").state == "rejected"
    answer = b"Auto-Submitted: auto-replied\n" + head
    assert steps.too_large(shop.visit, shop.office, MOST_BYTES + 1, answer).state == "ignored"
    assert shop.messages == []


def test_neither_text_nor_number_nor_address_stands_in_the_log(shop: Shop, capfd: pytest.CaptureFixture[str]) -> None:
    shop.take(shop.mail("Votre code est 4711"))
    shop.take(shop.mail(to="g-nobody"))
    said = "".join(capfd.readouterr())
    assert "mail2sms.mail" in said
    for word in ("4711", NUMBER, ANNE, "Rendez-vous", "nobody"):
        assert word not in said


@pytest.mark.parametrize("point", ["", *POINTS[:2]])
def test_an_installation_that_is_removed_sends_nothing_any_more_and_leaves_nothing(shop: Shop, point: str) -> None:
    def remove(reached: str) -> None:
        if reached == point:
            shop.visit.tools.installations.remove(shop.installation)

    stale, raw = shop.office, shop.mail()
    remove("")
    visit = replace(shop.visit, runtime=shop.hub.runtime.as_of(fault=remove))
    with capture_logs() as logs:
        outcome = steps.take(visit, stale, Found("imap", raw, shop.hub.engine.clock.now), Proves())
    assert (outcome.state, shop.messages, shop.funds.held) == ("retry", [], 0)
    with shop.hub.runtime.read() as tx:
        left = [row for table in TABLES for row in tx.all(select(table))]
    assert (left, logs) == ([], [])
