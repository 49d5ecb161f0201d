"""Campaigns: one draft to many. Accepting one is quick whatever its size; the work goes on behind, in `expansion`."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sqlalchemy import BigInteger, ColumnElement, Row, delete, func, insert, literal, or_, select, update

from core import jobs
from core.accounts import Account
from core.credits import ledger
from core.errors import Refused
from core.ranges import Columns, Page, newest, within
from core.runtime import Tx
from core.schema import campaign_counts, campaign_drops, campaign_recipients, campaigns, chunks, messages
from core.sending import recipients
from core.sending.recipients import Drop, Recipient
from core.sending.terms import VALIDITY_MINUTES, Terms, settle
from core.sending.windows import change, retire

JOB: Final = "campaign"
NOBODY: Final = "Say whom to send to: recipients, groups or contacts."


@dataclass(frozen=True, slots=True)
class CampaignDraft:
    """A campaign as it was asked for. `recipients` are {to, nom, prenom, email, societe}; `groups` and `contacts` are ids."""

    text: str
    name: str = ""
    sender: str | None = None
    purpose: str | None = None
    send_at: int | None = None
    reference: str | None = None
    stop: bool | None = None
    recipients: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    groups: Sequence[str] = field(default_factory=tuple)
    contacts: Sequence[str] = field(default_factory=tuple)


def terms_of(tx: Tx, account: Account, draft: CampaignDraft) -> Terms:
    """The terms of a campaign: its text is merged with each recipient's fields."""
    return settle(tx, account, text=draft.text, sender=draft.sender, purpose=draft.purpose, stop=draft.stop, merge=True)


def explicit(tx: Tx, account: Account, draft: CampaignDraft) -> tuple[list[Recipient], list[Drop]]:
    """Its explicit recipients, resolved now; groups are only checked."""
    recipients.check_groups(tx, account.id, draft.groups)
    given = [*draft.recipients, *recipients.of_contacts(tx, account.id, draft.contacts)]
    if not given and not draft.groups:
        raise _nobody(())
    return recipients.read(given, account.region)


def create(tx: Tx, account: Account, source: str, draft: CampaignDraft) -> Row[Any]:
    """Accept a campaign: at once if `send_at` is not in the future."""
    terms = terms_of(tx, account, draft)
    people, drops = explicit(tx, account, draft)
    if not people and not draft.groups:
        raise _nobody(drops)
    campaign_id = _insert(tx, account, source, draft, terms, planned=len(people))
    add_recipients(tx, campaign_id, people)
    add_drops(tx, campaign_id, drops)
    return get(tx, account.id, campaign_id)


def _nobody(drops: Sequence[Drop]) -> Refused:
    detail = f"None of the {len(drops)} recipients has a number that can be texted." if drops else NOBODY
    return Refused.at("/recipients", "no_recipients", detail)


def _starts_at(tx: Tx, account: Account, draft: CampaignDraft) -> int | None:
    """When it starts, if that is still to come. One that starts now is refused where there are no credits at all."""
    if draft.send_at is not None and draft.send_at > tx.now:
        return draft.send_at
    if ledger.balance(tx, account.id).available <= 0:
        raise Refused("not_enough_credits", "The account has no credits left: top it up, or schedule the campaign.")
    return None


def _insert(
    tx: Tx, account: Account, source: str, draft: CampaignDraft, terms: Terms, *, planned: int = 0, **more: Any
) -> str:
    """Write the campaign, and promise its work."""
    campaign_id = tx.new_id()
    later = _starts_at(tx, account, draft)
    values = {
        "id": campaign_id,
        "account_id": account.id,
        "name": draft.name,
        "text": draft.text,
        "sender": terms.sender,
        "purpose": terms.purpose,
        "stop": terms.mention,
        "reference": draft.reference,
        "source": source,
        "groups": json.dumps(list(draft.groups)),
        "status": "scheduled" if later else "expanding",
        "validity_minutes": VALIDITY_MINUTES,
        "send_at": draft.send_at,
        "created_at": tx.now,
        "updated_at": tx.now,
        "started_at": None if later else tx.now,
        "position": 0,
        "planned": planned,
        "expanded": 0,
    }
    tx.execute(campaigns.insert().values(**(values | more)))
    jobs.add(tx, account.id, JOB, campaign_id, later)
    return campaign_id


def add_recipients(tx: Tx, campaign_id: str, people: Sequence[Recipient]) -> None:
    tx.insert(campaign_recipients, recipients.FIELDS, people, {"campaign_id": campaign_id})


def add_drops(tx: Tx, campaign_id: str, drops: Sequence[Drop]) -> None:
    rows = [(id_, d.given, d.reason, d.detail) for id_, d in zip(tx.new_ids(len(drops)), drops, strict=True)]
    tx.insert(campaign_drops, ("id", "given", "reason", "detail"), rows, {"campaign_id": campaign_id})


