"""Who may have something sent: proven allowed senders, tokens for whom they were made, and nobody else."""

from pathlib import Path

import pytest

from connectors.mail2sms.mail import Proof
from tests.support.databases import SqliteFiles
from tests.support.mail2sms import ANNE, NOTHING, NUMBER, OTHER, PROVEN, Shop
from tests.support.plugged import Plugged

SILENT = Proof(temporary=True)
STRANGER = "device@else.example"


@pytest.fixture
def database_url(sqlite_files: SqliteFiles, tmp_path: Path) -> str:
    """What is shown here is decided by pure functions: one kind of database is enough."""
    return sqlite_files.fresh(tmp_path)


@pytest.mark.parametrize(
    "sender, proof, code",
    [(ANNE, NOTHING, "unproven"), (STRANGER, NOTHING, "not_allowed"), (STRANGER, PROVEN, "not_allowed")],
)
def test_a_from_alone_sends_nothing_and_is_not_answered(shop: Shop, sender: str, proof: Proof, code: str) -> None:
    for to in (NUMBER, "hello", "g-nobody", f"{NUMBER}.loud", "list"):
        outcome = shop.take(shop.mail(to=to, sender=sender), proof)
        assert (outcome.state, outcome.code) == ("rejected", code)
    assert (shop.messages, shop.letters) == ([], [])


def test_senders_are_compared_in_any_case_and_may_be_a_whole_domain(hub: Plugged) -> None:
    shop = Shop(hub, allowed_senders=["@Shop.Example"])
    assert shop.take(shop.mail(sender="ANNE@shop.example")).state == "accepted"
    assert shop.take(shop.mail(sender="anne@sub.shop.example")).code == "not_allowed"


def test_a_token_alone_sends_to_the_numbers_that_it_was_made_for(shop: Shop) -> None:
    token = shop.token(recipients=[f"+{NUMBER}"])
    assert shop.take(shop.mail(to=f"{NUMBER}+{token}", sender=STRANGER), NOTHING).state == "accepted"
    other = shop.take(shop.mail(to=f"{OTHER}+{token}", sender=STRANGER), NOTHING)
    assert (other.state, other.code) == ("rejected", "token_alone")
    assert (shop.numbers, shop.letters) == ([int(NUMBER)], [])
    assert shop.mails[0].tier == 1


def test_a_token_lets_one_number_in_and_not_the_other_beside_it(shop: Shop) -> None:
    token = shop.token(recipients=[f"+{NUMBER}"])
    both = shop.take(shop.mail(to=[f"{NUMBER}+{token}", OTHER]), NOTHING)
    assert (both.state, both.code, shop.messages) == ("rejected", "unproven", [])


def test_a_token_for_anybody_is_only_good_with_a_proven_sender(shop: Shop) -> None:
    token = shop.token()
    assert shop.take(shop.mail(to=f"{NUMBER}+{token}"), NOTHING).code == "unproven"
    assert shop.take(shop.mail(to=f"{NUMBER}+{token}", sender=STRANGER)).code == "not_allowed"
    assert shop.take(shop.mail(to=f"{NUMBER}+{token}")).state == "accepted"


def test_a_revoked_token_and_another_shops_are_refused(shop: Shop, hub: Plugged) -> None:
    other = Shop(hub, "other").token(recipients=[f"+{NUMBER}"])
    assert shop.take(shop.mail(to=f"{NUMBER}+{other}"), NOTHING).code == "token_wrong"
    token = shop.token(recipients=[f"+{NUMBER}"])
    shop.revoke_all()
    assert shop.take(shop.mail(to=f"{NUMBER}+{token}"), NOTHING).code == "token_expired"


def test_only_who_certainly_wrote_is_told_of_a_wrong_token(shop: Shop) -> None:
    wrong = f"{NUMBER}+aaaabbbbccccdddd"
    shop.take(shop.mail(to=wrong), NOTHING)
    assert shop.letters == []
    shop.take(shop.mail(to=wrong))
    assert [told["code"] for _, told in shop.letters] == ["token_wrong"]


def test_a_token_alone_sends_to_no_group_and_no_list(shop: Shop) -> None:
    token = shop.token(recipients=[f"+{NUMBER}"])
    for to in (f"g-clients+{token}", f"list+{token}"):
        assert shop.take(shop.mail(to=[f"{NUMBER}+{token}", to]), NOTHING).code == "needs_proof"
    assert shop.messages == []


