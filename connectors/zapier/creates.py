"""Zapier's actions. Each does one thing through the operations of the hub, and answers one plain object.

What the data of a row can cause, and another row would not, is refused with 402, 409 or 422: in Zapier a soft stop of that run, never an
error that turns the Zap off.
"""

import hashlib
from collections.abc import Mapping
from typing import Any, Final

from connectors.contract import Schema
from connectors.zapier.desk import Desk
from connectors.zapier.fields import Word
from connectors.zapier.steps import ID, NUMBER, NUMBER_WORDS, Given, Step
from core import Refused, accounts, blacklist

LONGEST_ONCE: Final = 1000

_OPTED_OUT: Final = "This number opted out: nothing was sent, and nothing was charged."


def send_sms(desk: Desk, given: Given) -> Any:
    """A number that opted out is a message of its own status in the hub; here it is refused, so that the Zap stops softly."""
    key = _once("send_sms", given)
    made = desk.ask("send_message", _with_text(desk, given), key=key)
    if made["status"] == "blacklisted":
        raise Refused.at("/to", "opted_out", _OPTED_OUT)
    return made


def send_campaign(desk: Desk, given: Given) -> Any:
    key = _once("send_campaign", given)
    return desk.ask("create_campaign", _with_text(desk, given), key=key)


def create_contact(desk: Desk, given: Given) -> Any:
    return desk.ask("create_contact", given)


def update_contact(desk: Desk, given: Given) -> Any:
    return desk.ask("change_contact", given, id=given.pop("contact_id"))


def add_contact_to_group(desk: Desk, given: Given) -> Any:
    contact = desk.contact(given["number"])
    desk.ask("put_group_member", id=given["group_id"], contact_id=contact["id"])
    return desk.ask("read_contact", id=contact["id"])


def remove_contact_from_group(desk: Desk, given: Given) -> Any:
    contact = desk.contact(given["number"])
    desk.ask("remove_group_member", id=given["group_id"], contact_id=contact["id"])
    return desk.ask("read_contact", id=contact["id"])


def add_to_blacklist(desk: Desk, given: Given) -> Any:
    entry = desk.ask("add_to_blacklist", given)
    return {"id": entry["number"], **entry}


def remove_from_blacklist(desk: Desk, given: Given) -> Any:
    """Only what the account itself put there. The proof of consent is kept in the audit trail, without the number."""
    entry = listed(desk, given["number"])
    if entry is None:
        raise Refused.at("/number", "conflict", "This number is not on the blacklist.")
    if entry["source"] in blacklist.OWN_CHOICE:
        words = "This person opted out themselves: no Zap takes that back. They may ask to be texted again."
        raise Refused.at("/number", "opted_out", words)
    caller = desk.visit.known
    with desk.visit.runtime.begin() as tx:
        detail = {"consent": given["consent"], "listed_at": entry["created_at"]}
        accounts.record(tx, caller.account_id, caller.actor, "blacklist.consent", detail)
    left = desk.ask("remove_from_blacklist", number=entry["number"])
    return {"id": left["number"], **left}


def cancel_message(desk: Desk, given: Given) -> Any:
    """Only while nothing was sent: the hub's own operation hides what is over, which is not what was asked for here."""
    message_id = given["message_id"]
    before = desk.ask("read_message", message_id=message_id)
    if before["status"] in ("scheduled", "queued"):
        before = desk.ask("cancel_message", message_id=message_id)
    if before["status"] != "cancelled":
        raise Refused.at("/message_id", "already_started", f"It is too late: the message is {before['status']}.")
    return before


def listed(desk: Desk, number: str) -> Any | None:
    """What keeps a number from being texted; None where nothing does."""
    try:
        return desk.ask("read_blacklist_entry", number=number)
    except Refused as refusal:
        if refusal.code != "not_found":
            raise
        return None


def _once(action: str, given: Given) -> str | None:
    """The idempotency key for a value of a row, which may hold any characters."""
    value = given.pop("only_once", None)
    return value and f"zapier {action} {hashlib.sha256(value.encode(errors='surrogatepass')).hexdigest()}"


def _with_text(desk: Desk, given: Given) -> Given:
    """The text of the template where no other was written."""
    template = given.pop("template_id", None)
    if template is None or "text" in given:
        return given
    return given | {"text": desk.ask("read_template", id=template)["text"]}