def get(tx: Tx, account_id: str, campaign_id: str, *, lock: bool = False) -> Row[Any]:
    """The account's campaign. Refuses with `not_found`."""
    mine = select(campaigns).where(campaigns.c.id == campaign_id, campaigns.c.account_id == account_id)
    row = tx.one(mine.with_for_update() if lock else mine)
    if row is None:
        raise Refused("not_found", "There is no such campaign.")
    return row


def listing(
    tx: Tx, account_id: str, limit: int, before_id: str | None = None, status: str | None = None
) -> Sequence[Row[Any]]:
    """Newest first."""
    theirs = within(campaigns.c.account_id, account_id, campaigns.c.id, below=before_id)
    mine = select(campaigns).where(theirs, campaigns.c.hidden_at.is_(None))
    if status:
        mine = mine.where(campaigns.c.status == status)
    return tx.all(mine.order_by(campaigns.c.account_id.desc(), campaigns.c.id.desc()).limit(limit))


def named(
    tx: Tx, account_id: str, name: str, limit: int, before_id: str | None = None, status: str | None = None
) -> Page:
    """Those of this name, in any case, newest first: a page looks at so many campaigns and no more."""

    def wanted(of: Columns) -> Iterator[ColumnElement[bool]]:
        yield of.hidden_at.is_(None)
        yield or_(of.name == name, func.lower(of.name) == name.lower())
        if status:
            yield of.status == status

    return newest(tx, campaigns, [(campaigns.c.account_id, account_id)], limit, wanted, below=before_id)


def counted(tx: Tx, campaign_ids: Sequence[str]) -> Mapping[str, Mapping[str, int]]:
    """How many messages of each campaign stand in each status."""
    of_these = select(
        campaign_counts.c.campaign_id, campaign_counts.c.status, func.sum(campaign_counts.c.messages).label("messages")
    )
    rows = tx.all(
        of_these.where(tx.among(campaign_counts.c.campaign_id, campaign_ids)).group_by(
            campaign_counts.c.campaign_id, campaign_counts.c.status
        )
    )
    found: dict[str, dict[str, int]] = {campaign_id: {} for campaign_id in campaign_ids}
    for row in rows:
        if row.messages:
            found[row.campaign_id][row.status] = int(row.messages)
    return found


def known_recipients(tx: Tx, campaign_id: str) -> int:
    """Explicit recipients of a campaign that has not started."""
    return int(tx.scalar(select(func.count()).where(campaign_recipients.c.campaign_id == campaign_id)))


def edit(tx: Tx, account: Account, campaign_id: str, changes: Mapping[str, Any]) -> Row[Any]:
    """Change a scheduled campaign: wholly, or `already_started` and not at all."""
    row = get(tx, account.id, campaign_id, lock=True)
    if row.status != "scheduled":
        raise Refused("already_started", f"The campaign is {row.status}: only a scheduled one can be changed.")
    draft = CampaignDraft(
        text=changes.get("text", row.text),
        name=changes.get("name", row.name),
        sender=changes.get("sender", row.sender),
        purpose=changes.get("purpose", row.purpose),
        send_at=changes.get("send_at", row.send_at),
        reference=changes.get("reference", row.reference),
        stop=changes.get("stop", None if "purpose" in changes else stop_of(account, row)),
        groups=changes.get("groups", groups_of(row)),
    )
    terms = terms_of(tx, account, draft)
    later = _starts_at(tx, account, draft)
    if "groups" in changes:
        recipients.check_groups(tx, account.id, draft.groups)
    drops = _choose_again(tx, account, campaign_id, changes)
    if not draft.groups and not known_recipients(tx, campaign_id):
        raise _nobody(drops)
    values = {
        "text": draft.text,
        "name": draft.name,
        "sender": terms.sender,
        "purpose": terms.purpose,
        "stop": terms.mention,
        "send_at": draft.send_at,
        "reference": draft.reference,
        "groups": json.dumps(list(draft.groups)),
        "updated_at": tx.now,
    }
    starts = {} if later else {"status": "expanding", "started_at": tx.now}
    tx.execute(update(campaigns).where(campaigns.c.id == campaign_id).values(**values, **starts))
    jobs.add(tx, account.id, JOB, campaign_id, later)
    return get(tx, account.id, campaign_id)