def test_an_allowed_from_with_a_token_is_answered_and_a_strange_one_is_not(shop: Shop) -> None:
    token = shop.token(recipients=[f"+{NUMBER}"])
    shop.take(shop.mail(to=f"{NUMBER}+{token}", sender=STRANGER), NOTHING)
    assert shop.letters == []
    shop.take(shop.mail(to=f"{NUMBER}+{token}"), NOTHING)
    assert [kind for kind, _ in shop.letters] == ["accepted"]


def test_who_wants_no_automatic_answer_is_sent_for_and_told_nothing(shop: Shop) -> None:
    assert shop.take(shop.mail(X_Auto_Response_Suppress="All")).state == "accepted"
    assert shop.take(shop.mail(to="g-nobody", X_Auto_Response_Suppress="All")).state == "rejected"
    assert shop.letters == []


def test_a_refusal_in_an_smtp_session_is_told_by_the_server_that_sent_it(shop: Shop) -> None:
    outcome = shop.take(shop.mail(to="g-nobody"), envelope=(shop.to("g-nobody"),))
    assert (outcome.code, outcome.detail) == ("group_unknown", outcome.detail)
    assert "nobody" in outcome.detail
    assert shop.letters == []


def test_of_a_wrong_token_a_proven_sender_hears_by_mail_however_it_came(shop: Shop) -> None:
    """The server that sent it hears nothing of this: most who write such a thing are made up."""
    wrong = f"{NUMBER}+aaaabbbbccccdddd"
    shop.take(shop.mail(to=wrong), NOTHING, envelope=(shop.to(wrong),))
    assert shop.letters == []
    shop.take(shop.mail(to=wrong), envelope=(shop.to(wrong),))
    assert [told["code"] for _, told in shop.letters] == ["token_wrong"]


def test_a_silent_name_server_is_waited_for_but_only_where_it_matters(shop: Shop) -> None:
    raw = shop.mail()
    for _ in range(5):
        assert shop.take(raw, SILENT).code == "dns_silent"
    assert (shop.mails[0].state, shop.mails[0].attempts) == ("retry", 0)
    assert shop.take(raw).state == "accepted"
    assert shop.take(shop.mail(sender=STRANGER), SILENT).code == "not_allowed"
    token = shop.token(recipients=[f"+{NUMBER}"])
    assert shop.take(shop.mail(to=f"{NUMBER}+{token}"), SILENT).state == "accepted"


def test_a_name_server_that_is_silent_for_a_day_is_not_waited_for(shop: Shop) -> None:
    raw = shop.mail()
    assert shop.take(raw, SILENT).state == "retry"
    shop.hub.engine.clock.forward(hours=25)
    assert shop.take(raw, SILENT).code == "unproven"


def test_a_mail_to_the_mailbox_itself_says_to_whom_and_one_to_nobody_is_ignored(hub: Plugged) -> None:
    shop = Shop(hub, domain="sms@office.example")
    told = shop.take(shop.mail(to="sms@office.example"))
    assert (told.code, "sms+number@office.example" in told.detail) == ("no_recipient", True)
    assert shop.take(shop.mail()).state == "accepted"
    plain = Shop(hub, "plain")
    assert plain.take(plain.mail(to="no-reply")).state == "ignored"


def test_an_old_subject_counts_where_that_is_wanted_and_is_kept_by_nobody(hub: Plugged) -> None:
    old, new = (
        Shop(hub, "old", domain="sms@old.example", legacy_subject=True),
        Shop(hub, "new", domain="sms@new.example"),
    )
    token = old.token(recipients=[f"+{NUMBER}", f"+{OTHER}"])
    subject = f"{token} | {NUMBER},0687654321 | Shop"
    assert old.take(old.mail(to="sms@old.example", Subject=subject), NOTHING).state == "accepted"
    assert old.numbers == [int(NUMBER), int(OTHER)]
    assert {row.sender for row in old.messages} == {"Shop"}
    assert token not in repr(old.mails) + repr(old.letters)
    assert new.take(new.mail(to="sms@new.example", Subject=subject)).code == "no_recipient"
    wrong = old.take(old.mail(to="sms@old.example", Subject=f"wrong | {NUMBER}"), NOTHING)
    assert wrong.code == "token_wrong"