_ONCE: Final[Schema] = {"type": "string", "maxLength": LONGEST_ONCE}
_SENDING: Final[Mapping[str, Schema]] = {"template_id": ID, "only_once": _ONCE}
PURPOSES: Final = {"marketing": "Marketing", "notification": "Notification", "otp": "One-Time Password"}
_TEXT: Final = "Leave it empty to send a template. Messages of marketing accounts end with how to opt out."
_MORE: Final = (
    Word("template_id", "Template", "Sent where Text is empty.", dropdown="list_template"),
    Word(
        "sender",
        "Sender",
        "What people see as the sender; your account's own if you leave it empty.",
        dropdown="list_sender",
    ),
    Word("purpose", "Purpose", "What it is for; your account's own purpose if you leave it empty.", choices=PURPOSES),
    Word("send_at", "Send At", "At once if you leave it empty, or if the time is past."),
    Word("reference", "Reference", "Your own reference, such as an order number: kept with it, and found by it."),
    Word(
        "only_once",
        "Send Only Once For",
        "A value that is this row's alone, such as its ID: whatever is repeated, one message is sent for it. Within seven days.",
    ),
)
_PHONE: Final = Word("number", "Phone Number", NUMBER_WORDS, required=True)
_GROUP: Final = Word("group_id", "Group", required=True, dropdown="list_group", help="The group of your address book.")
_PERSON: Final = (
    Word("prenom", "First Name", "Becomes `$prenom` in texts."),
    Word("nom", "Last Name", "Becomes `$nom` in texts."),
    Word("email", "Email", "Becomes `$email` in texts."),
    Word("societe", "Company", "Becomes `$societe` in texts."),
)
_MEMBER: Final[Mapping[str, Schema]] = {"number": NUMBER, "group_id": ID}

CREATES: Final[Mapping[str, Step]] = {
    step.key: step
    for step in (
        Step(
            "send_sms",
            "Send SMS",
            "SMS",
            "Sends a text message to one number, now or later.",
            "send_message",
            (Word("to", "Phone Number", NUMBER_WORDS), Word("text", "Text", _TEXT, required=False), *_MORE),
            send_sms,
            own=_SENDING,
            like={"status": "queued", "campaign_id": None, "sent_at": None, "carrier_code": None, "source": "zapier"},
        ),
        Step(
            "send_campaign",
            "Send Campaign to Group",
            "Campaign",
            "Sends one text to everybody in some groups, now or later.",
            "create_campaign",
            (
                Word("name", "Name", "What lists and reports call it."),
                Word("groups", "Groups", "Everybody in them, each number once.", required=True, dropdown="list_group"),
                Word(
                    "text",
                    "Text",
                    f"`$prenom`, `$nom`, `$email` and `$societe` become each person's own. {_TEXT}",
                    required=False,
                ),
                *_MORE,
            ),
            send_campaign,
            own=_SENDING,
            like={"status": "expanding", "started_at": None, "sent_at": None, "finished_at": None, "source": "zapier"},
        ),
        Step(
            "create_contact",
            "Create Contact",
            "Contact",
            "Creates a contact in the address book.",
            "create_contact",
            (_PHONE, *_PERSON, Word("groups", "Groups", "Groups to put it into.", dropdown="list_group")),
            create_contact,
        ),
        Step(
            "update_contact",
            "Update Contact",
            "Contact",
            "Updates a contact of the address book; what you leave empty stays.",
            "change_contact",
            (
                Word(
                    "contact_id",
                    "Contact",
                    "The contact to update.",
                    required=True,
                    dropdown="list_contact",
                    search="find_contact",
                ),
                Word("number", "Phone Number", NUMBER_WORDS),
                *_PERSON,
                Word("groups", "Groups", "In place of all groups that it is in.", dropdown="list_group"),
            ),
            update_contact,
            own={"contact_id": ID},
        ),
        Step(
            "add_contact_to_group",
            "Add Contact to Group",
            "Contact",
            "Adds the contact with a number to a group.",
            "read_contact",
            (_PHONE, _GROUP),
            add_contact_to_group,
            own=_MEMBER,
        ),
        Step(
            "remove_contact_from_group",
            "Remove Contact From Group",
            "Contact",
            "Removes the contact with a number from a group; it stays in the address book.",
            "read_contact",
            (_PHONE, _GROUP),
            remove_contact_from_group,
            own=_MEMBER,
        ),
        Step(
            "add_to_blacklist",
            "Add Number to Blacklist",
            "Number",
            "Adds a number to those that are never texted again.",
            "add_to_blacklist",
            (_PHONE, Word("reason", "Reason", "For yourself: shown in the list.")),
            add_to_blacklist,
            more={"id": {"type": "string", "examples": ["+33612345678"]}},
        ),
        Step(
            "remove_from_blacklist",
            "Remove Number From Blacklist",
            "Number",
            "Removes a number that you had added yourself; whoever opted out themselves stays.",
            "remove_from_blacklist",
            (
                _PHONE,
                Word(
                    "consent",
                    "Proof of Consent",
                    "How and when this person agreed to be texted again. Kept.",
                    required=True,
                ),
            ),
            remove_from_blacklist,
            own={"number": NUMBER, "consent": {"type": "string", "maxLength": 500}},
            more={"id": {"type": "string", "examples": ["+33612345678"]}},
        ),
        Step(
            "cancel_message",
            "Cancel Scheduled Message",
            "Message",
            "Cancels a message that was not sent yet.",
            "cancel_message",
            (
                Word(
                    "message_id",
                    "Message",
                    "The message to cancel.",
                    required=True,
                    dropdown="list_scheduled_message",
                    search="find_message",
                ),
            ),
            cancel_message,
            own={"message_id": ID},
            like={"status": "cancelled", "sent_at": None, "carrier_code": None},
        ),
    )
}
