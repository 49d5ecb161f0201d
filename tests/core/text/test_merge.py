"""Merge fields."""

import pytest

from core.text import merge


@pytest.mark.parametrize(
    "text, rendered",
    [
        ("Bonjour $prenom $nom", "Bonjour Marie Dupont"),
        ("$nom$nom", "DupontDupont"),
        ("$nomade", "Dupontade"),
        ("$prenoms", "Maries"),
        ("$email", ""),
        ("$societe", ""),
        ("100 % à $nom, 5 %s", "100 % à Dupont, 5 %s"),
        ("5 $ ou $ville ou $Nom ou $$nom", "5 $ ou $ville ou $Nom ou $Dupont"),
        ("sans champ", "sans champ"),
    ],
)
def test_fields_are_replaced_and_all_else_is_left(text: str, rendered: str) -> None:
    fields = {"nom": "Dupont", "prenom": "Marie", "email": None}
    template = merge.read(text)
    assert merge.render(template, merge.values(template, fields)) == rendered


def test_a_value_is_not_searched_for_fields_of_its_own() -> None:
    assert merge.render(merge.read("$nom $prenom"), ("$prenom", "%s")) == "$prenom %s"


def test_a_template_knows_its_fields() -> None:
    assert merge.read("$nom $prenom $nom").fields == {"nom", "prenom"}
    assert merge.read("100 %").fields == set()
