"""What a mail is to send, as a value: to whom, which text, how. It can be written down as JSON, while the mail waits for its sender."""

import hashlib
import json
from collections.abc import Collection, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final

NAMES: Final = ("nom", "prenom", "email", "societe")  # what a text is merged with


@dataclass(frozen=True, slots=True)
class Manner:
    """How it is sent; None as the account does it. send_at: ms."""

    purpose: str | None = None
    sender: str | None = None
    send_at: int | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """One recipient by a number of their own. given: as it was written. number: None where it can't be texted; then code and why.

    token_id: the token that let the mail in for this person, where nothing proved who wrote it.
    """

    given: str
    number: int | None
    manner: Manner = field(default_factory=Manner)
    code: str = ""
    why: str = ""
    token_id: str | None = None

    @property
    def shown(self) -> int | str:
        """For whoever wrote it: the number, or what stands for it."""
        return self.given if self.number is None else self.number


@dataclass(frozen=True, slots=True)
class Group:
    """A group of the address book, and how many people it has just now."""

    id: str
    slug: str
    people: int


@dataclass(frozen=True, slots=True)
class Part:
    """What is sent once: to a person, a group or a list. identity: tells it from the others of a mail."""

    identity: str
    number: int | None
    people: int
    token_id: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """All that a mail sends. With groups, lines of a list or a template it is one campaign, else a message for each person.

    mail, digest: what tells the mail from others, and its body. rows: of a list, {to, nom, prenom, email, societe}; listed: how many of them can be texted, each number
    once. manner: of the campaign. most_segments: of each text. test: tell what it would cost, and send nothing. tier: who wrote it.
    """

    text: str
    mail: str
    digest: str
    name: str
    people: tuple[Person, ...] = ()
    groups: tuple[Group, ...] = ()
    rows: tuple[Mapping[str, str], ...] = ()
    listed: int = 0
    manner: Manner = field(default_factory=Manner)
    template: bool = False
    most_segments: int = 10
    test: bool = False
    tier: int = 0

    @property
    def is_campaign(self) -> bool:
        return self.template or bool(self.groups or self.rows)

    @property
    def parts(self) -> tuple[Part, ...]:
        """What is sent once, each with as many people as it counts for."""
        return (*map(_part_of, self.people), *self._crowds())

    @property
    def count(self) -> int:
        """How many people get it, at most."""
        return sum(part.people for part in self.parts)

    def only(self, identities: Collection[str]) -> "Plan":
        """The same without the parts that are not among these."""
        people = tuple(person for person in self.people if _identity_of(person) in identities)
        groups = tuple(group for group in self.groups if _of_group(group) in identities)
        kept = _of_list(self.rows) in identities
        return replace(
            self, people=people, groups=groups, rows=self.rows if kept else (), listed=self.listed if kept else 0
        )

    def _crowds(self) -> Iterator[Part]:
        yield from (Part(_of_group(group), None, group.people) for group in self.groups)
        if self.rows:
            yield Part(_of_list(self.rows), None, self.listed)


def written(plan: Plan) -> str:
    """As JSON."""
    return json.dumps(asdict(plan), ensure_ascii=False)


def read(text: str) -> Plan:
    """A plan that was written."""
    given: dict[str, Any] = json.loads(text)
    people = tuple(Person(**one | {"manner": Manner(**one["manner"])}) for one in given["people"])
    groups = tuple(Group(**one) for one in given["groups"])
    parts = {"people": people, "groups": groups, "rows": tuple(given["rows"]), "manner": Manner(**given["manner"])}
    return Plan(**given | parts)


def _part_of(person: Person) -> Part:
    return Part(_identity_of(person), person.number, int(person.number is not None), person.token_id)


def _identity_of(person: Person) -> str:
    return f"?{person.given}" if person.number is None else f"+{person.number}"


def _of_group(group: Group) -> str:
    return f"group/{group.id}"


def _of_list(rows: tuple[Mapping[str, str], ...]) -> str:
    return f"list/{hashlib.sha256(json.dumps(rows).encode()).hexdigest()}" if rows else ""
