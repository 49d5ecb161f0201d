"""Zapier's triggers: the hub's events in Zapier's words, and the one rule that makes an item out of an event.

The hub posts envelopes {id, type, timestamp, data}, as to every webhook, and answers the same as samples. An item is {id, occurred_at}
and then the data, whose own id becomes <thing>_id: what Zapier tells doubles by is the event. `item` is that rule here, `SCRIPT` the
same in the definition, run by Zapier on posts and samples alike; the tests hold the two together.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from connectors.contract import Catalogue, Schema
from connectors.zapier.fields import Word

EVENT_ID: Final = "01997b2c-4d5e-7f60-8172-456789abcdef"
SAMPLED_AT: Final = "2026-09-21T12:15:03.000Z"
FAILURES: Final = ("failed_temporary", "failed_permanent", "rejected", "expired")  # final, as far as anybody can know

SCRIPT: Final = (
    "const item = ({ id, timestamp, data: { id: its, ...data } }) =>\n"
    "  ({ id, occurred_at: timestamp, ...(its === undefined ? {} : { [`${thing}_id`]: its }), ...data });\n"
)


@dataclass(frozen=True, slots=True)
class Hooked:
    """One trigger.

    thing: what the data's id is an id of. inputs: filters of hooks (schemas/HookFilters.json). fixed: filters that nobody chooses;
    unless: those that hold while nothing else was chosen. like: what its sample shows otherwise than the event's.
    """

    key: str
    label: str
    noun: str
    description: str
    event: str
    thing: str
    inputs: tuple[Word, ...] = ()
    fixed: Mapping[str, Any] = field(default_factory=dict)
    unless: Mapping[str, Any] = field(default_factory=dict)
    like: Mapping[str, Any] = field(default_factory=dict)

    def filters(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The filters of its hook, out of what was chosen."""
        return {**self.unless, **given, **self.fixed}


def envelope(catalogue: Catalogue, trigger: Hooked) -> Mapping[str, Any]:
    """The declared sample of its event, as a hook would post it."""
    data = {**catalogue.triggers[trigger.event].sample, **trigger.like}
    return {"id": EVENT_ID, "type": trigger.event, "timestamp": SAMPLED_AT, "data": data}


def item(thing: str, posted: Mapping[str, Any]) -> dict[str, Any]:
    """What later steps of a Zap see of an event."""
    data = dict(posted["data"])
    its = {f"{thing}_id": data.pop("id")} if "id" in data else {}
    return {"id": posted["id"], "occurred_at": posted["timestamp"], **its, **data}


def item_schema(thing: str, data: Schema) -> Schema:
    """The schema of an item, out of that of the data."""
    properties = dict(data["properties"])
    its = {f"{thing}_id": properties.pop("id")} if "id" in properties else {}
    own = {"id": {"type": "string"}, "occurred_at": {"type": "string", "format": "date-time"}}
    return {"type": "object", "properties": {**own, **its, **properties}}


_CAMPAIGN: Final = Word("campaign_id", "Campaign", "Only of this campaign.", dropdown="list_campaign")
_WAYS: Final = {
    "reply": "SMS Reply",
    "web": "Web Page",
    "import": "Import",
    "console": "Console",
    "api": "API",
    "zapier": "Zapier",
}

TRIGGERS: Final[Mapping[str, Hooked]] = {
    trigger.key: trigger
    for trigger in (
        Hooked(
            "new_reply",
            "New Reply",
            "Reply",
            "Triggers when somebody answers one of your messages.",
            "reply.received",
            "reply",
            (
                Word("keyword", "Keyword", "Only answers that begin with this word, whatever its case and accents."),
                _CAMPAIGN,
                Word(
                    "inbound_number",
                    "Number Answered",
                    "Only answers to this short code or number.",
                    dropdown="list_inbound_number",
                ),
            ),
        ),
        Hooked(
            "new_opt_out",
            "New Opt-Out",
            "Opt-Out",
            "Triggers when somebody asks not to be texted any more, by answering STOP or in another way.",
            "optout.created",
            "opt_out",
            (Word("source", "Source", "Only those that came in these ways.", choices=_WAYS),),
        ),
        Hooked(
            "new_delivery_report",
            "New Delivery Report",
            "Report",
            "Triggers when a message reaches a status, a failure unless you choose others.",
            "message.status",
            "message",
            (
                Word(
                    "status",
                    "Statuses",
                    "Only these statuses; failures if you choose none. Each message of a campaign that matches runs the Zap.",
                ),
                _CAMPAIGN,
            ),
            unless={"status": list(FAILURES)},
            like={"status": "failed_temporary"},
        ),
        Hooked(
            "new_invalid_number",
            "New Invalid Number",
            "Number",
            "Triggers when a message failed for good because of its number: it does not exist, or no longer takes messages.",
            "message.status",
            "message",
            fixed={"status": ["failed_permanent"]},
            like={"status": "failed_permanent"},
        ),
        Hooked(
            "campaign_finished",
            "Campaign Finished",
            "Campaign",
            "Triggers when a campaign has nothing left to send.",
            "campaign.finished",
            "campaign",
        ),
        Hooked(
            "credit_low",
            "Low Credit Balance",
            "Balance",
            "Triggers when the credits fall below the alert threshold of your account.",
            "credits.low",
            "balance",
        ),
        Hooked(
            "new_contact",
            "New Contact",
            "Contact",
            "Triggers when a contact is added to the address book.",
            "contact.created",
            "contact",
            (Word("group_id", "Group", "Only contacts that are in this group.", dropdown="list_group"),),
        ),
    )
}
