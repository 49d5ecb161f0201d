"""Quotes: what a campaign would cost, by the same walk and the same compose as the campaign itself. Never sends."""

import json
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from sqlalchemy import func, select, update

from core import accounts, jobs
from core.accounts import Account
from core.blacklist import entries as blacklist
from core.credits.tariff import from_millicredits
from core.errors import Refused
from core.jobs import Job
from core.runtime import Runtime, Tx
from core.schema import group_members, quotes
from core.sending import campaigns, recipients
from core.sending.campaigns import CampaignDraft
from core.sending.recipients import DUPLICATE, Drop, Recipient
from core.sending.terms import Terms
from core.text.compose import Composed, compose

JOB: Final = "quote"
AT_ONCE: Final = 100_000  # recipients up to which a quote is answered in the request
LISTED: Final = 100
SAMPLES: Final = 10


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
    samples: dict[tuple[object, ...], dict[str, Any]] = field(default_factory=dict)


def size(tx: Tx, draft: CampaignDraft) -> int:
    """At most how many recipients a draft has, without walking them."""
    members = (
        tx.scalar(select(func.count()).where(tx.among(group_members.c.group_id, draft.groups))) if draft.groups else 0
    )
    return len(draft.recipients) + len(draft.contacts) + int(members)


def quote(tx: Tx, account: Account, draft: CampaignDraft) -> dict[str, Any]:
    """The price of a draft, with what would be left out and why; the JSON of POST /quotes."""
    terms = campaigns.terms_of(tx, account, draft)
    people, drops = campaigns.explicit(tx, account, draft)
    sources = [recipients.listed(people), *(recipients.in_group(tx, group_id) for group_id in draft.groups)]
    total = _Sum()
    _drop(total, drops)
    scopes = blacklist.scopes_of(tx, account.id)
    position: int | None = 0
    while position is not None:
        page = recipients.walk(sources, position)
        _drop(total, page.drops)
        screened = blacklist.screen(tx, scopes, [person.number for person in page.recipients])
        _price(total, terms, page.recipients, set() if terms.purpose == "otp" else screened)
        position = page.position
    return _shown(total)


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


def run(runtime: Runtime, job: Job) -> None:
    """The promised quote."""
    with runtime.read() as tx:
        asked = tx.scalar(select(quotes.c.draft).where(quotes.c.id == job.subject_id))
        if asked is None:
            return
        try:
            result: dict[str, Any] = quote(tx, accounts.get(tx, job.account_id), CampaignDraft(**json.loads(asked)))
            status = "finished"
        except Refused as refusal:
            result, status = {"code": refusal.code, "detail": refusal.detail}, "failed"
    with runtime.begin() as tx:
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


def _price(total: _Sum, terms: Terms, people: Sequence[Recipient], stopped: set[int]) -> None:
    for person in people:
        try:
            composed = compose(terms.plan, person.number, person.country, person.fields)
        except Refused as refusal:
            _drop(total, [Drop(f"+{person.number}", refusal.code, refusal.detail)])
            continue
        if person.number in stopped:
            total.blacklisted += 1
            continue
        total.messages += 1
        total.segments += composed.segments
        total.millicredits += composed.millicredits
        total.substitutions.update(composed.substitutions)
        line = total.countries[person.country]
        line[0] += 1
        line[1] += composed.segments
        line[2] += composed.millicredits
        _sample(total, person, composed)


def _sample(total: _Sum, person: Recipient, composed: Composed) -> None:
    """One of each kind: a country, an encoding, a length."""
    kind = (person.country, composed.encoding, composed.segments, composed.substitutions)
    if kind in total.samples or len(total.samples) >= SAMPLES:
        return
    total.samples[kind] = {
        "to": f"+{person.number}",
        "text": composed.text,
        "encoding": composed.encoding,
        "segments": composed.segments,
        "credits": from_millicredits(composed.millicredits),
        "substitutions": list(composed.substitutions),
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
