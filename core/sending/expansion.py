"""From a campaign to its messages: a job that walks its recipients in pages, each a transaction.

A page is one or more chunks that are not claimable yet; it holds its price as it commits, and moves the campaign's `position`. A
kill resumes after the last page. When the last page is in, all chunks become claimable at once. If a page can't be paid, the rest is
still written down, as `no_credit`, so that a re-send knows everybody; then what was held is given back.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Row, func, insert, literal, select, update

from core import accounts, events, jobs
from core.accounts import Account
from core.blacklist import entries as blacklist
from core.errors import Refused
from core.jobs import Job
from core.ranges import within
from core.runtime import Runtime, Tx
from core.schema import campaign_recipients, campaigns, chunks, contacts, group_members, messages
from core.sending import campaigns as book
from core.sending import chunks as queue
from core.sending import drafts, moves, recipients
from core.sending.drafts import Message
from core.sending.recipients import Drop, Page, Recipient
from core.sending.routing import Router
from core.sending.submit import OPTED_OUT
from core.sending.terms import MINUTE_MS, Terms, settle
from core.text.compose import compose

NO_CREDIT: Final = "no_credit"


def run(runtime: Runtime, job: Job, page: int = recipients.PAGE) -> None:
    """Do what the campaign's status asks for, until there is nothing left to do; `page` recipients at a time."""
    while (status := _status(runtime, job)) is not None:
        if status == "scheduled":
            _begin(runtime, job)
        elif status == "expanding":
            _expand(runtime, job, page)
        else:
            _take_back(runtime, job, status)
            return


def _status(runtime: Runtime, job: Job) -> str | None:
    """What there is to do: None when it is done, or another worker's."""
    with runtime.begin() as tx:
        if not jobs.renew(tx, job):
            return None
        row = tx.one(select(campaigns).where(campaigns.c.id == job.subject_id))
    if row is None or row.status == "sending" or (row.status == "finished" and row.status_detail is None):
        return None
    if row.status == "finished":
        return NO_CREDIT if row.status_detail == NO_CREDIT else "cancelled"
    return str(row.status)


def _begin(runtime: Runtime, job: Job) -> None:
    """A scheduled campaign starts; an edit that came before it is whole, one that comes after it is refused.

    An edit takes the job from whoever has it, since it may have moved the start: hence the lease is looked at under the row's lock.
    """
    with runtime.begin() as tx:
        row = tx.one(select(campaigns).where(campaigns.c.id == job.subject_id).with_for_update())
        if row is not None and row.status == "scheduled" and jobs.renew(tx, job):
            tx.execute(update(campaigns).where(campaigns.c.id == row.id).values(status="expanding", started_at=tx.now))


def _expand(runtime: Runtime, job: Job, size: int = recipients.PAGE) -> None:
    """One page, or the end."""
    runtime.fault("expansion.page")
    try:
        with runtime.begin() as tx:
            row = tx.one(select(campaigns).where(campaigns.c.id == job.subject_id).with_for_update())
            if row is None or row.status != "expanding" or not jobs.renew(tx, job):
                return
            if row.resend_of is not None and _copy_recipients(tx, row, size):
                return
            account = accounts.get(tx, row.account_id)
            page = recipients.walk(sources(tx, row), row.position, size)
            _write(tx, account, row, page)
            if page.position is None:
                _end_unpaid(tx, row, NO_CREDIT) if row.status_detail == NO_CREDIT else _start_sending(tx, row.id)
    except Refused as refusal:
        _give_up(runtime, job, refusal)


def sources(tx: Tx, row: Row[Any]) -> list[recipients.Source]:
    """Explicit recipients first, then the groups in their order."""
    return [recipients.stored(tx, row.id), *(recipients.in_group(tx, group_id) for group_id in book.groups_of(row))]


