import base64
from datetime import UTC, datetime

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from hub.hooks.sign import headers, secret_of, signature

AT = 1_790_000_000
ascii_ids = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1)


@given(st.binary(min_size=24, max_size=64), ascii_ids, st.integers(0, 2**32), st.text())
def test_it_is_the_signature_of_the_standard_package(noise: bytes, webhook_id: str, seconds: int, body: str) -> None:
    secret = secret_of(noise)
    theirs = Webhook(secret).sign(webhook_id, datetime.fromtimestamp(seconds, UTC), body)
    assert signature(secret, webhook_id, seconds, body.encode()) == theirs


def test_the_example_of_the_rules() -> None:
    body = b'{"test": 2432232314}'
    made = signature("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, body)
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_receiver_with_either_secret_is_content_while_one_is_rotated() -> None:
    old, new, stranger = (secret_of(bytes([n]) * 32) for n in (1, 2, 3))
    signed = dict(headers([new, old], "an-id", AT * 1000, b"{}"))
    with time_machine.travel(AT, tick=False):
        assert Webhook(old).verify("{}", signed) == {}
        assert Webhook(new).verify("{}", signed) == {}
        with pytest.raises(Exception, match="No matching signature found"):
            Webhook(stranger).verify("{}", signed)


def test_a_secret_is_whsec_and_base64() -> None:
    assert secret_of(b"x" * 32) == "whsec_" + base64.b64encode(b"x" * 32).decode()
