"""Which replies mean STOP.

A recipient who wants out must be understood, whatever the accents, the case or the decoration: one message too many
costs more than one opt-out too soon. The words are those of the FCC's rule (47 CFR 64.1200(a)(10)), of the carriers'
customary lists, and their like in the languages that the hub texts in.
"""

import re
import unicodedata
from collections.abc import Iterator

_FIRST_WORDS = """
    STOP STOPALL STOPPEN STOPP STOPPER STOPPEZ STOPSMS STOPPUB UNSUBSCRIBE OPTOUT QUIT REVOKE REMOVE
    ARRÊT ARRÊTE ARRÊTER ARRÊTEZ DÉSABONNER DÉSABONNEZ DÉSABONNEMENT DÉSINSCRIRE DÉSINSCRIPTION
    BAJA CANCELLA CANCELLAMI CANCELLARMI DISISCRIVI DISISCRIVIMI ABMELDEN AFMELDEN UITSCHRIJVEN SAIR
    СТОП توقف
"""
_FIRST_PHRASES = """
    OPT OUT, ME DÉSABONNER, SE DÉSABONNER, ME DÉSINSCRIRE, SE DÉSINSCRIRE, DAR DE BAJA, DARME DE BAJA
"""
# Said in passing these mean other things ("End of June suits me"); alone they mean STOP.
_WHOLE_MESSAGES = "END, CANCEL, TD, NON, FIN, ENDE, ANNULER, BASTA, PARAR, CANCELAR, NO MORE, إلغاء"
# Courtesy before a keyword hides it from the first place. It is passed over when nothing follows the keyword.
_COURTESIES = "BONJOUR BONSOIR HELLO HI HOLA CIAO HALLO PLEASE PLS SVP STP MERCI BITTE"

_WORD = re.compile(r"[^\W_]+")


def is_stop(text: str) -> bool:
    """Whether a reply asks that nothing more be sent."""
    words = _words(text)
    if not words:
        return False
    return _begins_with_stop(words) or " ".join(_less_digits(words)) in _ALONE or _is_polite_stop(words)


def _begins_with_stop(words: list[str]) -> bool:
    first = words[0].rstrip("0123456789")  # STOP36034
    return first in _FIRST or any(words[: len(phrase)] == phrase for phrase in _PHRASES)


def _is_polite_stop(words: list[str]) -> bool:
    plain = [word for word in _less_digits(words) if word not in _POLITE]
    return len(plain) == 1 and plain[0] in _FIRST


def _less_digits(words: list[str]) -> list[str]:
    """The words without the short code that people repeat."""
    return [word for word in words if not word.isdigit()]


def _words(text: str) -> list[str]:
    """Lower-case words without accents or marks; letters spelt out at the beginning ("S.T.O.P.") are one word."""
    plain = "".join(_bare(text.casefold()))
    words = _WORD.findall(plain)
    spelt = next((place for place, word in enumerate(words) if len(word) > 1), len(words))
    return ["".join(words[:spelt]), *words[spelt:]] if spelt > 1 else words


def _bare(text: str) -> Iterator[str]:
    for char in unicodedata.normalize("NFKD", text):
        if unicodedata.category(char) not in {"Mn", "Me", "Cf"}:  # accents, enclosing marks, invisible joiners
            yield char.casefold()


_FIRST = frozenset(_words(_FIRST_WORDS))
_PHRASES = tuple(_words(phrase) for phrase in _FIRST_PHRASES.split(","))
_ALONE = frozenset(" ".join(_words(phrase)) for phrase in _WHOLE_MESSAGES.split(","))
_POLITE = frozenset(_words(_COURTESIES))
