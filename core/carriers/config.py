"""SMSHUB_CARRIERS: which carriers there are. A JSON array, one object a carrier; every fault is told at once."""

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final, NoReturn, Protocol

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from core.carriers import http_settings
from core.carriers.contract import Carrier, Sleep
from core.carriers.http import HttpCarrier
from core.carriers.simulator import Simulator, SimulatorSettings
from core.errors import Fault, Refused

DEFAULT: Final = '[{"name": "simulator", "kind": "simulator"}]'
SCHEMAS: Final = Path(__file__).parent / "schemas"
SHORT_CODE: Final = "36034"

Entry = Mapping[str, Any]


class Random(Protocol):
    """Where random bits come from."""

    def getrandbits(self, k: int, /) -> int:
        """`k` random bits as a number."""
        ...


@dataclass(frozen=True, slots=True)
class Place:
    """What a carrier may need besides its settings. `short_code`: where replies to a simulated name arrive."""

    data_dir: Path
    clock: Callable[[], int]
    random: Random
    sleep: Sleep
    short_code: str


@dataclass(frozen=True, slots=True)
class Kind:
    """One kind of carrier: its schema is schemas/<kind>.json, `faults` finds what a schema can't, `make` gets faultless settings."""

    faults: Callable[[Entry], Iterator[Fault]]
    make: Callable[[Entry, Place], Carrier]


def build(
    text: str | None,
    data_dir: Path,
    clock: Callable[[], int],
    random: Random,
    *,
    sleep: Sleep = time.sleep,
    short_code: str = SHORT_CODE,
) -> Mapping[str, Carrier]:
    """The carriers by name; without a text one simulator. Raises Refused (`invalid_carriers`) with a fault for each thing wrong."""
    entries = _entries(text or DEFAULT)
    faults = [fault for position, entry in enumerate(entries) for fault in _faults(entry, f"/{position}")]
    faults += _doubles(entries)
    if faults:
        raise _refusal(faults)
    place = Place(data_dir, clock, random, sleep, short_code)
    return {entry["name"]: KINDS[entry["kind"]].make(entry, place) for entry in entries}


def _simulator_faults(entry: Entry) -> Iterator[Fault]:
    if entry.get("timeout_ms", entry.get("answer_ms", 0)) < entry.get("answer_ms", 0):
        yield Fault("/timeout_ms", "must not be below answer_ms")


def _simulator(entry: Entry, place: Place) -> Carrier:
    settings = SimulatorSettings(**({"short_code": place.short_code} | _without_kind(entry)))
    path = place.data_dir / f"simulator-{settings.name}.db"
    return Simulator(settings, path, place.clock, place.random.getrandbits, place.sleep)


def _http(entry: Entry, place: Place) -> Carrier:
    return HttpCarrier(http_settings.read(entry), place.clock)


KINDS: Final[Mapping[str, Kind]] = {
    "simulator": Kind(_simulator_faults, _simulator),
    "http": Kind(http_settings.faults, _http),
}


def _entries(text: str) -> Sequence[Any]:
    try:
        document = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise _refusal([Fault("", f"is not JSON: {error}")]) from None
    if not isinstance(document, list) or not document:
        raise _refusal([Fault("", "must be an array with an object for each carrier")])
    return document


def _no_number(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not a number of JSON")


def _faults(entry: object, pointer: str) -> Iterator[Fault]:
    """What is wrong with one entry. What only makes sense in a sound one is looked for when the schema found nothing."""
    kind = entry.get("kind") if isinstance(entry, dict) else None
    if not isinstance(entry, dict):
        yield Fault(pointer, "must be an object")
    elif not isinstance(kind, str) or kind not in KINDS:
        yield Fault(f"{pointer}/kind", f"must be one of {', '.join(KINDS)}")
    else:
        found = list(_schema_faults(kind, entry)) or list(KINDS[kind].faults(entry))
        yield from (Fault(pointer + fault.pointer, fault.message) for fault in found)


def _doubles(entries: Sequence[Any]) -> list[Fault]:
    names = [entry.get("name") if isinstance(entry, dict) else None for entry in entries]
    return [
        Fault(f"/{position}/name", "is the name of a carrier before it")
        for position, name in enumerate(names)
        if isinstance(name, str) and name in names[:position]
    ]


def _schema_faults(kind: str, entry: Entry) -> Iterator[Fault]:
    for error in sorted(_validator(kind).iter_errors(entry), key=lambda error: list(map(str, error.absolute_path))):
        pointer = "".join(f"/{_escaped(step)}" for step in error.absolute_path)
        yield from (Fault(pointer + where, message) for where, message in _words(error))


def _words(error: ValidationError) -> Iterator[tuple[str, str]]:
    """Where below the error's place, and what would cure it. Never the value: it may be a secret."""
    wanted: Any = error.validator_value
    instance: Any = error.instance
    schema: Any = error.schema
    match error.validator:
        case "required":  # one error for each that is missing, and only the words tell which
            yield from (
                (f"/{_escaped(name)}", "is missing") for name in wanted if error.message.startswith(f"{name!r} ")
            )
        case "additionalProperties":
            yield from (
                (f"/{_escaped(name)}", "is not a setting") for name in instance if name not in schema["properties"]
            )
        case "type":
            yield "", f"must be of type {wanted if isinstance(wanted, str) else ' or '.join(wanted)}"
        case "enum":
            yield "", f"must be one of {', '.join(map(str, wanted))}"
        case "minimum" | "maximum" | "exclusiveMinimum" | "minLength" | "maxLength" | "minItems" | "minProperties":
            yield "", f"must keep to its {error.validator} of {wanted}"
        case _:
            yield "", schema.get("description", "does not have the form that its schema gives")


def _refusal(faults: Sequence[Fault]) -> Refused:
    told = "; ".join(f"{fault.pointer or 'it'} {fault.message}" for fault in faults)
    return Refused("invalid_carriers", f"SMSHUB_CARRIERS can't be used: {told}.", tuple(faults))


def _escaped(step: str | int) -> str:
    return str(step).replace("~", "~0").replace("/", "~1")


def _without_kind(entry: Entry) -> dict[str, Any]:
    return {name: value for name, value in entry.items() if name != "kind"}


@cache
def _validator(kind: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((SCHEMAS / f"{kind}.json").read_text(encoding="utf-8")))
