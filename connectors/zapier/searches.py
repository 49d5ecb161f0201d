"""Zapier's searches: the best match, or nothing, which is no error."""

from collections.abc import Mapping
from typing import Any, Final

from connectors.contract import Schema
from connectors.zapier.creates import PURPOSES, listed
from connectors.zapier.desk import Desk
from connectors.zapier.fields import Word
from connectors.zapier.steps import ID, NUMBER, NUMBER_WORDS, Given, Step
from core import Refused

GROUPS: Final = ("success", "waiting", "temporary", "permanent", "blacklisted")


def find_contact(desk: Desk, given: Given) -> Any | None:
    """By the number where there is one: an address may have changed, and a second contact would be made for it."""
    if not given:
        raise Refused.at("/number", "invalid_request", "Give a phone number or an email address to search by.")
    by = "number" if "number" in given else "email"
    return desk.first("list_contacts", **{by: given[by]})


def find_message(desk: Desk, given: Given) -> Any | None:
    if not given:
        raise Refused.at("/reference", "invalid_request", "Give a reference or a phone number to search by.")
    return desk.first("list_messages", **given)


def find_campaign(desk: Desk, given: Given) -> Any | None:
    """With how it went, which the event of its end does not know."""
    if "campaign_id" in given:
        found = desk.ask("read_campaign", campaign_id=given["campaign_id"])
    elif "name" in given:
        found = desk.first("list_campaigns", name=given["name"])
    else:
        raise Refused.at("/name", "invalid_request", "Give a name or a campaign to search by.")
    if found is None:
        return None
    report = desk.ask("read_report", campaign_id=found["id"])
    counts = {group: report["statistics"][group]["count"] for group in GROUPS}
    summary = report["summary"]
    return {"report": {"contacts": summary["contacts"], "credits": summary["credits"], **counts}, **found}


def find_blacklist_entry(desk: Desk, given: Given) -> Any | None:
    entry = listed(desk, given["number"])
    return entry and {"id": entry["number"], **entry}


def find_credit_balance(desk: Desk, given: Given) -> Any | None:
    balance = desk.ask("read_credits")
    enough = balance["available"] >= given.get("min_credits", 0)
    return {"id": "credits", **balance} if enough else None


def find_number_details(desk: Desk, given: Given) -> Any:
    return {"id": given["number"], **desk.ask("look_up_number", given)}


def find_message_cost(desk: Desk, given: Given) -> Any:
    """By the reckoning that will send it. What can't be sent is refused in the same words."""
    to = given.pop("to")
    quote = desk.ask("make_quote", {**given, "recipients": [{"to": to}]})
    if quote["invalid"]:
        raise Refused.at("/to", quote["invalid"][0]["code"], quote["invalid"][0]["detail"])
    shown = quote["samples"][0] if quote["samples"] else _NOTHING | {"to": to}
    return {"id": shown["to"], "blacklisted": quote["blacklisted"] > 0, **shown}


_NOTHING: Final = {"text": "", "encoding": "gsm7", "segments": 0, "credits": 0, "substitutions": []}


def _of_quote(schema: Schema) -> Schema:
    """One of its samples."""
    one: Schema = schema["properties"]["samples"]["items"]
    return one


_COUNT: Final[Schema] = {"type": "integer", "examples": [200]}
_REPORT: Final[Schema] = {
    "type": "object",
    "properties": {
        "contacts": _COUNT,
        "credits": {"type": "number", "examples": [200]},
        **dict.fromkeys(GROUPS, _COUNT),
    },
}
_PHONE: Final = Word("number", "Phone Number", NUMBER_WORDS, required=True)
_OF_NUMBER: Final[Schema] = {"type": "string", "examples": ["+33612345678"]}

SEARCHES: Final[Mapping[str, Step]] = {
    step.key: step
    for step in (
        Step(
            "find_contact",
            "Find Contact",
            "Contact",
            "Finds a contact by phone number or email.",
            "list_contacts",
            (
                Word("number", "Phone Number", NUMBER_WORDS),
                Word("email", "Email", "Searched for where there is no phone number."),
            ),
            find_contact,
        ),
        Step(
            "find_message",
            "Find Message",
            "Message",
            "Finds the newest message with a reference, or to a number.",
            "list_messages",
            (Word("reference", "Reference", "As it was sent."), Word("to", "Phone Number", NUMBER_WORDS)),
            find_message,
        ),
        Step(
            "find_campaign",
            "Find Campaign",
            "Campaign",
            "Finds a campaign by name, and how it went.",
            "list_campaigns",
            (
                Word("name", "Name", "The whole name, in any case; of several the newest."),
                Word(
                    "campaign_id",
                    "Campaign",
                    "In place of a name, such as one from an earlier step.",
                    dropdown="list_campaign",
                ),
            ),
            find_campaign,
            own={"campaign_id": ID},
            more={"report": _REPORT},
        ),
        Step(
            "find_blacklist_entry",
            "Find Blacklisted Number",
            "Number",
            "Finds out whether a number opted out.",
            "read_blacklist_entry",
            (_PHONE,),
            find_blacklist_entry,
            own={"number": NUMBER},
            more={"id": _OF_NUMBER},
        ),
        Step(
            "find_credit_balance",
            "Find Credit Balance",
            "Balance",
            "Finds how many credits are left.",
            "read_credits",
            (Word("min_credits", "Minimum", "Finds nothing where fewer credits than this are left."),),
            find_credit_balance,
            own={"min_credits": {"type": "number", "minimum": 0}},
            more={"id": {"type": "string", "examples": ["credits"]}},
        ),
        Step(
            "find_number_details",
            "Find Number Details",
            "Number",
            "Finds what kind of number a number is, and whether it can be texted.",
            "look_up_number",
            (_PHONE,),
            find_number_details,
            more={"id": _OF_NUMBER},
        ),
        Step(
            "find_message_cost",
            "Find Message Cost",
            "Cost",
            "Finds what a message would cost, without sending it.",
            "make_quote",
            (
                Word("to", "Phone Number", NUMBER_WORDS, required=True),
                Word("text", "Text", "As it would be sent; the opt-out mention is counted in."),
                Word("sender", "Sender", "Your account's own if you leave it empty.", dropdown="list_sender"),
                Word("purpose", "Purpose", "Your account's own if you leave it empty.", choices=PURPOSES),
            ),
            find_message_cost,
            own={"to": NUMBER},
            more={"id": _OF_NUMBER, "blacklisted": {"type": "boolean", "examples": [False]}},
            part=_of_quote,
        ),
    )
}
