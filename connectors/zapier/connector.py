"""Zapier: the hub's events start Zaps, and Zaps have the hub do things. The OAuth grant is the installation; there are no settings."""

from typing import Final

from connectors.contract import Action, Connector
from connectors.zapier.commands import EXPORT
from connectors.zapier.creates import CREATES
from connectors.zapier.leaving import unsubscribe
from connectors.zapier.routes import ROUTES
from connectors.zapier.scopes import SCOPES
from connectors.zapier.triggers import TRIGGERS

# What needs nothing but the body of its operation; the rest of Zapier's actions first look something up.
_PLAIN: Final = {
    "send_sms": ("MessageDraft", {"to": "+33612345678", "text": "Bonjour, votre commande est prête."}),
    "create_contact": ("ContactDraft", {"number": "+33612345678", "prenom": "Anne", "nom": "Martin"}),
    "add_to_blacklist": ("BlacklistDraft", {"number": "+33612345678", "reason": "asked by telephone"}),
}

CONNECTOR: Final = Connector(
    name="zapier",
    title="Zapier",
    description="Start Zaps from replies, opt-outs, delivery reports and more, and send messages from Zaps.",
    auth="oauth",
    ended=unsubscribe,
    scopes=SCOPES,
    triggers=tuple(dict.fromkeys(trigger.event for trigger in TRIGGERS.values())),
    actions=tuple(
        Action(
            key,
            CREATES[key].label,
            CREATES[key].description,
            CREATES[key].operation,
            {"$ref": f"#/components/schemas/{schema}"},
            example,
        )
        for key, (schema, example) in _PLAIN.items()
    ),
    routes=ROUTES,
    commands=(EXPORT,),
)
