"""Name servers over the wire: dnsmasq, which we did not write."""

from collections.abc import Iterator

import pytest

from connectors.mail2sms.authenticate import NoAnswer, authenticate, resolver
from connectors.mail2sms.authenticate.resolver import place
from tests.support.dns import NameServer
from tests.support.signing import key_of, mail, signed
from tests.support.world import NOON

pytestmark = pytest.mark.peer
LONG = b"v=DKIM1; p=" + b"A" * 2000  # longer than a datagram


@pytest.fixture(scope="module")
def server() -> Iterator[NameServer]:
    key = key_of("office.example")
    records = {key.name: key.record, "long.example": LONG, "kept.example": b"once"}
    with NameServer(records, ttl_s=600) as running:
        yield running


def test_a_record_is_one_text_however_many_strings_it_is_kept_in(server: NameServer) -> None:
    lookup = resolver(server.where)
    assert lookup(key_of("office.example").name) == [key_of("office.example").record]
    assert lookup("long.example") == [LONG]


@pytest.mark.parametrize(
    "name", ["nobody.example", "example", "_domainkey.office.example", "a" * 64 + ".example", "a..example", "a." * 130]
)
def test_where_there_is_nothing_there_is_nothing(server: NameServer, name: str) -> None:
    assert list(resolver(server.where)(name)) == []


def test_a_server_that_refuses_has_not_answered(server: NameServer) -> None:
    with pytest.raises(NoAnswer):
        resolver(server.where)("office.test")


def test_case_27_a_mail_waits_while_the_name_server_is_silent(server: NameServer) -> None:
    raw = signed(mail(), key_of("office.example"))
    server.falls_silent()
    try:
        waiting = authenticate(raw, "ann@office.example", NOON, None, resolver(server.where))
        assert (waiting.aligned, waiting.temporary) == (False, True)
    finally:
        server.speaks_again()
    assert authenticate(raw, "ann@office.example", NOON, None, resolver(server.where)).aligned


def test_what_was_answered_is_remembered_as_long_as_the_record_says(server: NameServer) -> None:
    lookup = resolver(server.where)
    assert lookup("kept.example") == [b"once"]
    server.falls_silent()
    try:
        assert lookup("kept.example") == [b"once"]
    finally:
        server.speaks_again()


def test_a_record_that_lasts_no_time_is_asked_for_again() -> None:
    with NameServer({"brief.example": b"once"}) as first:
        lookup = resolver(first.where)
        assert lookup("brief.example") == [b"once"]
    with NameServer({"brief.example": b"again"}, port=first.port):
        assert lookup("brief.example") == [b"again"]


def test_a_name_server_may_have_a_name(server: NameServer) -> None:
    assert resolver(f"localhost:{server.port}")("kept.example") == [b"once"]


@pytest.mark.parametrize("where", ["nowhere.invalid", "127.0.0.1:99999", "127.0.0.1:port"])
def test_a_name_server_that_can_not_be_found_has_not_answered(where: str) -> None:
    with pytest.raises(NoAnswer):
        resolver(where)("office.example")


@pytest.mark.parametrize(
    "where, expected",
    [
        ("192.0.2.1", ("192.0.2.1", 53)),
        ("192.0.2.1:5353", ("192.0.2.1", 5353)),
        ("dns.example:5353", ("dns.example", 5353)),
        ("2001:db8::1", ("2001:db8::1", 53)),
        ("[2001:db8::1]", ("2001:db8::1", 53)),
        ("[2001:db8::1]:5353", ("2001:db8::1", 5353)),
    ],
)
def test_where_it_is_is_written_as_people_write_it(where: str, expected: tuple[str, int]) -> None:
    assert place(where) == expected
