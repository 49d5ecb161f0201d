"""What a draft may be: purpose, mention, sender, validity."""

from typing import Any

import pytest

from core import accounts
from core.accounts import Account
from core.errors import Refused
from core.schema import inbound_numbers
from core.sending.terms import Terms, settle
from tests.support.engine import Engine


def terms(engine: Engine, account: Account, **asked: Any) -> Terms:
    with engine.runtime.read() as tx:
        return settle(tx, account, **({"text": "Bonjour"} | asked))


def refusal(engine: Engine, account: Account, **asked: Any) -> Refused:
    with pytest.raises(Refused) as caught:
        terms(engine, account, **asked)
    return caught.value


def test_the_purpose_is_the_kind_of_the_account_unless_told_otherwise(engine: Engine) -> None:
    assert terms(engine, engine.account()).purpose == "marketing"
    assert terms(engine, engine.account(kind="notification")).purpose == "notification"
    assert terms(engine, engine.account(), purpose="notification").purpose == "notification"


@pytest.mark.parametrize("purpose", [None, "marketing", "notification"])
def test_a_marketing_account_always_carries_the_mention(engine: Engine, purpose: str | None) -> None:
    account = engine.account()
    assert terms(engine, account, purpose=purpose).mention
    assert terms(engine, account, purpose=purpose, stop=True).mention
    refused = refusal(engine, account, purpose=purpose, stop=False)
    assert (refused.code, refused.faults[0].pointer) == ("stop_required", "/stop")


def test_a_notification_account_has_the_mention_on_by_default_and_may_switch_it_off(engine: Engine) -> None:
    account = engine.account(kind="notification")
    assert terms(engine, account).mention
    assert not terms(engine, account, stop=False).mention
    with engine.runtime.begin() as tx:
        quiet = accounts.change(tx, account.id, {"stop": False}, "test")
    assert not terms(engine, quiet).mention
    assert terms(engine, quiet, stop=True).mention


def test_a_notification_account_never_switches_the_mention_off_for_marketing(engine: Engine) -> None:
    account = engine.account(kind="notification")
    with engine.runtime.begin() as tx:
        quiet = accounts.change(tx, account.id, {"stop": False}, "test")
    assert terms(engine, quiet, purpose="marketing").mention
    assert refusal(engine, quiet, purpose="marketing", stop=False).code == "stop_required"


@pytest.mark.parametrize("kind", ["marketing", "notification"])
def test_otp_needs_the_grant_and_carries_no_mention(engine: Engine, kind: str) -> None:
    refused = refusal(engine, engine.account(kind=kind), purpose="otp")
    assert (refused.code, refused.faults[0].pointer) == ("otp_not_granted", "/purpose")
    assert not terms(engine, engine.account(kind=kind, otp=True), purpose="otp").mention
    assert not terms(engine, engine.account(kind=kind, otp=True), purpose="otp", stop=True).mention


def test_an_unknown_purpose_is_refused(engine: Engine) -> None:
    assert refusal(engine, engine.account(), purpose="spam").code == "purpose_forbidden"


def test_the_default_sender_is_the_short_code_which_takes_replies(engine: Engine) -> None:
    account = engine.account()
    assert terms(engine, account).sender == "36034"
    with engine.runtime.begin() as tx:
        named = accounts.change(tx, account.id, {"default_sender": "Acme"}, "test")
    assert terms(engine, named).sender == "Acme"
    assert terms(engine, named, sender="36034").sender == "36034"


def test_a_default_sender_that_is_no_longer_the_accounts_own_is_refused(engine: Engine) -> None:
    account = engine.account()
    with engine.runtime.begin() as tx:
        accounts.add_inbound_number(tx, "447700900123", "simulator", "GB", account.id)
        owner = accounts.change(tx, account.id, {"default_sender": "447700900123"}, "test")
        assert settle(tx, owner, text="Bonjour").sender == "447700900123"
        tx.execute(inbound_numbers.update().values(account_id=tx.new_id()))
    assert refusal(engine, owner).code == "sender_forbidden"


def test_validity_is_two_days_unless_told_otherwise(engine: Engine) -> None:
    assert terms(engine, engine.account()).validity_minutes == 2_880
    assert terms(engine, engine.account(), validity_minutes=5).validity_minutes == 5


@pytest.mark.parametrize("text", ["", "   ", "\n"])
def test_an_empty_text_is_refused(engine: Engine, text: str) -> None:
    assert refusal(engine, engine.account(), text=text).code == "text_empty"
