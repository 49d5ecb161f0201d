"""The demo account of a first start: something to try the hub with. Only where every carrier is a simulator, and nobody is there yet."""

import base64
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Final

from core import Runtime, Tx, accounts, contacts, groups, ledger, templates
from hub.api.keys import new_secret
from hub.people import passwords
from hub.settings import Settings

FILE_NAME: Final = "demo.json"
NAME: Final = "Demo"
OWNER: Final = "demo@example.com"
PASSWORD_BYTES: Final = 10  # 80 random bits
CREDITS: Final = 1000
CONTACTS: Final = 200
GROUP: Final = "Clients fidèles"
TEMPLATE: Final = ("Soldes d'été", "Bonjour $prenom, -20 % chez $societe jusqu'à samedi avec le code ETE.")
FIRST_NUMBER: Final = 33_612_340_000
# Every tenth number or so ends in one of the simulator's endings (docs/carriers.md); the others arrive.
ENDINGS: Final = (1, 3, 6, 8, 10, 12, 2, 11, 4, 14)
ARRIVING: Final = range(20, 100)

_FIRST: Final = (
    *("Camille", "Léa", "Manon", "Chloé", "Inès", "Zoé", "Hélène", "Maëlys", "Noémie", "Agnès", "Océane", "Françoise"),
    *(
        "Lucas",
        "Théo",
        "Hugo",
        "Loïc",
        "Jérôme",
        "Cédric",
        "Rémi",
        "Gaël",
        "Benoît",
        "André",
        "Karim",
        "Mathis",
        "Yanis",
    ),
)
_LAST: Final = (
    *("Martin", "Bernard", "Lefèvre", "Durand", "Moreau", "Garçon", "Béranger", "Roux", "Benali", "Faure", "Guérin"),
    *("Chevalier", "Noël", "Picard", "Le Goff", "Diallo", "Étienne", "Marchand", "Pélissier", "Da Silva", "Nguyen"),
)
_COMPANIES: Final = (
    *("Boulangerie du Canal", "Garage Lemoine", "Café de l'Écluse", "Pharmacie des Halles", "Librairie Mots à Mots"),
    *("Fleurs & Compagnie", "Vélos Réunis", "Institut Belle Île", "Caviste du Marché", "Optique Voltaire"),
)


@dataclass(frozen=True, slots=True)
class Demo:
    """The account, its group, the key that opens it, and its owner, who signs in with this password."""

    account_id: str
    account_name: str
    group_id: str
    api_key: str
    owner: str = ""
    password: str = ""


def prepare(runtime: Runtime, settings: Settings) -> Demo | None:
    """Make the demo account if this hub is new; None where it is not. The key is kept in the data folder, for its owner alone."""
    if not settings.simulated:
        return None
    secret, password = new_secret(runtime), _new_password(runtime)
    kept = passwords.hashed(password)
    with runtime.begin() as tx:
        if accounts.everyone(tx, 1):
            return None
        made = _make(tx, secret)
        accounts.create_user(tx, made.account_id, OWNER, "owner", kept, "hub")
        made = replace(made, owner=OWNER, password=password)
        # Before the commit: a key that was made is a key that was kept.
        _keep(settings.data / FILE_NAME, made)
    return made


def kept(settings: Settings) -> Demo | None:
    """The demo account as its file says; None where there is none, or it cannot be read."""
    try:
        return Demo(**json.loads((settings.data / FILE_NAME).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def people() -> Iterator[Mapping[str, Any]]:
    """Who is in the address book: names, companies, and numbers with varied endings."""
    for place in range(CONTACTS):
        first, last = _FIRST[place * 7 % len(_FIRST)], _LAST[place * 5 % len(_LAST)]
        company = _COMPANIES[place % len(_COMPANIES)]
        yield {"number": f"+{number(place)}", "nom": last, "prenom": first, "societe": company}


def number(place: int) -> int:
    """The number of one of them: all different, every tenth with an ending of its own."""
    ending = ENDINGS[place // 10 % len(ENDINGS)] if place % 10 == 9 else ARRIVING[place % len(ARRIVING)]
    return FIRST_NUMBER + 100 * (place % 100) + ending + 10_000 * (place // 100)


def _make(tx: Tx, secret: str) -> Demo:
    account = accounts.create(tx, NAME, email=OWNER)
    ledger.grant(tx, account.id, CREDITS * 1000, "a gift to begin with", "hub", source="bonus")
    group = groups.create(tx, account.id, GROUP)
    for person in people():
        contacts.create(tx, account.id, {**person, "groups": [group.id]}, "demo")
    templates.create(tx, account.id, *TEMPLATE)
    accounts.create_key(tx, account.id, "first start", accounts.SCOPES, secret, "hub")
    return Demo(account.id, account.name, group.id, secret)


def _new_password(runtime: Runtime) -> str:
    """One that can be read off a screen: four letters or digits, four times."""
    letters = base64.b32encode(runtime.random.randbytes(PASSWORD_BYTES)).decode().lower()
    return "-".join(letters[at : at + 4] for at in range(0, len(letters), 4))


def _keep(path: Path, made: Demo) -> None:
    part = path.with_suffix(".part")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        json.dump(asdict(made), file, indent=2)
    part.rename(path)
