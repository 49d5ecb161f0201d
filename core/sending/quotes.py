"""Quotes: what a campaign would cost, by the same walk and the same compose as the campaign itself. Never sends."""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from operator import add
from typing import Any, Final

from sqlalchemy import func, select, update

from core import accounts, jobs
from core.accounts import Account
from core.copying import Rows
from core.credits.tariff import from_millicredits
from core.errors import Refused
from core.jobs import Job
from core.runtime import Runtime, Tx
from core.schema import group_members, quotes
from core.sending import campaigns, pages, recipients
from core.sending.campaigns import CampaignDraft
from core.sending.pages import Kind
from core.sending.recipients import DUPLICATE, Drop

JOB: Final = "quote"
AT_ONCE: Final = 100_000  # recipients up to which a quote is answered in the request
LISTED: Final = 100
SAMPLES: Final = 10


class LostError(Exception):
    """Another worker has the job."""


@dataclass(slots=True)
class _Sum:
    """What has been counted so far."""

    millicredits: int = 0
    messages: int = 0
    segments: int = 0
    duplicates: int = 0
    blacklisted: int = 0
    invalid_count: int = 0
    substitutions: Counter[str] = field(default_factory=Counter)
    invalid: list[dict[str, str]] = field(default_factory=list)
    countries: dict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0, 0]))
    samples: dict[Kind, dict[str, Any]] = field(default_factory=dict)


def size(tx: Tx, draft: CampaignDraft) -> int:
    """At most how many recipients a draft has, without walking them."""
    members = (
        tx.scalar(select(func.count()).where(tx.among(group_members.c.group_id, draft.groups))) if draft.groups else 0
    )
    return len(draft.recipients) + len(draft.contacts) + int(members)


def quote(tx: Tx, account: Account, draft: CampaignDraft) -> dict[str, Any]:
    """The price of a draft, with what would be left out and why; the JSON of POST /quotes."""
    return _shown(_summed(tx, account, draft, lambda: True, recipients.PAGE))


def _summed(tx: Tx, account: Account, draft: CampaignDraft, keep: Callable[[], bool], size: int) -> _Sum:
    """`keep` is asked before each page whether to go on. Raises LostError when it says no."""
    terms = campaigns.terms_of(tx, account, draft)
    people, drops = campaigns.explicit(tx, account, draft)
    sources = [recipients.listed(people), *(recipients.in_group(tx, group_id) for group_id in draft.groups)]
    total = _Sum()
    _drop(total, drops)
    position: int | None = 0
    while position is not None:
        if not keep():
            raise LostError
        page = pages.read(tx, account, terms, sources, position, size)
        _drop(total, page.drops)
        for kind, texted in page.kinds.items():
            _add(total, kind, texted)
        position = page.position
    return total


def ask(tx: Tx, account: Account, draft: CampaignDraft) -> str:
    """Promise a large quote; its id."""
    campaigns.terms_of(tx, account, draft)
    quote_id = tx.new_id()
    row = {
        "id": quote_id,
        "account_id": account.id,
        "status": "queued",
        "draft": json.dumps(asdict(draft)),
        "created_at": tx.now,
    }
    tx.execute(quotes.insert().values(**row))
    jobs.add(tx, account.id, JOB, quote_id)
    return quote_id


def run(runtime: Runtime, job: Job, page: int = recipients.PAGE) -> None:
    """The promised quote; nothing where another worker has it by now."""
    with suppress(LostError):
        _run(runtime, job, jobs.Keeper(runtime, job), page)


def _run(runtime: Runtime, job: Job, keep: Callable[[], bool], page: int) -> None:
    with runtime.read() as tx:
        asked = tx.scalar(select(quotes.c.draft).where(quotes.c.id == job.subject_id))
        if asked is None:
            return
        try:
            draft, account = CampaignDraft(**json.loads(asked)), accounts.get(tx, job.account_id)
            result: dict[str, Any] = _shown(_summed(tx, account, draft, keep, page))
            status = "finished"
        except Refused as refusal:
            result, status = {"code": refusal.code, "detail": refusal.detail}, "failed"
    with runtime.begin() as tx:
        if not jobs.renew(tx, job):
            raise LostError
        tx.execute(update(quotes).where(quotes.c.id == job.subject_id).values(status=status, result=json.dumps(result)))


def get(tx: Tx, account_id: str, quote_id: str) -> Mapping[str, Any]:
    """A large quote: id, status, and its result once finished. Refuses with `not_found`."""
    row = tx.one(select(quotes).where(quotes.c.id == quote_id, quotes.c.account_id == account_id))
    if row is None:
        raise Refused("not_found", "There is no such quote.")
    told = json.loads(row.result) if row.result else {}
    return {"id": row.id, "status": row.status} | ({"problem": told} if row.status == "failed" else told)


def _drop(total: _Sum, drops: Sequence[Drop]) -> None:
    for drop in drops:
        if drop.reason == DUPLICATE:
            total.duplicates += 1
            continue
        total.invalid_count += 1
        if len(total.invalid) < LISTED:
            total.invalid.append({"to": drop.given, "code": drop.reason, "detail": drop.detail})


def _add(total: _Sum, kind: Kind, people: Rows) -> None:
    if kind.stopped:
        total.blacklisted += len(people)
        return
    line = [len(people), len(people) * kind.size.segments, len(people) * kind.millicredits]
    total.messages += line[0]
    total.segments += line[1]
    total.millicredits += line[2]
    for code in kind.size.substitutions:
        total.substitutions[code] += len(people)
    total.countries[kind.country] = list(map(add, total.countries[kind.country], line))
    _sample(total, kind, people)


def _sample(total: _Sum, kind: Kind, people: Rows) -> None:
    """One of each kind: a country, an encoding, a length."""
    if kind in total.samples or len(total.samples) >= SAMPLES:
        return
    total.samples[kind] = {
        "to": f"+{people.columns['number'][0]}",
        "text": people.columns["text"][0],
        "encoding": kind.size.encoding,
        "segments": kind.size.segments,
        "credits": from_millicredits(kind.millicredits),
        "substitutions": list(kind.size.substitutions),
    }


def _shown(total: _Sum) -> dict[str, Any]:
    countries = sorted(total.countries.items(), key=lambda item: (-item[1][0], item[0]))
    return {
        "credits": from_millicredits(total.millicredits),
        "messages": total.messages,
        "segments": total.segments,
        "duplicates": total.duplicates,
        "blacklisted": total.blacklisted,
        "invalid_count": total.invalid_count,
        "invalid": total.invalid,
        "substitutions": dict(total.substitutions),
        "by_country": [
            {"country": country, "messages": line[0], "segments": line[1], "credits": from_millicredits(line[2])}
            for country, line in countries[:LISTED]
        ],
        "samples": list(total.samples.values()),
    }
