from collections.abc import Sequence
from typing import Any

import pytest

from core import Refused
from core.audience.columns import Columns, Person, Wrong, find, read
from core.audience.spreadsheet import Row
from tests.support.spreadsheet import BAD, FOREIGN, HEADER, OVERSEAS, SAME, people


def rows(*lines: Sequence[Any]) -> list[Row]:
    return [Row(place, line) for place, line in enumerate(lines, 1)]


def mapping(*lines: Sequence[Any], **wished: str | int) -> dict[str, str]:
    found = find(rows(*lines), "FR", wished or None)
    return {target: found.names[place] for target, place in found.mapping.items()}


def test_usual_headers_are_understood() -> None:
    assert mapping(HEADER, *people(3)) == {
        "number": "Mobile",
        "nom": "Nom",
        "prenom": "Prénom",
        "email": "E-mail",
        "societe": "Société",
    }


@pytest.mark.parametrize("name", ["Numéro", "TÉLÉPHONE", "Portable", "N° de mobile", "phone number", "GSM", "Tel."])
def test_a_column_of_numbers_goes_by_many_names(name: str) -> None:
    assert mapping(("Nom", name), ("Durand", "0612345678"))["number"] == name


@pytest.mark.parametrize(
    "header, expected",
    [
        (("Mobile", "Last name", "First name"), {"nom": "Last name", "prenom": "First name"}),
        (("Mobile", "Company name", "Name"), {"societe": "Company name", "nom": "Name"}),
        (("Mobile", "Adresse mail", "Entreprise"), {"email": "Adresse mail", "societe": "Entreprise"}),
    ],
)
def test_names_within_names_are_not_mistaken(header: tuple[str, ...], expected: dict[str, str]) -> None:
    assert mapping(header, ("0612345678", "a", "b")) == {"number": "Mobile", **expected}


def test_the_column_with_mobiles_wins_over_one_with_fixed_lines_or_client_numbers() -> None:
    header = ("Numéro client", "Téléphone fixe", "Téléphone portable")
    assert mapping(header, ("12345678", "0142685300", "0612345678"))["number"] == "Téléphone portable"


def test_numbers_are_found_under_a_name_that_says_nothing() -> None:
    assert mapping(("A", "B"), ("x", "0612345678"), ("y", "0612345679"))["number"] == "B"


def test_a_first_row_with_a_number_is_no_header() -> None:
    found = find(rows(("Durand", 33612345678.0), ("Petit", "0612345679")), "FR")
    assert (found.header, found.names, dict(found.mapping)) == (False, ("Column A", "Column B"), {"number": 1})


def test_a_first_row_whose_number_is_wrong_is_no_header_either() -> None:
    assert not find(rows(("0012345678",), ("0612345679",)), "FR").header


def test_columns_are_chosen_by_name_or_place() -> None:
    lines = (("Mobile", "Mobile 2", "Nom"), ("0612345678", "0712345678", "x"))
    assert mapping(*lines, number="mobile 2")["number"] == "Mobile 2"
    assert mapping(*lines, number=1, nom="NOM") == {"number": "Mobile 2", "nom": "Nom"}


def test_a_mapping_without_the_number_leaves_it_to_the_guess() -> None:
    assert mapping(("Mobile", "Nom", "X"), ("0612345678", "a", "b"), nom="X") == {"number": "Mobile", "nom": "X"}


@pytest.mark.parametrize("wished", [{"number": "Fax"}, {"number": 7}, {"number": -1}, {"age": "Nom"}])
def test_a_column_that_is_not_there_is_refused_with_those_that_are(wished: dict[str, str | int]) -> None:
    with pytest.raises(Refused) as refused:
        find(rows(("Mobile", "Nom"), ("0612345678", "x")), "FR", wished)
    assert refused.value.code == "unknown_column"
    assert refused.value.faults[0].pointer == f"/mapping/{next(iter(wished))}"
    assert refused.value.facts["columns"] == ["Mobile", "Nom"]


def test_a_file_without_numbers_is_refused_with_its_columns() -> None:
    with pytest.raises(Refused) as refused:
        find(rows(("A", "B"), ("x", "y")), "FR")
    assert (refused.value.code, refused.value.facts["columns"]) == ("no_number_column", ["A", "B"])


def test_a_file_without_rows_is_refused() -> None:
    with pytest.raises(Refused, match="empty_file"):
        find([], "FR")


@pytest.mark.parametrize(
    "cell", [*SAME, 33612345678.0, 612345678.0, "33612345678.0", '="0612345678"', "'0612345678", " 0612345678 "]
)
def test_every_spelling_of_a_number_is_that_number(cell: str | float) -> None:
    found = read(Row(2, [cell]), {"number": 0}, "FR")
    assert isinstance(found, Person)
    assert found.number.value == 33612345678


@pytest.mark.parametrize(
    "cell, country", [(OVERSEAS, "MQ"), (FOREIGN, "GB"), ("596696123456", "MQ"), (447400123456.0, "GB")]
)
def test_overseas_and_foreign_numbers_are_understood(cell: str | float, country: str) -> None:
    found = read(Row(2, [cell]), {"number": 0}, "FR")
    assert isinstance(found, Person)
    assert found.number.country == country


@pytest.mark.parametrize("cell", [*BAD, "", 1.5, "TRUE", "0696123456"])
def test_what_is_no_number_is_told_with_its_row_and_value(cell: str | float) -> None:
    found = read(Row(7, [cell]), {"number": 0}, "FR")
    assert isinstance(found, Wrong)
    assert (found.place, found.field, found.value) == (7, "number", str(cell))
    assert found.message


def test_digits_that_a_spreadsheet_rounded_away_are_said_to_be_lost() -> None:
    found = read(Row(2, ["3.36E+10"]), {"number": 0}, "FR")
    assert isinstance(found, Wrong)
    assert "digits are lost" in found.message


def test_a_row_shorter_than_the_header_is_read() -> None:
    found = read(Row(2, ["0612345678"]), {"number": 0, "nom": 1}, "FR")
    assert isinstance(found, Person)
    assert found.fields == {}


def test_a_field_too_long_is_told_by_its_name() -> None:
    found = read(Row(2, ["0612345678", "x" * 256]), {"number": 0, "nom": 1}, "FR")
    assert isinstance(found, Wrong)
    assert found.field == "nom"


def test_quantities_become_texts_as_they_are_shown() -> None:
    found = read(Row(2, ["0612345678", 12.0, 1.5]), {"number": 0, "nom": 1, "societe": 2}, "FR")
    assert isinstance(found, Person)
    assert found.fields == {"nom": "12", "societe": "1.5"}


def test_columns_beyond_z_have_two_letters() -> None:
    found: Columns = find(rows(["x"] * 27 + ["0612345678"]), "FR")
    assert found.names[25:] == ("Column Z", "Column AA", "Column AB")