def _write(tx: Tx, account: Account, row: Row[Any], page: Page) -> None:
    terms = settle(
        tx, account, text=row.text, sender=row.sender, purpose=row.purpose, stop=book.stop_of(account, row), merge=True
    )
    stopped = _stopped(tx, account, terms, page.recipients)
    router = Router(tx)
    born: dict[str, list[Message]] = defaultdict(list)
    drops: list[Drop] = list(page.drops)
    ids = tx.new_ids(len(page.recipients))
    expires_at = (row.started_at or tx.now) + row.validity_minutes * MINUTE_MS
    for id_, person in zip(ids, page.recipients, strict=True):
        try:
            message = _message(tx, row, terms, person, id_, expires_at, stopped=person.number in stopped)
        except Refused as refusal:
            drops.append(Drop(f"+{person.number}", refusal.code, refusal.detail))
            continue
        born["" if message.status != "queued" else router.pick(person.country, terms.purpose)].append(message)
    book.add_drops(tx, row.id, drops)
    _insert(tx, row, terms, born, expires_at)
    expanded = row.expanded + sum(map(len, born.values()))
    planned = row.planned if row.position else _planned(tx, row)
    reached = {
        "expanded": expanded,
        "updated_at": tx.now,
        "planned": expanded if page.position is None else planned,  # at the end it is known how many they were
    }
    position = row.position if page.position is None else page.position
    tx.execute(update(campaigns).where(campaigns.c.id == row.id).values(**reached, position=position))


def _planned(tx: Tx, row: Row[Any]) -> int:
    """How many there are to expand, at most: who is in two groups counts twice until then."""
    members = select(func.count()).where(tx.among(group_members.c.group_id, book.groups_of(row)))
    return book.known_recipients(tx, row.id) + int(tx.scalar(members))


def _insert(tx: Tx, row: Row[Any], terms: Terms, born: Mapping[str, list[Message]], expires_at: int) -> None:
    every: list[Message] = []
    for carrier, heap in born.items():
        for start in range(0, len(heap), queue.SIZE):
            part = heap[start : start + queue.SIZE]
            if carrier:
                chunk_id = queue.create(
                    tx,
                    account_id=row.account_id,
                    carrier=carrier,
                    purpose=terms.purpose,
                    campaign_id=row.id,
                    due_at=tx.now,
                    expires_at=expires_at,
                    status="building",
                )
                part = [drafts.placed(message, chunk_id, carrier) for message in part]
            every.extend(part)
    every.sort(key=lambda message: message.id)
    drafts.insert(tx, every)
    births = [moves.born(message) for message in every]
    ref = tx.new_id()
    moves.follow(tx, [move for move in births if move.after != "queued"], f"{ref}:final")
    moves.follow(tx, [move for move in births if move.after == "queued"], ref, quiet=True)


def _stopped(tx: Tx, account: Account, terms: Terms, people: Sequence[Recipient]) -> set[int]:
    if terms.purpose == "otp":
        return set()
    return blacklist.screen(tx, blacklist.scopes_of(tx, account.id), [person.number for person in people])


def _message(
    tx: Tx, row: Row[Any], terms: Terms, person: Recipient, message_id: str, expires_at: int, *, stopped: bool
) -> Message:
    composed = compose(terms.plan, person.number, person.country, person.fields)
    status = "blacklisted" if stopped else NO_CREDIT if row.status_detail == NO_CREDIT else "queued"
    return Message(
        id=message_id,
        account_id=row.account_id,
        campaign_id=row.id,
        chunk_id=None,
        number=person.number,
        country=person.country,
        sender=row.sender,
        purpose=row.purpose,
        text=composed.text,
        encoding=composed.encoding,
        segments=composed.segments,
        millicredits=0 if stopped else composed.millicredits,
        reference=row.reference,
        source=row.source,
        status=status,
        status_detail=OPTED_OUT if stopped else None,
        substitutions=",".join(composed.substitutions) or None,
        status_at=tx.now,
        send_at=row.send_at,
        created_at=tx.now,
        sent_at=None,
        expires_at=expires_at,
        mention=terms.mention,
        charged=False,
        attempt=0,
        carrier=None,
        carrier_id=None,
        carrier_code=None,
    )


