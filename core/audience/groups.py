"""Groups of contacts. A contact may be in any number of them; deleting a group keeps its people.

A membership keeps the contact's number too: a campaign walks its groups in number order. Archived contacts keep their memberships,
for the day they are restored, and are not counted.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, Row, and_, delete, func, literal, or_, select, update

from core.audience.own import is_id, own_row
from core.errors import Fault, Refused
from core.runtime import Tx
from core.schema import Id, contacts, group_members, groups
from core.words import fold

_UNSAID = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class Group:
    """`slug` names it in addresses; `contacts` is how many active ones it has."""

    id: str
    account_id: str
    name: str
    slug: str
    created_at: int
    contacts: int


def slug_of(name: str) -> str:
    """Letters and digits of ASCII, joined by dashes: "Clients fidèles" is clients-fideles."""
    return _UNSAID.sub("-", fold(name)).strip("-") or "group"


def create(tx: Tx, account_id: str, name: str, slug: str | None = None) -> Group:
    """A new, empty group. Refuses with `group_exists` where the account has one of this name or slug."""
    chosen = slug or _free_slug(tx, account_id, slug_of(name))
    made = Group(tx.new_id(), account_id, name, chosen, tx.now, contacts=0)
    row = {"id": made.id, "account_id": account_id, "name": name, "slug": chosen, "created_at": made.created_at}
    if not tx.all(tx.upsert(groups).values(**row).on_conflict_do_nothing().returning(groups.c.id)):
        raise _taken(tx, account_id, name)
    return made


def ensure(tx: Tx, account_id: str, name: str) -> str:
    """The id of the account's group of this name, made if need be."""
    found: str | None = tx.scalar(select(groups.c.id).where(groups.c.account_id == account_id, groups.c.name == name))
    return found or create(tx, account_id, name).id


def get(tx: Tx, account_id: str, group_id: str) -> Group:
    """Refuses with `not_found`."""
    return _counted(tx, account_id, [own_row(tx, groups, account_id, group_id)])[0]


def listed(tx: Tx, account_id: str, limit: int, after: str | None = None) -> list[Group]:
    """The account's groups, newest first; `after` is the id of the last one seen."""
    page = select(groups).where(groups.c.account_id == account_id)
    if after is not None:
        page = page.where(groups.c.id < after)
    return _counted(tx, account_id, tx.all(page.order_by(groups.c.id.desc()).limit(limit)))


def change(tx: Tx, account_id: str, group_id: str, changes: Mapping[str, Any]) -> Group:
    """Another name or slug."""
    before = own_row(tx, groups, account_id, group_id)
    for key in ("name", "slug"):
        other = select(groups.c.id).where(groups.c.account_id == account_id, groups.c.id != before.id)
        if key in changes and tx.one(other.where(groups.c[key] == changes[key])):
            raise Refused.at(
                f"/{key}", "group_exists", f"This account has another group with this {key}: choose another."
            )
    if changes:
        tx.execute(update(groups).where(groups.c.id == before.id).values(**changes))
    return get(tx, account_id, group_id)


def remove(tx: Tx, account_id: str, group_id: str) -> None:
    """The group goes, its contacts stay."""
    row = own_row(tx, groups, account_id, group_id)
    tx.execute(delete(group_members).where(group_members.c.group_id == row.id))
    tx.execute(delete(groups).where(groups.c.id == row.id))


def put_member(tx: Tx, account_id: str, group_id: str, contact_id: str) -> None:
    """The contact is in the group from now on; twice is once."""
    group = own_row(tx, groups, account_id, group_id)
    contact = own_row(tx, contacts, account_id, contact_id, lock=True)
    add_members(tx, group.id, [(contact.number, contact.id)])


def remove_member(tx: Tx, account_id: str, group_id: str, contact_id: str) -> None:
    """The contact is not in the group any more; it stays in the book."""
    group = own_row(tx, groups, account_id, group_id)
    contact = own_row(tx, contacts, account_id, contact_id, lock=True)
    same = and_(group_members.c.group_id == group.id, group_members.c.number == contact.number)
    tx.execute(delete(group_members).where(same, group_members.c.contact_id == contact.id))


