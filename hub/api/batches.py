"""A batch of messages, read and answered by columns: what is done once a message in Python takes longer than all the database does.

Drafts that give the same fields are looked at together (`schemas.columns_of`). Those that do not pass are looked at one by one, as a
single message is, and have their refusals from there.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from core import Account, Fault, Refused, drafts, submit
from hub import problems
from hub.api import drafting, schemas
from hub.api.shapes import message_texts
from hub.api.show import read_time

_FITS: Final = schemas.columns_of(drafting.SCHEMA)
_REQUIRED: Final = frozenset(drafting.SCHEMA["required"])
_OF_MANNER: Final = _FITS.keys() - {"to", "text", "reference", "shorten_links"}

Columns = Mapping[str, Sequence[Any]]  # values by the name of their field


class Reading:
    """The drafts of one batch by their manner, and the refusals of what is no draft by their places."""

    def __init__(self, account: Account, source: str, given: Sequence[dict[str, Any]]) -> None:
        self._account, self._source = account, source
        self._alike: dict[drafts.Manner, drafts.Alike] = {}
        self.refused: dict[int, Refused] = {}
        for fields, places in _by_fields(given).items():
            columns = {name: [given[place][name] for place in places] for name in fields}
            if _fit(columns):
                self._add_all(places, columns)
            else:
                for place in places:
                    self._add(place, drafting.read(given[place]))

    @property
    def alike(self) -> Sequence[drafts.Alike]:
        """What the engine accepts."""
        return list(self._alike.values())

    def _add_all(self, places: Sequence[int], columns: Columns) -> None:
        to, texts, references = columns["to"], columns["text"], columns.get("reference", [None] * len(places))
        by_manner = _by_manner(columns, len(places))
        if len(by_manner) == 1:
            ((manner, which),) = by_manner.items()
            if isinstance(which, range):  # all of them, in their order
                self._of(manner).add_all(places, to, texts, references)
                return
        for manner, which in by_manner.items():
            alike = self._of(manner)
            for at in which:
                alike.add(places[at], to[at], texts[at], references[at])

    def _add(self, place: int, draft: drafts.Draft | Refused) -> None:
        if isinstance(draft, Refused):
            self.refused[place] = draft
        else:
            self._of(draft.manner).add(place, draft.to, draft.text, draft.reference)

    def _of(self, manner: drafts.Manner) -> drafts.Alike:
        return self._alike.get(manner) or self._alike.setdefault(
            manner, drafts.Alike.begun(self._account, self._source, manner)
        )


def _by_fields(given: Sequence[Mapping[str, Any]]) -> Mapping[tuple[str, ...], list[int]]:
    """The places of drafts by the fields that they give."""
    found: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for place, fields in enumerate(map(tuple, given)):
        found[fields].append(place)
    return found


def _fit(columns: Columns) -> bool:
    """Whether all of them are drafts as they stand."""
    known = columns.keys() <= _FITS.keys() and columns.keys() >= _REQUIRED
    return (
        known
        and all(_FITS[name](values) for name, values in columns.items())
        and not any(columns.get("shorten_links", ()))
    )


def _by_manner(columns: Columns, count: int) -> Mapping[drafts.Manner, Sequence[int]]:
    """Which of them want to be sent in which manner. Nearly all batches have one."""
    given = {name: columns[name] for name in _OF_MANNER if name in columns}
    if all(values.count(values[0]) == count for values in given.values()):
        return {_manner({name: values[0] for name, values in given.items()}): range(count)}
    spelt: dict[tuple[Any, ...], list[int]] = defaultdict(list)
    for at, values in enumerate(zip(*given.values(), strict=True)):
        spelt[values].append(at)
    found: dict[drafts.Manner, list[int]] = defaultdict(list)
    for values, which in spelt.items():  # one moment may be spelt in many ways
        found[_manner(dict(zip(given, values, strict=True)))] += which
    return found


def _manner(given: Mapping[str, Any]) -> drafts.Manner:
    send_at = read_time(given["send_at"], "/send_at") if "send_at" in given else None
    return drafts.Manner(**{**given, "send_at": send_at})


def answer(count: int, accepted: submit.Accepted, refused: Mapping[int, Refused], request_id: str) -> orjson.Fragment:
    """What became of each of `count` drafts, as schemas/BatchAnswer.json says."""
    items = [b""] * count
    for heap in accepted.born:
        for place, shown in zip(heap.places, message_texts(heap), strict=True):
            items[place] = b'{"index":%d,"message":%b}' % (place, shown)
    for place, refusal in [*refused.items(), *accepted.refused.items()]:
        items[place] = _problem(place, refusal, request_id)
    if not all(items):  # nothing may be committed of which nothing is said
        raise AssertionError(f"{items.count(b'')} drafts of a batch became neither messages nor refusals")
    return orjson.Fragment(b'{"items":[%b]}' % b",".join(items))


def _problem(place: int, refusal: Refused, request_id: str) -> bytes:
    faults = tuple(Fault(f"/messages/{place}{fault.pointer}", fault.message) for fault in refusal.faults)
    problem = problems.problem(refusal.code, refusal.detail, request_id, faults)
    return orjson.dumps({"index": place, "problem": problem.body})
