"""From a draft and a recipient to a text and its price."""

import pytest

from core.credits.tariff import Tariff
from core.errors import Refused
from core.text import merge
from core.text.compose import EURO_TO_E, Composed, Plan, compose
from core.text.mention import Mentions

TARIFF = Tariff({("FR", "*"): 1000, ("GB", "*"): 1100})


def plan(text: str, *, mention: bool = False) -> Plan:
    return Plan(merge.read(text), mention, Mentions("36034", "stop.test"), TARIFF, "marketing")


def composed(text: str, country: str = "FR", *, mention: bool = False, **fields: str | None) -> Composed:
    return compose(plan(text, mention=mention), 33612345678, country, fields)


def refusal(text: str, country: str = "FR", nom: str | None = None) -> str:
    with pytest.raises(Refused) as caught:
        composed(text, country, nom=nom)
    return caught.value.code


def test_a_text_is_merged_mentioned_sized_and_priced() -> None:
    assert composed("Bonjour $prenom", mention=True, prenom="Zoé") == Composed(
        "Bonjour Zoé STOP 36034", "gsm7", 1, 1000, ()
    )


def test_each_recipient_of_one_plan_has_a_text_length_and_price_of_their_own() -> None:
    draft = plan("$nom" + "a" * 145, mention=True)
    french = compose(draft, 33612345678, "FR", {"nom": "Li"})
    british = compose(draft, 447400123456, "GB", {"nom": "Li"})
    longer = compose(draft, 33612345679, "FR", {"nom": "Dupont"})
    assert (french.segments, british.segments, longer.segments) == (1, 1, 2)
    assert (french.millicredits, british.millicredits, longer.millicredits) == (1000, 1100, 2000)


def test_a_text_without_fields_is_composed_once_a_country() -> None:
    draft = plan("Soldes", mention=True)
    first = compose(draft, 33612345678, "FR", {})
    assert compose(draft, 33612345679, "FR", {"nom": "Li"}) is first
    assert compose(draft, 447400123456, "GB", {}).text == "Soldes stop.test"


def test_a_euro_that_fits_in_160_septets_is_kept() -> None:
    text = "a" * 158 + "€"
    assert composed(text) == Composed(text, "gsm7", 1, 1000, ())


def test_a_euro_that_would_cost_a_segment_becomes_an_e() -> None:
    assert composed("a" * 159 + "€") == Composed("a" * 159 + "E", "gsm7", 1, 1000, (EURO_TO_E,))


def test_a_euro_is_kept_where_an_e_would_save_nothing() -> None:
    assert composed("a" * 170 + "€").text.endswith("€")


def test_euros_are_judged_on_the_final_text_with_its_values_and_mention() -> None:
    fits = composed("Prix: $nom" + "a" * 141, mention=True, nom="€")
    costs = composed("Prix: $nom" + "a" * 142, mention=True, nom="€")
    assert (fits.segments, fits.substitutions) == (1, ())
    assert (costs.segments, costs.substitutions) == (1, (EURO_TO_E,))
    assert costs.text == "Prix: E" + "a" * 142 + " STOP 36034"


def test_a_euro_in_ucs2_is_kept_since_it_costs_nothing_there() -> None:
    assert composed("ç" * 70 + "€").text.endswith("€")


def test_euros_may_bring_ten_segments_back_within_the_limit() -> None:
    assert composed("a" * 1529 + "€").segments == 10


@pytest.mark.parametrize("text", ["", " \n\t", "$nom", " $nom "])
def test_a_text_that_is_empty_after_merging_is_refused(text: str) -> None:
    assert refusal(text) == "text_empty"


def test_a_mention_does_not_make_up_for_an_empty_text() -> None:
    with pytest.raises(Refused, match="text_empty"):
        composed("$nom", mention=True)


def test_more_than_ten_segments_are_refused() -> None:
    assert composed("a" * 1530).segments == 10
    assert refusal("a" * 1531) == "text_too_long"
    assert refusal("ç" * 671) == "text_too_long"


def test_what_no_carrier_could_carry_is_refused() -> None:
    for char in ("\x00", "\ud83d", "\udc00"):
        assert refusal(f"Bonjour {char}") == "text_invalid"
        assert refusal("Bonjour $nom", nom=char) == "text_invalid"


def test_a_country_without_a_price_is_refused() -> None:
    assert refusal("Bonjour", "KP") == "unpriced_country"