def _start_sending(tx: Tx, campaign_id: str) -> None:
    """The last page is in: from now on its chunks may be claimed."""
    built = (chunks.c.campaign_id == campaign_id) & (chunks.c.status == "building")
    tx.execute(update(chunks).where(built).values(status="ready", due_at=tx.now))
    tx.execute(update(campaigns).where(campaigns.c.id == campaign_id).values(status="sending", sent_at=tx.now))
    tx.ring("dispatch")


def _give_up(runtime: Runtime, job: Job, refusal: Refused) -> None:
    """A page can't be paid, or the campaign's terms became impossible: nobody is texted."""
    with runtime.begin() as tx:
        row = tx.one(select(campaigns).where(campaigns.c.id == job.subject_id).with_for_update())
        if row is None or row.status != "expanding":
            return
        if refusal.code == "not_enough_credits":
            tx.execute(update(campaigns).where(campaigns.c.id == row.id).values(status_detail=NO_CREDIT))
        else:
            _end_unpaid(tx, row, refusal.code)


def _end_unpaid(tx: Tx, row: Row[Any], detail: str) -> None:
    """It is over before it began; its account is told, by an event and a mail."""
    ends = {"status": "finished", "status_detail": detail, "finished_at": tx.now, "updated_at": tx.now}
    tx.execute(update(campaigns).where(campaigns.c.id == row.id).values(**ends))
    events.emit(tx, row.account_id, "campaign.finished", [{"campaign_id": row.id, "at": tx.now}])
    jobs.add(tx, row.account_id, "mail.campaign_unpaid", row.id)


def _take_back(runtime: Runtime, job: Job, status: str) -> None:
    """Cancelled, or not to be paid: what is queued gets its credits back, chunk by chunk."""
    after: str | None = None
    while True:
        with runtime.begin() as tx:
            if not jobs.renew(tx, job):
                return
            after = book.withdraw(tx, job.subject_id, after, status)
        if after is None:
            return


def _copy_recipients(tx: Tx, row: Row[Any], size: int) -> bool:
    """A re-send takes over a page of the numbers of the campaign it repeats; False when it has them all.

    Their names come from that campaign's recipients, or from the address book as it is now.
    """
    theirs = within(messages.c.campaign_id, row.resend_of, messages.c.id, above=row.copied)
    ordered = (
        select(messages.c.id, messages.c.number, messages.c.country)
        .where(theirs)
        .order_by(messages.c.campaign_id, messages.c.id)
    )
    page = ordered.limit(size).subquery()
    reached = tx.scalar(select(page.c.id).order_by(page.c.id.desc()).limit(1))
    if reached is None:
        return False
    given = campaign_recipients.alias()
    book_of = contacts.alias()
    newest = (
        select(book_of.c.id)
        .where(
            book_of.c.account_id == row.account_id, book_of.c.number == page.c.number, book_of.c.archived_at.is_(None)
        )
        .order_by(book_of.c.id.desc())
        .limit(1)
        .correlate(page)
        .scalar_subquery()
    )
    names = ("nom", "prenom", "email", "societe")
    fields = [func.coalesce(given.c[name], contacts.c[name]) for name in names]
    people = (
        select(
            literal(row.id, campaign_recipients.c.campaign_id.type),
            page.c.number,
            page.c.country,
            contacts.c.id,
            *fields,
        )
        .outerjoin(given, (given.c.campaign_id == row.resend_of) & (given.c.number == page.c.number))
        .outerjoin(contacts, contacts.c.id == newest)
    )
    columns = ["campaign_id", "number", "country", "contact_id", *names]
    tx.execute(insert(campaign_recipients).from_select(columns, people))
    tx.execute(update(campaigns).where(campaigns.c.id == row.id).values(copied=reached))
    return True
