"""/groups: sets of contacts to text together."""

from typing import Final

from connectors.contract import Call, Listed, Operation, Reply
from core import Tx, groups
from hub.api.shapes import Shape
from hub.api.show import iso

_GROUP: Final = {"$ref": "#/components/schemas/Group"}
_NOTHING: Final = {"type": "object", "additionalProperties": False}


def list_groups(call: Call, tx: Tx) -> Reply:
    found = groups.listed(tx, call.caller.account_id, call.page.limit + 1, call.page.after)
    shown = found[: call.page.limit]
    return Reply(Listed([_shape(group) for group in shown], shown[-1].id if len(found) > len(shown) else None))


def create_group(call: Call, tx: Tx) -> Reply:
    return Reply(_shape(groups.create(tx, call.caller.account_id, call.body["name"], call.body.get("slug"))), 201)


def read_group(call: Call, tx: Tx) -> Reply:
    return Reply(_shape(groups.get(tx, call.caller.account_id, call.path["id"])))


def change_group(call: Call, tx: Tx) -> Reply:
    return Reply(_shape(groups.change(tx, call.caller.account_id, call.path["id"], call.body)))


def delete_group(call: Call, tx: Tx) -> Reply:
    groups.remove(tx, call.caller.account_id, call.path["id"])
    return Reply({})


def put_member(call: Call, tx: Tx) -> Reply:
    groups.put_member(tx, call.caller.account_id, call.path["id"], call.path["contact_id"])
    return Reply({})


def remove_member(call: Call, tx: Tx) -> Reply:
    groups.remove_member(tx, call.caller.account_id, call.path["id"], call.path["contact_id"])
    return Reply({})


def _shape(group: groups.Group) -> Shape:
    return {
        "id": group.id,
        "name": group.name,
        "slug": group.slug,
        "contacts": group.contacts,
        "created_at": iso(group.created_at),
    }


OPERATIONS: Final = (
    Operation(
        name="list_groups",
        method="GET",
        path="/groups",
        scope="contacts:read",
        tag="Groups",
        summary="Groups of contacts, newest first",
        handler=list_groups,
        transaction="read",
        paged=True,
        answers={200: _GROUP},
    ),
    Operation(
        name="create_group",
        method="POST",
        path="/groups",
        scope="contacts:write",
        tag="Groups",
        summary="Make a group",
        handler=create_group,
        transaction="write",
        body={"$ref": "#/components/schemas/GroupDraft"},
        answers={201: _GROUP},
        refusals=("group_exists",),
    ),
    Operation(
        name="read_group",
        method="GET",
        path="/groups/{id}",
        scope="contacts:read",
        tag="Groups",
        summary="One group",
        description="Its people are `GET /contacts?group=` and its id.",
        handler=read_group,
        transaction="read",
        answers={200: _GROUP},
        refusals=("not_found",),
    ),
    Operation(
        name="change_group",
        method="PATCH",
        path="/groups/{id}",
        scope="contacts:write",
        tag="Groups",
        summary="Rename a group",
        handler=change_group,
        transaction="write",
        body={"$ref": "#/components/schemas/GroupChange"},
        answers={200: _GROUP},
        refusals=("not_found", "group_exists"),
    ),
    Operation(
        name="delete_group",
        method="DELETE",
        path="/groups/{id}",
        scope="contacts:write",
        tag="Groups",
        summary="Delete a group",
        description="Its contacts stay in the book.",
        handler=delete_group,
        transaction="write",
        answers={200: _NOTHING},
        refusals=("not_found",),
    ),
    Operation(
        name="put_group_member",
        method="PUT",
        path="/groups/{id}/contacts/{contact_id}",
        scope="contacts:write",
        tag="Groups",
        summary="Put a contact into a group",
        handler=put_member,
        transaction="write",
        answers={200: _NOTHING},
        refusals=("not_found",),
    ),
    Operation(
        name="remove_group_member",
        method="DELETE",
        path="/groups/{id}/contacts/{contact_id}",
        scope="contacts:write",
        tag="Groups",
        summary="Take a contact out of a group",
        description="It stays in the book.",
        handler=remove_member,
        transaction="write",
        answers={200: _NOTHING},
        refusals=("not_found",),
    ),
)
