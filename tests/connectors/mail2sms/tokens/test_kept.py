"""Secrets in addresses: drawn, found again, over."""

import re

import pytest
from sqlalchemy import select

from connectors.contract import Installation
from connectors.mail2sms import CONNECTOR, tables
from connectors.mail2sms.tokens import CONFIRM, THREAD, Token, confirmation, find, is_good, thread, used
from connectors.mail2sms.tokens.kept import CONFIRM_MS, THREAD_MS
from tests.support.plugged import Plugged

SENDING = "01997b2c-1a2b-7c3d-8e4f-123456789abc"
MINUTE_MS = 60_000


def drawn(hub: Plugged, installation: Installation) -> str:
    with hub.runtime.begin() as tx:
        return thread(tx, installation, SENDING)


def found(hub: Plugged, installation: Installation, secret: str) -> Token | None:
    with hub.runtime.read() as tx:
        return find(tx, installation.id, secret)


def known(hub: Plugged, installation: Installation, secret: str) -> Token:
    token = found(hub, installation, secret)
    assert token is not None
    return token


def good(hub: Plugged, token: Token) -> bool:
    return is_good(token, hub.runtime.clock())


def test_a_secret_has_80_bits_in_letters_that_mean_the_same_in_capitals(
    hub: Plugged, installation: Installation
) -> None:
    secrets = {drawn(hub, installation) for _ in range(20)}
    assert len(secrets) == 20
    assert all(re.fullmatch("[a-z2-7]{16}", secret) for secret in secrets)


def test_case_50_a_token_in_capitals_is_the_same_one(hub: Plugged, installation: Installation) -> None:
    secret = drawn(hub, installation)
    assert known(hub, installation, secret.upper()) == known(hub, installation, secret)
    assert good(hub, known(hub, installation, secret.title()))


@pytest.mark.parametrize("wrong", ["", "a" * 16, "nothing like it", "\x00", "é", "\ud800", "\u212a" * 16])
def test_case_50_a_wrong_token_is_nobodys(hub: Plugged, installation: Installation, wrong: str) -> None:
    drawn(hub, installation)
    assert found(hub, installation, wrong) is None


def test_case_50_an_expired_token_is_found_and_not_good_any_more(hub: Plugged, installation: Installation) -> None:
    secret = drawn(hub, installation)
    hub.engine.clock.forward(ms=THREAD_MS - 1)
    assert good(hub, known(hub, installation, secret))
    hub.engine.clock.forward(ms=1)
    assert not good(hub, known(hub, installation, secret))


def test_a_token_is_of_its_installation_alone(hub: Plugged, installation: Installation) -> None:
    other = hub.install(hub.visitor("other").account_id, CONNECTOR, {"domain": "sms.other.example"})
    assert found(hub, other, drawn(hub, installation)) is None


def test_only_its_digest_is_kept(hub: Plugged, installation: Installation) -> None:
    secret = drawn(hub, installation)
    with hub.runtime.read() as tx:
        (row,) = tx.all(select(tables.tokens))
    assert secret not in str(row).lower()
    assert secret not in repr(known(hub, installation, secret))


def test_what_it_is_for_is_told(hub: Plugged, installation: Installation) -> None:
    with hub.runtime.begin() as tx:
        letting_go = confirmation(tx, installation, SENDING)
    token, letter = known(hub, installation, letting_go), known(hub, installation, drawn(hub, installation))
    assert (token.kind, token.mail_id, token.sending_id) == (CONFIRM, SENDING, None)
    assert (letter.kind, letter.mail_id, letter.sending_id) == (THREAD, None, SENDING)
    assert (token.recipients, token.per_day, token.revoked_at) == (None, None, None)
    assert token.expires_at == hub.runtime.clock() + CONFIRM_MS


def test_the_last_use_is_known_to_the_minute(hub: Plugged, installation: Installation) -> None:
    token = known(hub, installation, drawn(hub, installation))
    began = hub.runtime.clock()

    def comes(after_ms: int) -> int:
        hub.engine.clock.forward(ms=after_ms)
        with hub.runtime.begin() as tx:
            used(tx, token)
            return int(tx.scalar(select(tables.tokens.c.used_at)))

    assert comes(0) == began
    assert comes(MINUTE_MS - 1) == began
    assert comes(1) == began + MINUTE_MS
