"""What an action and a search of Zapier have in common: words over an operation of the hub, and a plain function that asks for it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from connectors.contract import Catalogue, Operation, Schema, example_of
from connectors.zapier.desk import Desk
from connectors.zapier.fields import Word

Given = dict[str, Any]
Run = Callable[[Desk, Given], Any]

NUMBER: Final[Schema] = {"type": "string", "minLength": 1, "maxLength": 64, "examples": ["+33612345678"]}
ID: Final[Schema] = {"type": "string", "format": "uuid"}
NUMBER_WORDS: Final = "With its country code, or as it is written in the region of your account."


def _whole(schema: Schema) -> Schema:
    return schema


@dataclass(frozen=True, slots=True)
class Step:
    """One action or search.

    operation: its schemas are those of the fields. inputs: which of its properties are asked for. own: properties that only Zapier has.
    run: does it, with the inputs as the schema wants them. An action answers an object; a search the best match, or None.
    more: properties of the answer beyond the operation's. part: which part of the operation's answer is given back.
    """

    key: str
    label: str
    noun: str
    description: str
    operation: str
    inputs: tuple[Word, ...]
    run: Run
    own: Mapping[str, Schema] = field(default_factory=dict)
    more: Mapping[str, Schema] = field(default_factory=dict)
    part: Callable[[Schema], Schema] = _whole
    like: Mapping[str, Any] = field(default_factory=dict)

    @property
    def keys(self) -> list[str]:
        """The names of its inputs."""
        return [word.key for word in self.inputs]


def asked(catalogue: Catalogue, step: Step) -> Schema:
    """The schema of what a step is given."""
    operation = catalogue.operations[step.operation]
    body = catalogue.resolved(operation.body) if operation.body else {}
    properties = {**operation.query, **body.get("properties", {}), **step.own}
    return {"type": "object", "required": list(body.get("required", ())), "properties": properties}


def answered(catalogue: Catalogue, step: Step) -> Schema:
    """The schema of what a step gives back: the operation's, with what is more."""
    whole = step.part(catalogue.resolved(_answer(catalogue.operations[step.operation])))
    return {"type": "object", "properties": {**step.more, **whole["properties"]}}


def sample(catalogue: Catalogue, step: Step) -> dict[str, Any]:
    """An example of what a step gives back: where an event shows the same thing, the event's own sample."""
    schema = _answer(catalogue.operations[step.operation])
    shown = next((trigger.sample for trigger in catalogue.triggers.values() if trigger.schema == schema), None)
    whole = step.part(catalogue.resolved(schema))
    more = {name: example_of(catalogue.resolved(each)) for name, each in step.more.items()}
    return {**more, **(shown or example_of(whole)), **step.like}


def _answer(operation: Operation) -> Schema:
    """What it answers when all went well: of a list, an item."""
    return operation.answers[min(operation.answers)] or {}