def add_members(tx: Tx, group_id: str, people: Sequence[tuple[int, str]]) -> None:
    """Many at once, (number, contact id) each; those who are in already stay."""
    rows = tx.values("people", {"number": BigInteger, "contact_id": Id}, sorted(people))
    chosen = select(literal(group_id, Id()), rows.c.number, rows.c.contact_id).where(rows.c.number > 0)
    insert = tx.upsert(group_members).from_select(["group_id", "number", "contact_id"], chosen)
    tx.execute(insert.on_conflict_do_nothing())


def set_groups(tx: Tx, account_id: str, contact_id: str, number: int, wanted: Sequence[str]) -> None:
    """The contact is in these groups (ids or slugs) and no others. Refuses with `unknown_group`."""
    ids = resolve(tx, account_id, wanted)
    tx.execute(delete(group_members).where(group_members.c.contact_id == contact_id))
    for group_id in ids:
        add_members(tx, group_id, [(number, contact_id)])


def resolve(tx: Tx, account_id: str, wanted: Sequence[str], pointer: str = "/groups") -> list[str]:
    """The ids of groups given by id or slug, each once, in order. Refuses with `unknown_group`, naming each one at fault."""
    ids = [text.lower() for text in wanted if is_id(text)]
    either = or_(tx.among(groups.c.id, ids), groups.c.slug.in_(wanted))
    rows = tx.all(select(groups.c.id, groups.c.slug).where(groups.c.account_id == account_id, either))
    known = {row.slug: row.id for row in rows} | {row.id: row.id for row in rows}
    found = [known.get(text) or known.get(text.lower()) for text in wanted]
    faults = [
        Fault(f"{pointer}/{place}", "there is no such group") for place, group in enumerate(found) if group is None
    ]
    if faults:
        raise Refused("unknown_group", "There is no such group: GET /groups lists them.", tuple(faults))
    return list(dict.fromkeys(group for group in found if group is not None))


def of_contacts(tx: Tx, contact_ids: Collection[str]) -> Mapping[str, Sequence[str]]:
    """The ids of the groups of each of these contacts, oldest first."""
    found = select(group_members.c.contact_id, group_members.c.group_id)
    rows = tx.all(
        found.where(tx.among(group_members.c.contact_id, list(contact_ids))).order_by(group_members.c.group_id)
    )
    by_contact: dict[str, list[str]] = defaultdict(list)
    for row in rows:
        by_contact[row.contact_id].append(row.group_id)
    return by_contact


def _counted(tx: Tx, account_id: str, rows: Sequence[Row[Any]]) -> list[Group]:
    """All members from one index, less the few archived ones from another: no group's people are looked up one by one."""
    ids = [row.id for row in rows]
    within = tx.among(group_members.c.group_id, ids)
    counting = (
        select(group_members.c.group_id, func.count().label("members")).where(within).group_by(group_members.c.group_id)
    )
    archived = and_(contacts.c.account_id == account_id, contacts.c.archived_at.is_not(None))
    joined = counting.join(contacts, contacts.c.id == group_members.c.contact_id).where(archived)
    everyone = {row.group_id: row.members for row in tx.all(counting)}
    gone = {row.group_id: row.members for row in tx.all(joined)}
    return [Group(**row._mapping, contacts=everyone.get(row.id, 0) - gone.get(row.id, 0)) for row in rows]


def _free_slug(tx: Tx, account_id: str, wanted: str) -> str:
    alike = groups.c.slug.startswith(wanted, autoescape=True)
    taken = {row.slug for row in tx.all(select(groups.c.slug).where(groups.c.account_id == account_id, alike))}
    candidates = (wanted, *(f"{wanted}-{count}" for count in range(2, len(taken) + 2)))
    return next(slug for slug in candidates if slug not in taken)


def _taken(tx: Tx, account_id: str, name: str) -> Refused:
    same_name = tx.one(select(groups.c.id).where(groups.c.account_id == account_id, groups.c.name == name))
    key = "name" if same_name else "slug"
    return Refused.at(f"/{key}", "group_exists", f"This account has a group with this {key} already: choose another.")
