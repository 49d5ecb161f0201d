"""Whatever bytes come: nothing is raised, and nothing is proven that was not signed."""

import re

from hypothesis import given
from hypothesis import strategies as st

from connectors.mail2sms.authenticate import authenticate, fields
from connectors.mail2sms.authenticate.results import read
from connectors.mail2sms.mail import Proof
from connectors.mail2sms.parse import fields as parsed
from tests.support.signing import COVERED, key_of, lookup, mail, signed, with_headers
from tests.support.world import NOON

ANN = "ann@office.example"
MX = "mx.sms.example"
RECEIVED = f"Received: from a by {MX}; Mon, 21 Sep 2026 14:13:20 +0000"

HEADERS = (b"From: ann@office.example", b"Received: by mx.sms.example", b"To: a", b"a: b", b"X" * 101 + b": a")
ODD = (b"Subject : a", b">From ann", b"From ann", b"X: a\rFrom: eve@office.example")
WORDS = (
    b"Authentication-Results: mx.sms.example; dkim=pass",
    b" header.d=office.example",
    b"DKIM-Signature: v=1; a=rsa-sha256; ",
)
TAGS = (b"d=office.example; s=hub; h=from; ", b"bh=", b"b=", b"AAAA", b"l=1; ", b"t=1; x=")
MARKS = (b"\r\n", b"\n", b"\r", b"(", b")", b'"', b"\\", b" ", b"\t", b"\x00", b"\x0b", b": ", b"; ", b"=")
pieces = st.sampled_from([*(line + b"\r\n" for line in (*HEADERS, *ODD)), *WORDS, *TAGS, *MARKS])
bytes_of_a_mail = st.one_of(
    st.binary(max_size=300), st.lists(st.one_of(pieces, st.binary(max_size=4)), max_size=30).map(b"".join)
)


def proof(raw: bytes, sender: str = ANN, record: bytes = key_of("office.example").record) -> Proof:
    records = {key_of("office.example").name: [record], "_dmarc.office.example": [record]}
    return authenticate(raw, sender, NOON, MX, lookup(records))


@given(bytes_of_a_mail, st.one_of(st.just(ANN), st.text(max_size=30)))
def test_no_bytes_and_no_sender_raise_anything(raw: bytes, sender: str) -> None:
    assert isinstance(proof(raw, sender), Proof)


@given(bytes_of_a_mail)
def test_who_verifies_and_who_reads_see_the_same_headers(raw: bytes) -> None:
    """Or nothing is verified: else From could be one for the signature, and another one for the rest of us."""
    mine = fields.read(raw)
    if mine is not None:
        theirs = parsed.read(raw, 0, len(raw), fields.MOST_BYTES)
        assert theirs is not None
        assert [field.name for field in mine.fields] == [name for name, _ in theirs.fields]
        assert mine.body == re.sub(rb"\r?\n", b"\r\n", raw[theirs.body :])


@given(st.binary(max_size=200))
def test_no_record_raises_anything_or_proves_what_it_did_not_sign(record: bytes) -> None:
    raw = signed(mail(), key_of("office.example"))
    for shown in (record, b"v=DKIM1; p=" + record, b"v=DKIM1; k=ed25519; p=" + record):
        assert not proof(raw, record=shown).aligned


@given(st.data())
def test_no_change_of_what_was_signed_is_believed(data: st.DataObject) -> None:
    """Headers that are covered, and the body; blanks are all one (RFC 6376 section 3.4)."""
    raw = signed(mail(), key_of("office.example"))
    start = raw.index(b"From: ")
    place = data.draw(st.integers(start, len(raw) - 1))
    letter = data.draw(st.binary(min_size=1, max_size=3))
    changed = raw[:place] + letter + raw[place + 1 :]
    if meaning(changed) != meaning(raw):
        assert not proof(changed).aligned


def meaning(raw: bytes) -> object:
    """What is signed of a mail, as far as a change of it matters."""
    head, _, body = re.sub(rb"\r?\n", b"\r\n", raw).partition(b"\r\n\r\n")
    lines = [line.partition(b":") for line in re.sub(rb"\r\n(?=[ \t])", b"", head).split(b"\r\n")]
    covered = [
        (name.lower(), b" ".join(value.split()))
        for name, _, value in lines
        if name.lower().decode("latin-1") in COVERED
    ]
    text = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    return covered, b"\r\n".join(text).rstrip(b"\r\n")


texts = st.one_of(
    st.text(max_size=60),
    st.lists(
        st.sampled_from(
            [MX, ";", " ", "=", "dkim", "pass", "(", ")", '"', "\\", "header.d", "office.example", "1", "\r\n ", "é"]
        ),
        max_size=20,
    ).map("".join),
)


@given(texts)
def test_no_word_of_a_server_raises_anything(text: str) -> None:
    assert all(name and result for name, result, _ in read(text, MX))
    assert isinstance(proof(with_headers(mail(), RECEIVED)), Proof)


@given(texts)
def test_whatever_a_stranger_writes_below_our_received_is_not_our_word(text: str) -> None:
    line = f"Authentication-Results: {MX}; dkim=pass header.d=office.example; {text}"
    assert not proof(with_headers(mail(), RECEIVED, line.replace("\r", "").replace("\n", ""), RECEIVED)).aligned
