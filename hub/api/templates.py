"""/templates: texts to write again."""

from typing import Final

from connectors.contract import Call, Listed, Operation, Reply
from core import Tx, templates
from hub.api.shapes import Shape
from hub.api.show import iso

_TEMPLATE: Final = {"$ref": "#/components/schemas/Template"}


def list_templates(call: Call, tx: Tx) -> Reply:
    found = templates.listed(tx, call.caller.account_id, call.page.limit + 1, call.page.after)
    shown = found[: call.page.limit]
    return Reply(Listed([_shape(template) for template in shown], shown[-1].id if len(found) > len(shown) else None))


def create_template(call: Call, tx: Tx) -> Reply:
    return Reply(_shape(templates.create(tx, call.caller.account_id, call.body["name"], call.body["text"])), 201)


def read_template(call: Call, tx: Tx) -> Reply:
    return Reply(_shape(templates.get(tx, call.caller.account_id, call.path["id"])))


def change_template(call: Call, tx: Tx) -> Reply:
    return Reply(_shape(templates.change(tx, call.caller.account_id, call.path["id"], call.body)))


def delete_template(call: Call, tx: Tx) -> Reply:
    templates.remove(tx, call.caller.account_id, call.path["id"])
    return Reply({})


def _shape(template: templates.Template) -> Shape:
    return {
        "id": template.id,
        "name": template.name,
        "text": template.text,
        "created_at": iso(template.created_at),
        "updated_at": iso(template.updated_at),
    }


OPERATIONS: Final = (
    Operation(
        name="list_templates",
        method="GET",
        path="/templates",
        scope="messages:read",
        tag="Templates",
        summary="Texts to write again, newest first",
        handler=list_templates,
        transaction="read",
        paged=True,
        answers={200: _TEMPLATE},
    ),
    Operation(
        name="create_template",
        method="POST",
        path="/templates",
        scope="messages:send",
        tag="Templates",
        summary="Keep a text",
        description="As many as you like. Merge fields are left as they stand.",
        handler=create_template,
        transaction="write",
        body={"$ref": "#/components/schemas/TemplateDraft"},
        answers={201: _TEMPLATE},
    ),
    Operation(
        name="read_template",
        method="GET",
        path="/templates/{id}",
        scope="messages:read",
        tag="Templates",
        summary="One template",
        handler=read_template,
        transaction="read",
        answers={200: _TEMPLATE},
        refusals=("not_found",),
    ),
    Operation(
        name="change_template",
        method="PATCH",
        path="/templates/{id}",
        scope="messages:send",
        tag="Templates",
        summary="Change a template",
        handler=change_template,
        transaction="write",
        body={"$ref": "#/components/schemas/TemplateChange"},
        answers={200: _TEMPLATE},
        refusals=("not_found",),
    ),
    Operation(
        name="delete_template",
        method="DELETE",
        path="/templates/{id}",
        scope="messages:send",
        tag="Templates",
        summary="Delete a template",
        description="Messages written with it stay.",
        handler=delete_template,
        transaction="write",
        answers={200: {"type": "object", "additionalProperties": False}},
        refusals=("not_found",),
    ),
)