def _choose_again(tx: Tx, account: Account, campaign_id: str, changes: Mapping[str, Any]) -> list[Drop]:
    """Other explicit recipients. Those that were written and those that are contacts are replaced apart: a PATCH of one keeps the other."""
    kinds = {
        "recipients": campaign_recipients.c.contact_id.is_(None),
        "contacts": campaign_recipients.c.contact_id.is_not(None),
    }
    replaced = [which for kind, which in kinds.items() if kind in changes]
    if not replaced:
        return []
    mine = campaign_recipients.c.campaign_id == campaign_id
    tx.execute(delete(campaign_recipients).where(mine, or_(*replaced)))
    if "recipients" in changes:  # contacts have numbers that were read already
        tx.execute(delete(campaign_drops).where(campaign_drops.c.campaign_id == campaign_id))
    chosen = [*changes.get("recipients", ()), *recipients.of_contacts(tx, account.id, changes.get("contacts", ()))]
    people, drops = recipients.read(chosen, account.region)
    among = tx.among(campaign_recipients.c.number, [person.number for person in people], BigInteger)
    kept = {row.number for row in tx.all(select(campaign_recipients.c.number).where(mine, among))}
    add_recipients(tx, campaign_id, [person for person in people if person.number not in kept])
    drops += [recipients.duplicate(person.number) for person in people if person.number in kept]
    add_drops(tx, campaign_id, drops)
    return drops


def groups_of(row: Row[Any]) -> list[str]:
    """The ids of the groups it goes to."""
    ids: list[str] = json.loads(row.groups)
    return ids


def stop_of(account: Account, row: Row[Any]) -> bool | None:
    """The mention as it was chosen; None where there is no choice, because the rules may have changed since."""
    return None if account.kind == "marketing" or row.purpose == "marketing" else bool(row.stop)


def cancel(tx: Tx, account_id: str, campaign_id: str) -> Row[Any]:
    """Nothing of it that is not claimed yet will be sent; what is under way goes on. A finished one is only hidden."""
    row = get(tx, account_id, campaign_id, lock=True)
    if row.status in {"finished", "cancelled"}:
        tx.execute(update(campaigns).where(campaigns.c.id == campaign_id).values(hidden_at=tx.now))
        return row
    tx.execute(
        update(campaigns)
        .where(campaigns.c.id == campaign_id)
        .values(status="cancelled", finished_at=tx.now, updated_at=tx.now)
    )
    jobs.add(
        tx, account_id, JOB, campaign_id
    )  # its messages are taken back behind, however many; claims refuse them from now on
    return get(tx, account_id, campaign_id)


def withdraw(tx: Tx, campaign_id: str, after: str | None, status: str, detail: str | None = None) -> str | None:
    """Take back what is queued in the campaign's next chunk after `after` (to cancelled or no_credit), with its holds.

    The chunk's id, None when there are no more. What is claimed goes on.
    """
    mine = select(chunks).where(chunks.c.campaign_id == campaign_id, chunks.c.status != "done", chunks.c.step == "send")
    chunk = tx.one(
        (mine.where(chunks.c.id > after) if after else mine).order_by(chunks.c.id).limit(1).with_for_update()
    )
    if chunk is None:
        return None
    queued = select(messages).where(messages.c.chunk_id == chunk.id, messages.c.status == "queued")
    change(tx, tx.all(queued.order_by(messages.c.id).with_for_update()), status, detail=detail)
    if chunk.owner is None:
        retire(tx, chunk)
    return str(chunk.id)


def copy(tx: Tx, account: Account, source: str, campaign_id: str) -> Row[Any]:
    """The same draft again: at the same time if that is still to come, else now. The original is not touched."""
    old = get(tx, account.id, campaign_id)
    draft = _draft_of(account, old, send_at=old.send_at if (old.send_at or 0) > tx.now else None)
    terms = terms_of(tx, account, draft)
    new_id = _insert(tx, account, source, draft, terms, resend_of=old.resend_of)
    if old.resend_of is not None:  # it may not have them all yet: the copy takes them from where it does
        return get(tx, account.id, new_id)
    theirs = [column for column in campaign_recipients.c if column.name != "campaign_id"]
    chosen = select(literal(new_id, campaign_recipients.c.campaign_id.type), *theirs)
    same = chosen.where(campaign_recipients.c.campaign_id == campaign_id)
    names = ["campaign_id", *(column.name for column in theirs)]
    tx.execute(insert(campaign_recipients).from_select(names, same))
    return get(tx, account.id, new_id)


def resend(tx: Tx, account: Account, source: str, campaign_id: str) -> Row[Any]:
    """Send it again, now, to the numbers it had: the groups as they are today do not matter, who opted out since is left out."""
    old = get(tx, account.id, campaign_id)
    if old.status not in {"finished", "cancelled", "sending"} or not old.expanded:
        raise Refused("not_started", f"The campaign is {old.status}, and has nobody to be sent to again.")
    draft = replace(_draft_of(account, old, send_at=None), groups=())
    new_id = _insert(tx, account, source, draft, terms_of(tx, account, draft), resend_of=old.id)
    return get(tx, account.id, new_id)


def _draft_of(account: Account, row: Row[Any], send_at: int | None) -> CampaignDraft:
    return CampaignDraft(
        text=row.text,
        name=row.name,
        sender=row.sender,
        purpose=row.purpose,
        send_at=send_at,
        reference=row.reference,
        stop=stop_of(account, row),
        groups=tuple(groups_of(row)),
    )
