"""What holds of every text: segments, sizes, mentions and prices."""

from hypothesis import given
from hypothesis import strategies as st

from core.credits.tariff import Tariff
from core.errors import Refused
from core.text import gsm, merge
from core.text.compose import Composed, Plan, compose
from core.text.mention import Mentions

MENTIONS = Mentions("36034", "stop.test")
TARIFF = Tariff({("FR", "*"): 1000, ("GB", "*"): 1100, ("GB", "otp"): 1300})

GSM7 = gsm.decode_gsm7(bytes(code for code in range(128) if code != 0x1B)) + "^{}\\[~]|€\f"
# Long enough to be cut, with many characters of two units where a cut might part them.
gsm_texts = st.text(st.sampled_from(GSM7) | st.sampled_from("a€[^"), max_size=60).map(lambda text: text * 7)
texts = st.one_of(gsm_texts, st.text(max_size=400), st.text(st.sampled_from("aê😀€"), max_size=300))


def composed(
    text: str, country: str, purpose: str = "marketing", *, mention: bool = True, **fields: str
) -> Composed | None:
    plan = Plan(merge.read(text), mention, MENTIONS, TARIFF, purpose)
    try:
        return compose(plan, 33612345678, country, fields)
    except Refused:
        return None


@given(texts)
def test_segments_join_to_the_text(text: str) -> None:
    assert "".join(gsm.split(text)) == text


@given(texts)
def test_the_size_agrees_with_the_split(text: str) -> None:
    assert gsm.size(text).segments == len(gsm.split(text))


@given(texts)
def test_no_segment_is_longer_than_a_carrier_takes(text: str) -> None:
    segments, sizing = gsm.split(text), gsm.size(text)
    most = {("gsm7", True): 160, ("gsm7", False): 153, ("ucs2", True): 70, ("ucs2", False): 67}
    for segment in segments:
        units = len(gsm.encode_gsm7(segment)) if sizing.encoding == "gsm7" else len(segment.encode("utf-16-be")) // 2
        assert 0 < units <= most[sizing.encoding, len(segments) == 1]


@given(texts)
def test_units_are_those_of_the_encoded_text(text: str) -> None:
    sizing = gsm.size(text)
    encoded = len(gsm.encode_gsm7(text)) if sizing.encoding == "gsm7" else len(text.encode("utf-16-be")) // 2
    assert sizing.units == encoded
    assert (sizing.encoding == "ucs2") == bool(gsm.foreign_characters(text))


@given(gsm_texts)
def test_septets_read_back_are_the_text(text: str) -> None:
    assert gsm.decode_gsm7(gsm.encode_gsm7(text)) == text


@given(st.binary())
def test_any_bytes_can_be_read(data: bytes) -> None:
    assert len(gsm.decode_gsm7(data)) <= len(data)


@given(texts, st.sampled_from(["FR", "GB"]), st.text(max_size=20))
def test_the_mention_is_never_dropped(text: str, country: str, nom: str) -> None:
    made = composed(text + "$nom", country, nom=nom)
    assert made is None or made.text.endswith(MENTIONS.of(country))


@given(texts, st.sampled_from(["FR", "GB"]), st.sampled_from(["marketing", "otp"]), st.booleans())
def test_the_price_is_that_of_the_segments_that_are_sent(text: str, country: str, purpose: str, mention: bool) -> None:
    made = composed(text, country, purpose, mention=mention)
    if made is not None:
        price = TARIFF.price(country, purpose)
        assert price is not None
        assert made.millicredits == len(gsm.split(made.text)) * price
        assert made.encoding == gsm.size(made.text).encoding


@given(gsm_texts, st.integers(min_value=0, max_value=5))
def test_a_euro_is_given_up_only_for_fewer_segments(text: str, euros: int) -> None:
    text = "a" + text + "€" * euros
    made = composed(text, "FR", mention=False)
    if made is not None:
        kept, given_up = gsm.size(text).segments, gsm.size(text.replace("€", "E")).segments
        assert made.segments == min(kept, given_up)
        assert made.text == (text if kept == given_up else text.replace("€", "E"))
        assert bool(made.substitutions) == (kept != given_up)


WORDS = st.sampled_from(
    [
        "$nom",
        "$prenom",
        " ",
        "\n",
        "STOP 36034",
        "36034",
        " STOP 36034",
        "stop.test",
        "test",
        "Soldes",
        "5 %",
        "€",
        "ê",
        "%s",
        "x" * 140,
    ]
)
VALUES = st.sampled_from(["", "Ada", " ", "Zoë €", "李", "STOP", " STOP", "NONSTOP", "%s", "\0", "n" * 30])


@given(st.lists(WORDS, max_size=6).map("".join), VALUES, VALUES, st.sampled_from(["FR", "GB", "HK"]), st.booleans())
def test_what_a_draft_remembers_changes_no_text_and_no_price(
    text: str, nom: str, prenom: str, country: str, mention: bool
) -> None:
    plan = Plan(merge.read(text), mention, MENTIONS, TARIFF, "marketing")
    whole = merge.render(plan.template, merge.values(plan.template, {"nom": nom, "prenom": prenom}))
    constant = Plan(merge.Template(whole, whole, ()), mention, MENTIONS, TARIFF, "marketing")
    told = [_told(plan, country, nom=nom, prenom=prenom) for _ in range(2)]
    assert told == [_told(constant, country)] * 2


def _told(plan: Plan, country: str, **fields: str) -> Composed | str:
    try:
        return compose(plan, 33612345678, country, fields)
    except Refused as refusal:
        return refusal.code
