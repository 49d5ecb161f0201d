"""What HTTP providers push: receipts and replies in every shape, and what is refused of them."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.carriers import http_settings
from core.carriers.contract import LONGEST_REF, Inbound, Receipt
from core.carriers.http_callbacks import LONGEST_BODY, MOST_ITEMS, read
from core.carriers.http_settings import Provider
from core.errors import Refused
from tests.support.world import NOON

STATUSES = {
    "DELIVRD": "received",
    "ACCEPTD": "delivered_operator",
    "UNDELIV": "failed_permanent",
    "7": "failed_temporary",
}
RECEIPTS = {"id": "/id", "reference": "/ref", "status": "/status", "statuses": STATUSES, "code": "/err", "time": "/at"}
REPLIES = {"from": "/from", "to": "/to", "text": "/text", "id": "/id", "time": "/at"}

Told = tuple[Sequence[Receipt], Sequence[Inbound]]


def provider(receipts: Mapping[str, Any] | None = RECEIPTS, replies: Mapping[str, Any] | None = REPLIES) -> Provider:
    entry: dict[str, Any] = {
        "name": "acme",
        "kind": "http",
        "url": "https://acme.example/",
        "body": ["{to}", "{text}"],
        "secret": "s" * 16,
        "receipts": receipts,
        "replies": replies,
    }
    entry = {name: value for name, value in entry.items() if value is not None}
    assert list(http_settings.faults(entry)) == []
    return http_settings.read(entry)


def tell(document: Any, by: Provider | None = None) -> Told:
    return read(by or provider(), {}, {}, json.dumps(document).encode(), NOON)


def test_a_receipt_names_its_message_its_fate_and_its_time() -> None:
    told = tell({"id": 17, "ref": "m-1", "status": "UNDELIV", "err": 42, "at": "2026-09-21T12:00:00+02:00"})
    assert told == ([Receipt("failed_permanent", "42", 1_789_984_800_000, "m-1", "17")], [])


def test_a_receipt_may_say_less_and_then_the_raw_status_is_the_code_and_now_the_time() -> None:
    assert tell({"id": "x", "status": 7})[0] == [Receipt("failed_temporary", "7", NOON, None, "x")]
    assert tell({"ref": "m-1", "status": "DELIVRD", "err": None})[0] == [
        Receipt("received", "DELIVRD", NOON, "m-1", None)
    ]


def test_an_id_that_is_very_long_is_cut_as_it_is_in_answers() -> None:
    (receipt,) = tell({"id": "i" * 8_000, "ref": "r" * 8_000, "status": "DELIVRD"})[0]
    assert (receipt.carrier_id, receipt.reference) == ("i" * LONGEST_REF, "r" * LONGEST_REF)
    (reply,) = tell({"from": "33612345678", "to": "36034", "text": "Oui", "id": "i" * 8_000})[1]
    assert reply.carrier_ref == "i" * LONGEST_REF


def test_a_status_that_the_settings_do_not_name_means_nothing() -> None:
    assert tell([{"id": "x", "status": "BUFFERED"}, {"id": "y", "status": "DELIVRD"}])[0] == [
        Receipt("received", "DELIVRD", NOON, None, "y")
    ]


def test_unless_they_say_what_any_other_means() -> None:
    by = provider(RECEIPTS | {"otherwise": "failed_permanent"})
    assert tell({"id": "x", "status": "EXPLODED"}, by)[0] == [Receipt("failed_permanent", "EXPLODED", NOON, None, "x")]


def test_a_reply_names_who_where_and_what() -> None:
    told = tell({"from": "+33 6 12 34 56 78", "to": "+36034", "text": "Arrêt 😀", "id": "r1", "at": 1_790_000_000})
    assert told == ([], [Inbound("r1", 33612345678, "36034", "Arrêt 😀", 1_790_000_000_000)])


def test_a_reply_may_be_empty_and_what_cannot_be_stored_is_replaced() -> None:
    same = {"from": 33612345678, "to": 36034, "id": 1}
    assert [reply.text for reply in tell([same | {"text": ""}, same | {"text": "a\x00b\ud800"}])[1]] == [
        "",
        "a\ufffdb\ufffd",
    ]


def test_without_an_id_the_moment_tells_replies_apart_and_repeats_together() -> None:
    by = provider(None, {name: where for name, where in REPLIES.items() if name != "id"})
    reply = {"from": "33612345678", "to": "36034", "text": "Oui", "at": "2026-09-21T10:00:00Z"}
    refs = [tell(one, by)[1][0].carrier_ref for one in (reply, dict(reply), reply | {"at": "2026-09-21T10:00:01Z"})]
    assert refs[0] == refs[1] != refs[2]


def test_receipts_and_replies_may_come_in_one_request_in_lists_of_their_own() -> None:
    by = provider(RECEIPTS | {"each": "/dlr"}, REPLIES | {"each": "/mo/list"})
    document = {
        "dlr": [{"id": "a", "status": "DELIVRD"}, {"id": "b", "status": "ACCEPTD"}],
        "mo": {"list": [{"id": "r", "from": "33612345678", "to": "36034", "text": "Oui"}]},
    }
    receipts, replies = tell(document, by)
    assert [receipt.carrier_id for receipt in receipts] == ["a", "b"]
    assert [reply.carrier_ref for reply in replies] == ["r"]
    assert tell({"dlr": document["dlr"]}, by)[1] == []


def test_when_tells_kinds_apart_and_lets_others_pass() -> None:
    by = provider(
        RECEIPTS | {"when": {"path": "/type", "values": ["dlr"]}},
        REPLIES | {"when": {"path": "/type", "values": ["mo"]}},
    )
    message = {"id": "a", "status": "DELIVRD", "from": "33612345678", "to": "36034", "text": "Oui"}
    receipts, replies = tell([message | {"type": kind} for kind in ("dlr", "mo", "click")], by)
    assert (len(receipts), len(replies)) == (1, 1)


def test_forms_are_read_in_their_charset() -> None:
    by = provider(None, REPLIES | {"read": "form"})
    headers = {"content-type": 'application/x-www-form-urlencoded; charset="ISO-8859-1"'}
    _, (reply,) = read(by, headers, {}, b"from=33612345678&to=36034&text=Arr%EAt+svp&id=1&other=", NOON)
    assert reply.text == "Arrêt svp"


def test_queries_are_read_whatever_the_body() -> None:
    by = provider(RECEIPTS | {"read": "query"}, None)
    told, _ = read(by, {"Content-Type": "text/plain"}, {"id": "x", "status": "DELIVRD", "at": "1790000000"}, b"", NOON)
    assert told == [Receipt("received", "DELIVRD", NOON, None, "x")]


@pytest.mark.parametrize(
    "said, at",
    [
        (1_790_000_000, NOON),
        (1_790_000_000.5, NOON + 500),
        ("1790000000000", NOON),
        ("2026-09-21T14:13:20Z", NOON),
        ("2026-09-21T16:13:20.250+0200", NOON + 250),
        ("2026-09-21 16:13:20", NOON),
    ],
)
def test_times_are_read_in_every_form(said: Any, at: int) -> None:
    by = provider(RECEIPTS | {"zone": "Europe/Paris"}, None)
    assert tell({"id": "x", "status": "DELIVRD", "at": said}, by)[0][0].at == at


@pytest.mark.parametrize(
    "document, pointer",
    [
        ([{"id": "x", "status": "DELIVRD", "at": "yesterday"}], "/0/at"),
        ({"id": "x", "status": "DELIVRD", "at": "9999999999999999999"}, "/at"),
        ({"id": "x", "status": "DELIVRD", "at": "0001-01-01T00:00:00+14:00"}, "/at"),
        ({"status": "DELIVRD"}, "/ref"),
        ({"id": {"a": 1}, "status": "DELIVRD"}, "/ref"),
        ({"from": "0612345678", "to": "36034", "text": "a", "id": "1"}, "/from"),
        ({"from": "Acme", "to": "36034", "text": "a", "id": "1"}, "/from"),
        ({"from": "33612345678", "text": "a", "id": "1"}, "/to"),
        ({"from": "33612345678", "to": "36034", "text": ["a"], "id": "1"}, "/text"),
        ({"from": "33612345678", "to": "36034", "text": "a"}, "/id"),
        ({"hello": "world"}, ""),
        (["hello"], "/0"),
        ("hello", ""),
        ([], ""),
        ({}, ""),
        (None, ""),
        ([1] * (MOST_ITEMS + 1), ""),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(document: Any, pointer: str) -> None:
    with pytest.raises(Refused) as refused:
        tell(document)
    assert refused.value.code == "invalid_callback"
    assert refused.value.faults[0].pointer == pointer


def test_every_fault_of_a_request_is_told() -> None:
    with pytest.raises(Refused) as refused:
        tell([{"status": "DELIVRD"}, {"id": "x", "status": "DELIVRD"}, {"id": "x", "status": "DELIVRD", "at": "never"}])
    assert [fault.pointer for fault in refused.value.faults] == ["/0/ref", "/2/at"]


@pytest.mark.parametrize(
    "kind", ["text/plain; charset=rot13", "text/plain; charset=zlib", "text/plain; charset=unknown-1"]
)
def test_a_charset_that_is_none_is_refused(kind: str) -> None:
    with pytest.raises(Refused, match="charset"):
        read(provider(), {"Content-Type": kind}, {}, b"{}", NOON)


@pytest.mark.parametrize("body", [b"{", b"\xff\xfe", b"[" * 100_000, b'{"id": 1' + b"0" * 5000 + b', "status": 7}'])
def test_a_body_that_is_not_json_is_refused(body: bytes) -> None:
    with pytest.raises(Refused, match="invalid_callback"):
        read(provider(), {}, {}, body, NOON)


def test_a_body_that_is_too_large_is_refused_unread() -> None:
    with pytest.raises(Refused, match="callback_too_large"):
        read(provider(), {}, {}, b" " * (LONGEST_BODY + 1), NOON)


def test_a_form_of_countless_fields_is_refused() -> None:
    by = provider(RECEIPTS | {"read": "form"}, None)
    with pytest.raises(Refused, match="too many fields"):
        read(by, {}, {}, b"a=1&" * 2000, NOON)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["id", "ref", "status", "at", "from", "to", "text", "err"]), inner)
    ),
    max_leaves=20,
)


def read_or_refused(by: Provider, kind: str, body: bytes) -> Told | Refused:
    try:
        return read(by, {"Content-Type": kind}, {}, body, NOON)
    except Refused as refused:
        return refused


@given(document=JSON)
def test_whatever_comes_is_read_or_refused(document: Any) -> None:
    told = read_or_refused(provider(), "application/json", json.dumps(document).encode())
    if isinstance(told, Refused):
        assert told.faults
    else:
        assert all(receipt.reference or receipt.carrier_id for receipt in told[0])
        assert all(reply.number > 99 for reply in told[1])


@given(
    body=st.binary(max_size=200),
    charset=st.text(max_size=30) | st.sampled_from(["utf-8", "utf-16", "latin-1", "cp1252"]),
)
def test_whatever_bytes_come_are_read_or_refused(body: bytes, charset: str) -> None:
    for way in ("json", "form"):
        by = provider(RECEIPTS | {"read": way}, REPLIES | {"read": way})
        told = read_or_refused(by, f"text/plain; charset={charset}", body)
        assert isinstance(told, tuple) or told.code == "invalid_callback"
