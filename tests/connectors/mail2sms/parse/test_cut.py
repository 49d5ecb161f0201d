"""What is new in a mail, and what is cut off."""

import pytest

from connectors.mail2sms.parse.cut import cut
from tests.support.written import mail, refusal, text

ATTRIBUTIONS = {
    "Gmail, French": "Le jeu. 26 nov. 2026 à 10:00, Anne Martin <anne@example.org> a écrit :",
    "Gmail, French, broken": "Le jeu. 26 nov. 2026 à 10:00, Anne Martin <\nanne@example.org> a écrit :",
    "Apple, French": "Le 26 nov. 2026 à 10:00, Anne Martin <anne@example.org> a écrit :",
    "Thunderbird, French": "Le 26/11/2026 à 10:00, Anne a écrit :",
    "Gmail": "On Thu, Nov 26, 2026 at 10:00 AM Anne Martin <anne@example.org> wrote:",
    "Apple": "On 26 Nov 2026, at 10:00, Anne Martin <anne@example.org> wrote:",
    "Apple, broken twice": "On 26 Nov 2026,\nat 10:00, Anne Martin\n<anne@example.org> wrote:",
    "Gmail, German": "Am Do., 26. Nov. 2026 um 10:00 Uhr schrieb Anne Martin <\nanne@example.org>:",
    "Thunderbird, German": "Am 26.11.26 um 10:00 schrieb Anne:",
    "Gmail, Spanish": "El jue, 26 nov 2026 a las 10:00, Anne (<anne@example.org>) escribió:",
    "Gmail, Italian": "Il giorno gio 26 nov 2026 alle ore 10:00 Anne <anne@example.org> ha scritto:",
}
BLOCKS = {
    "French": "De : Anne <anne@example.org>\nEnvoyé : jeudi 26 novembre 2026 10:00\nÀ : sms@example.org\nObjet : Promo",
    "English": "From: Anne <anne@example.org>\nSent: Thursday\nTo: a; b;\n c\nCc: d\nSubject: RE: Promo",
    "bold": "*From:* Anne\n*Date:* Thursday\n*To:* x\n*Subject:* Promo",
    "German": "Von: Anne\nGesendet: Donnerstag\nAn: x\nBetreff: Promo",
    "Spanish": "De: Anne\nEnviado el: jueves\nPara: x\nAsunto: Promo",
    "Italian": "Da: Anne\nInviato: giovedì\nA: x\nOggetto: Promo",
    "below a rule": f"{'_' * 32}\nDe : Anne\nEnvoyé : jeudi\nÀ : x\nObjet : Promo",
    "a divider": "-----Message d'origine-----\nDe : x",
    "an English divider": "-----Original Message-----\nx",
    "forwarded": "---------- Forwarded message ---------\nFrom: x",
    "forwarded by Apple": "Début du message réexpédié :\n\nDe: x",
}
DEVICES = [
    "Envoyé de mon iPhone",
    "Envoyé depuis mon téléphone Orange",
    "Sent from my Galaxy",
    "Get Outlook for Android<https://aka.ms/x>",
    "Télécharger Outlook pour iOS",
    "Von meinem iPhone gesendet",
    "Gesendet mit der mobilen Mail App",
    "Enviado desde mi iPhone",
    "Inviato da iPhone",
]


@pytest.mark.parametrize("client", ATTRIBUTIONS)
def test_case_40_below_who_wrote_it_nothing_is_new(client: str) -> None:
    assert cut(f"Oui, merci !\n\n{ATTRIBUTIONS[client]}\n\n> Viens-tu ?\n> Anne\n") == "Oui, merci !"


def test_case_40_a_quote_right_below_says_that_somebody_wrote_it() -> None:
    assert cut("Parfait.\n\nLe 26 nov., +33 6 a écrit :\n> Oui merci\n") == "Parfait."


@pytest.mark.parametrize("client", BLOCKS)
def test_case_40_below_the_headers_of_another_mail_nothing_is_new(client: str) -> None:
    assert cut(f"Oui, merci !\n\n{BLOCKS[client]}\n\nViens-tu ?\n") == "Oui, merci !"


def test_case_41_a_signature_is_cut_off() -> None:
    assert text(mail("Bonjour\r\n-- \r\nAnne\r\nSociété")) == "Bonjour"
    assert text(mail("Bonjour\r\n--\r\nAnne")) == "Bonjour"


def test_case_41_a_line_of_a_menu_is_kept() -> None:
    menu = "Menu\n-- entree\n-- plat\n--- dessert"
    assert cut(menu) == menu


def test_case_41_a_signature_is_among_the_last_twelve_lines() -> None:
    assert cut("a\n-- \n" + "\n".join("b" * 11)) == "a"
    assert cut("a\n-- \n" + "\n".join("b" * 12)) == "a\n--\n" + "\n".join("b" * 12)


def test_a_signature_above_a_quote_is_cut_off_too() -> None:
    assert cut(f"Oui\n\n-- \nAnne\n\n{ATTRIBUTIONS['Gmail']}\n" + "> x\n" * 50) == "Oui"


@pytest.mark.parametrize("line", DEVICES)
def test_case_41_what_a_device_signs_with_is_cut_off(line: str) -> None:
    assert cut(f"Bonjour\n\n{line}\n") == "Bonjour"


def test_case_42_a_line_that_begins_like_a_quote_is_kept() -> None:
    promo = "Soldes\n> 20 EUR offerts\n>> dès demain"
    assert cut(promo) == promo


@pytest.mark.parametrize("mark", ["#end", "--end", " #END ", "--End"])
def test_what_stands_below_an_end_is_not_sent(mark: str) -> None:
    assert cut(f"Bonjour\n{mark}\nde moi à moi") == "Bonjour"
    assert cut(f"Bonjour {mark.strip()} de\n{mark.strip()}e") == f"Bonjour {mark.strip()} de\n{mark.strip()}e"


@pytest.mark.parametrize(
    "kept",
    [
        "Le chef a écrit :\nvenez !",
        "On Monday we close.\nShe wrote: soon",
        "De : Paris\nÀ : Lyon\nDate : 24/12",
        "From: 9:00\nTo: 18:00",
        "Envoyé avec amour",
        "Le 24/12 à 9:00, venez tous",
        "Sent: 5\nSubject: x",
        "________\nTotal",
    ],
)
def test_what_only_resembles_a_quote_is_kept(kept: str) -> None:
    assert cut(kept) == kept


def test_case_45_a_mail_of_a_signature_alone_is_refused() -> None:
    assert refusal(mail("-- \r\nAnne Martin\r\nSociété")) == "text_empty"
    assert refusal(mail("Envoyé de mon iPhone")) == "text_empty"
    assert refusal(mail("#end\r\nx")) == "text_empty"


def test_blanks_at_the_ends_of_lines_and_empty_lines_one_after_the_other_are_gone() -> None:
    assert cut("\n\n a  \n \t\n\n\nb\t\n") == "a\n\nb"


def test_case_15_twenty_thousand_empty_lines_are_one() -> None:
    assert text(mail("Bonjour" + "\r\n" * 20_000 + "Anne" + "\n" * 20_000 + "#end\nx")) == "Bonjour\n\nAnne"
    assert text(mail("Bonjour" + " \r\n" * 20_000 + ATTRIBUTIONS["Gmail"])) == "Bonjour"
