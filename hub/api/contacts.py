"""/contacts: the address book."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from connectors.contract import Call, Listed, Operation, Reply
from core import Tx, accounts, contacts, groups
from hub.api.shapes import Shape, contact_shape, e164
from hub.api.show import NUMBER_REFUSALS, read_number

_CONTACT: Final = {"$ref": "#/components/schemas/Contact"}
_CHECKS: Final = (*NUMBER_REFUSALS, "opted_out", "unknown_group")


def list_contacts(call: Call, tx: Tx) -> Reply:
    page, query = call.page, call.query
    found = contacts.page(
        tx,
        call.caller.account_id,
        page.limit,
        page.after,
        q=query.get("q"),
        group=query.get("group"),
        archived=query.get("archived", False),
        number=_number(call, tx),
        email=query.get("email"),
    )
    return Reply(Listed(shapes_of(tx, found.rows), found.next_after))


def _number(call: Call, tx: Tx) -> int | None:
    given = call.query.get("number")
    return None if given is None else read_number(given, accounts.get(tx, call.caller.account_id).region, "/number")


def create_contact(call: Call, tx: Tx) -> Reply:
    made = contacts.create(tx, call.caller.account_id, call.body, call.caller.source)
    return Reply(_shape(tx, made), 201)


def read_contact(call: Call, tx: Tx) -> Reply:
    return Reply(_shape(tx, contacts.get(tx, call.caller.account_id, call.path["id"])))


def change_contact(call: Call, tx: Tx) -> Reply:
    return Reply(_shape(tx, contacts.change(tx, call.caller.account_id, call.path["id"], call.body)))


def delete_contact(call: Call, tx: Tx) -> Reply:
    contacts.remove(tx, call.caller.account_id, call.path["id"])
    return Reply({})


def restore_contact(call: Call, tx: Tx) -> Reply:
    return Reply(_shape(tx, contacts.restore(tx, call.caller.account_id, call.path["id"])))


def list_duplicates(call: Call, tx: Tx) -> Reply:
    page = call.page
    shown, following = contacts.duplicates(tx, call.caller.account_id, page.limit, int(page.after or 0))
    shapes = {shape["id"]: shape for shape in shapes_of(tx, [contact for one in shown for contact in one.contacts])}
    items = [
        {
            "number": e164(one.number),
            "country": one.contacts[0].country,
            "count": one.count,
            "contacts": [shapes[contact.id] for contact in one.contacts],
        }
        for one in shown
    ]
    return Reply(Listed(items, None if following is None else str(following)))


def shapes_of(tx: Tx, people: Sequence[contacts.Contact]) -> Sequence[Shape]:
    """Contacts with the ids of their groups, looked up for all of them at once."""
    memberships = groups.of_contacts(tx, [contact.id for contact in people])
    return [_with_groups(contact, memberships) for contact in people]


def _shape(tx: Tx, contact: contacts.Contact) -> Shape:
    return shapes_of(tx, [contact])[0]


def _with_groups(contact: Any, memberships: Mapping[str, Sequence[str]]) -> Shape:
    return contact_shape(contact) | {"groups": list(memberships.get(contact.id, ()))}


OPERATIONS: Final = (
    Operation(
        name="list_contacts",
        method="GET",
        path="/contacts",
        scope="contacts:read",
        tag="Contacts",
        summary="The address book, newest first",
        description="Without `archived`, those who left the book (their number failed for good, or opted out) are not shown. "
        "A page looks at 10,000 contacts at most: it may be shorter than `limit`, or empty, and `next_cursor` goes on.",
        handler=list_contacts,
        transaction="read",
        paged=True,
        query={
            "q": {
                "type": "string",
                "maxLength": 200,
                "description": "Words of a name, an address or a company, or their beginnings, without regard to case or accents; "
                "or the beginning of a number, as it is written in the account's region or with its country code.",
                "examples": ["martin", "0612"],
            },
            "group": {
                "type": "string",
                "maxLength": 100,
                "description": "Only members of this group: its id or its slug.",
            },
            "archived": {"type": "boolean", "description": "true: only those who left the book."},
            "number": {"type": "string", "maxLength": 64, "description": "Exactly this number, in any form."},
            "email": {"type": "string", "maxLength": 255, "description": "Exactly this address, in any case."},
        },
        answers={200: _CONTACT},
        refusals=("unknown_group", *NUMBER_REFUSALS),
    ),
    Operation(
        name="create_contact",
        method="POST",
        path="/contacts",
        scope="contacts:write",
        tag="Contacts",
        summary="Add a contact",
        description="The same number may be added twice: `GET /contacts/duplicates` finds it. "
        "A number on the blacklist is refused with `opted_out`.",
        handler=create_contact,
        transaction="write",
        body={"$ref": "#/components/schemas/ContactDraft"},
        answers={201: _CONTACT},
        refusals=_CHECKS,
    ),
    Operation(
        name="list_duplicate_contacts",
        method="GET",
        path="/contacts/duplicates",
        scope="contacts:read",
        tag="Contacts",
        summary="Numbers that several contacts share",
        description="In the order of the numbers, each with its contacts, the oldest first and at most twenty. "
        "A campaign texts such a number once. A page looks at 100,000 contacts: it may be short, or empty, and `next_cursor` goes on.",
        handler=list_duplicates,
        transaction="read",
        paged=True,
        answers={200: {"$ref": "#/components/schemas/DuplicateContacts"}},
    ),
    Operation(
        name="read_contact",
        method="GET",
        path="/contacts/{id}",
        scope="contacts:read",
        tag="Contacts",
        summary="One contact",
        handler=read_contact,
        transaction="read",
        answers={200: _CONTACT},
        refusals=("not_found",),
    ),
    Operation(
        name="change_contact",
        method="PATCH",
        path="/contacts/{id}",
        scope="contacts:write",
        tag="Contacts",
        summary="Change a contact",
        description="What is not sent stays; `null` clears a field. A new number keeps the groups; `groups` replaces them.",
        handler=change_contact,
        transaction="write",
        body={"$ref": "#/components/schemas/ContactChange"},
        answers={200: _CONTACT},
        refusals=("not_found", *_CHECKS),
    ),
    Operation(
        name="delete_contact",
        method="DELETE",
        path="/contacts/{id}",
        scope="contacts:write",
        tag="Contacts",
        summary="Delete a contact",
        description="For good, from the book and its groups. Messages and reports keep the number.",
        handler=delete_contact,
        transaction="write",
        answers={200: {"type": "object", "additionalProperties": False}},
        refusals=("not_found",),
    ),
    Operation(
        name="restore_contact",
        method="POST",
        path="/contacts/{id}/restore",
        scope="contacts:write",
        tag="Contacts",
        summary="Bring an archived contact back",
        description="Into the book and the groups that it was in. Refused with `opted_out` while the number is on the blacklist.",
        handler=restore_contact,
        transaction="write",
        answers={200: _CONTACT},
        refusals=("not_found", "opted_out"),
    ),
)
