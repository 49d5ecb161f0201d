"""Which replies mean STOP."""

import pytest

from core.blacklist.keywords import is_stop


@pytest.mark.parametrize(
    "text",
    [
        "STOP",
        "stop",
        "Stop. Thank you",
        "stop!!",
        "STOP 36034",
        "STOP36034",
        "stop svp",
        "«STOP»",
        "\n > Stop",
        "STOP🛑",
        "🛑 stop",
        "S T O P",
        "S.T.O.P. merci",
        "ＳＴＯＰ",
        "ST\u200bOP",
        "s\u0301top",
        "Stop,je ne veux plus rien",
        "STOPALL",
        "STOP ALL",
        "stop-all",
        "Stop SMS",
        "Arrêt",
        "ARRET",
        "arre\u0302tez tout",
        "Désabonner",
        "me désabonner svp",
        "UNSUBSCRIBE me",
        "Unsubscribe",
        "quit",
        "Revoke",
        "OPTOUT",
        "opt out",
        "OPT-OUT please",
        "remove me",
        "BAJA",
        "dar de baja",
        "Cancella",
        "disiscrivi",
        "Stopp bitte",
        "abmelden",
        "SAIR",
        "Afmelden",
        "СТОП",
        "стоп!",
        "توقف",
        "إلغاء",
        "END",
        "end.",
        "Cancel",
        "cancel 36034",
        "TD",
        "non",
        "Bonjour, STOP",
        "please stop",
        "SVP stop 36034",
    ],
)
def test_these_mean_stop(text: str) -> None:
    assert is_stop(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "   ",
        "🙂",
        "36034",
        "Oui merci",
        "oui",
        "don't stop",
        "stopover in Paris",
        "Stopped by",
        "non-stop music",
        "Non merci, mais demain oui",
        "End of June suits me",
        "Cancel my 3pm and book 4pm",
        "Please stop by tomorrow",
        "Hello",
        "I want to know where the bus stops",
        "option B",
        "opt outside",
        "Je passe à l'arrêt de bus",
        "A B C",
    ],
)
def test_these_do_not(text: str) -> None:
    assert not is_stop(text)
