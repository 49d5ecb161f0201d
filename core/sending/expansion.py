"""From a campaign to its messages: a job that walks its recipients in pages, each a transaction; the next is read meanwhile (`ahead`).

A page is one or more chunks that are not claimable yet; it holds its price as it commits, and moves the campaign's `position`. A
kill resumes after the last page. When the last page is in, all chunks become claimable at once. If a page can't be paid, the rest is
still written down, as `no_credit`, so that a re-send knows everybody; then what was held is given back.
"""

from typing import Any, Final

from sqlalchemy import Row, func, insert, literal, select, update

from core import accounts, events, jobs
from core.errors import Refused
from core.jobs import Job
from core.ranges import within
from core.runtime import Runtime, Tx
from core.schema import campaign_recipients, campaigns, chunks, contacts, group_members, messages
from core.sending import births, recipients
from core.sending import campaigns as book
from core.sending.ahead import Ahead, page_of, terms_of
from core.sending.births import Heap
from core.sending.pages import Composed
from core.sending.routing import Router
from core.sending.submit import OPTED_OUT

NO_CREDIT: Final = "no_credit"
GROWTH: Final = 4  # how many times the first page the longest is


def run(runtime: Runtime, job: Job, page: int = recipients.PAGE) -> bool:
    """Do what the campaign's status asks for, until there is nothing left to do; `page` recipients first, then more at a time.

    True when it gave way to others after a page, and there is more.
    """
    with Ahead(runtime, job.subject_id, page) as ahead:
        while (status := _status(runtime, job)) is not None:
            if status == "scheduled":
                _begin(runtime, job)
            elif status == "expanding":
                while _expand(runtime, job, ahead):
                    if jobs.gives_way(runtime, job):
                        return True
            else:
                return _take_back(runtime, job, status)
    return False


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


def _expand(runtime: Runtime, job: Job, ahead: Ahead) -> bool:
    """One page, or the end. Whether there is another; if not, the status says what is left to do."""
    runtime.fault("expansion.page")
    read = ahead.take()
    try:
        with runtime.begin() as tx:
            row = tx.one(select(campaigns).where(campaigns.c.id == job.subject_id).with_for_update())
            if row is None or row.status != "expanding" or not jobs.renew(tx, job):
                return False
            if row.resend_of is not None and _copy_recipients(tx, row, ahead.size):
                return True
            page = _checked(tx, row, read, _size(tx, ahead.size, row.expanded))
            # SQLite works in this process: there a second thread is only in the way of the first.
            if page.position is not None and tx.postgresql:
                ahead.start(page.position, _size(tx, ahead.size, row.expanded + page.count))
            _write(tx, row, page)
            if page.position is None:
                _end_unpaid(tx, row, NO_CREDIT) if row.status_detail == NO_CREDIT else _start_sending(tx, row.id)
            return page.position is not None
    except Refused as refusal:
        _give_up(runtime, job, refusal)
        return False


def _size(tx: Tx, first: int, expanded: int) -> int:
    """How many recipients the next page has. Pages grow with what is done: a short campaign is soon begun, a long one is spared
    transactions. SQLite has one writer, for whom others wait.
    """
    return min(max(first, expanded), GROWTH * first) if tx.postgresql else first


def _checked(tx: Tx, row: Row[Any], read: Composed | None, size: int) -> Composed:
    """The page that was read ahead, if it is the next one and nothing that decides about it has changed; else read now."""
    account = accounts.get(tx, row.account_id)
    terms = terms_of(tx, account, row)
    if read is not None and (read.after, read.terms) == (row.position, terms):
        return read
    return page_of(tx, account, row, terms, row.position, size)


def _write(tx: Tx, row: Row[Any], page: Composed) -> None:
    book.add_drops(tx, row.id, page.drops)
    heaps = _heaps(tx, row, page)
    births.write(tx, row, page.terms, heaps)
    expanded = row.expanded + page.count
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


def _heaps(tx: Tx, row: Row[Any], page: Composed) -> list[Heap]:
    """The page's messages by kind; what is queued goes to a carrier, by its country."""
    router = Router(tx)
    paid = "queued" if row.status_detail != NO_CREDIT else NO_CREDIT
    return [
        Heap(kind, "blacklisted", OPTED_OUT, None, rows)
        if kind.stopped
        else Heap(kind, paid, None, router.pick(kind.country, page.terms.purpose) if paid == "queued" else None, rows)
        for kind, rows in page.kinds.items()
    ]


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


def _take_back(runtime: Runtime, job: Job, status: str) -> bool:
    """Cancelled, or not to be paid: what is queued gets its credits back, chunk by chunk. True when it gave way, and there is more."""
    after: str | None = None
    while True:
        with runtime.begin() as tx:
            if not jobs.renew(tx, job):
                return False
            after = book.withdraw(tx, job.subject_id, after, status)
        if after is None:
            return False
        if jobs.gives_way(runtime, job):
            return True


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
