"""The parts of a definition that rules look at, each with its place in the document. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

Json = Mapping[str, Any]
KINDS = ("triggers", "searches", "creates")


class Fault(NamedTuple):
    """What a rule found: the code of the check, where, and what is wrong there with its cure."""

    code: str
    at: str
    words: str

    def __str__(self) -> str:
        return f"{self.code} {self.at}: {self.words}"


class Step(NamedTuple):
    """A trigger, a search or a create, with its place."""

    kind: str
    key: str
    whole: Json

    @property
    def at(self) -> str:
        return f"{self.kind}.{self.key}"

    @property
    def operation(self) -> Json:
        found: Json = self.whole.get("operation", {})
        return found

    @property
    def hidden(self) -> bool:
        return bool(self.whole.get("display", {}).get("hidden"))

    @property
    def hook(self) -> bool:
        return self.operation.get("type") == "hook"


class Placed(NamedTuple):
    """A field, or a text, with its place."""

    at: str
    value: Any


def steps(definition: Json, *kinds: str) -> Iterator[Step]:
    """Every step of these kinds, of all of them where none is named."""
    for kind in kinds or KINDS:
        for key, whole in definition.get(kind, {}).items():
            yield Step(kind, key, whole)


def inputs(step: Step) -> Iterator[Placed]:
    """Its input fields, those within others too. Fields that a function makes are not looked at."""
    yield from _fields(step.operation.get("inputFields", ()), f"{step.at}.inputFields")


def input_fields(definition: Json) -> Iterator[Placed]:
    """The input fields of every step."""
    for step in steps(definition):
        yield from inputs(step)


def outputs(step: Step) -> Iterator[Placed]:
    """Its output fields."""
    yield from _fields(step.operation.get("outputFields", ()), f"{step.at}.outputFields")


def auth_fields(definition: Json) -> Iterator[Placed]:
    """What a person is asked for to connect."""
    yield from _fields(definition.get("authentication", {}).get("fields", ()), "authentication.fields")


def texts(part: Any, at: str = "") -> Iterator[Placed]:
    """Every text of a document, wherever it stands."""
    if isinstance(part, str):
        yield Placed(at, part)
    elif isinstance(part, Mapping):
        for name, value in part.items():
            yield from texts(value, f"{at}.{name}" if at else str(name))
    elif isinstance(part, list | tuple):
        for place, value in enumerate(part):
            yield from texts(value, f"{at}[{place}]")


def found(sample: Any, key: str) -> tuple[bool, Any]:
    """Whether a sample has the field of a key, and its value: `a__b` is b within a, where there is no a__b itself."""
    if isinstance(sample, Mapping) and key in sample:
        return True, sample[key]
    first, _, rest = key.partition("__")
    if rest and isinstance(sample, Mapping) and first in sample:
        return found(sample[first], rest)
    return False, None


def _fields(fields: Any, at: str) -> Iterator[Placed]:
    for field in fields:
        if isinstance(field, Mapping) and "key" in field:
            place = f"{at}.{field['key']}"
            yield Placed(place, field)
            yield from _fields(field.get("children", ()), place)
