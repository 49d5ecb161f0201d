"""What became of a mail: how many of its messages have which status, and who did not get theirs, out of its sendings and its campaigns."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import Row, select

from connectors.contract import Visit
from connectors.mail2sms.settings import Office
from connectors.mail2sms.tables import sendings
from core import Refused, Tx

FINISHED: Final = "finished"  # a sending to a group or list whose campaign is
FAILED: Final = ("failed_permanent", "failed_temporary", "rejected", "expired", "no_credit")
# Known from the start, and told then: no news.
NO_NEWS: Final = frozenset({"blacklisted", "refused"})
# Something may still be heard of these. A message that was sent is not at its end: the phone's word is still out.
OPEN: Final = frozenset({"scheduled", "queued", "sending", "unknown", "sent", "delivered_operator", "held"})
SHOWN: Final = 50  # of those who did not get it


@dataclass(frozen=True, slots=True)
class Figures:
    """counts: messages by status. failed: {number, status, why} of some who did not get it; more: how many besides them."""

    counts: Mapping[str, int]
    failed: Sequence[Mapping[str, Any]] = field(default_factory=tuple)
    more: int = 0

    @property
    def scheduled(self) -> bool:
        """Some are to be sent later."""
        return bool(self.counts.get("scheduled"))

    @property
    def open(self) -> bool:
        """Of some something may still be heard."""
        return any(self.counts.get(status) for status in OPEN)

    @property
    def news(self) -> bool:
        """Something was sent, or was meant to be."""
        return any(count and status not in NO_NEWS for status, count in self.counts.items())


NOTHING: Final = Figures({})


def of_mail(tx: Tx, mail_id: str) -> Sequence[Row[Any]]:
    """The sendings of a mail, without those that only stand for a conversation."""
    shown = select(sendings.c.number, sendings.c.campaign_id, sendings.c.status, sendings.c.code)
    return tx.all(shown.where(sendings.c.mail_id == mail_id, sendings.c.people > 0).order_by(sendings.c.id))


def figures(visit: Visit, office: Office, rows: Sequence[Row[Any]]) -> Figures:
    """Of these sendings. Asks for reports: not to be called within a transaction."""
    counts = Counter(row.status for row in rows if row.campaign_id is None)
    failed = [_entry(row) for row in rows if row.campaign_id is None and row.status in FAILED]
    for campaign_id in dict.fromkeys(row.campaign_id for row in rows if row.campaign_id is not None):
        counts.update(_of_campaign(visit, office, campaign_id))
        failed.extend(_failed(visit, office, campaign_id))
    shown = failed[:SHOWN]
    return Figures(counts, shown, sum(counts[status] for status in FAILED) - len(shown))


def _entry(row: Row[Any]) -> Mapping[str, Any]:
    return {"number": row.number, "status": row.status, "why": row.code}


def _of_campaign(visit: Visit, office: Office, campaign_id: str) -> Counter[str]:
    """By status; who was left out (no number, no price, ...) as `refused`. A campaign that is gone has nothing to tell."""
    try:
        report = _ask(visit, office, "read_report", campaign_id=campaign_id)
    except Refused:
        return Counter()
    statistics = report["statistics"]
    left_out = {reason: count for reason, count in statistics["apart"].items() if reason not in _NOT_LEFT_OUT}
    counts = Counter(statistics["by_status"]) + Counter(refused=sum(left_out.values()))
    if report["status"] in ("scheduled", "expanding"):  # what it has so far is not all
        counts["scheduled" if report["status"] == "scheduled" else "queued"] += 1 - bool(counts["scheduled"])
    return counts


_NOT_LEFT_OUT: Final = frozenset({"cancelled", "no_credit", "duplicate"})


def _failed(visit: Visit, office: Office, campaign_id: str) -> Iterator[Mapping[str, Any]]:
    """Some of its messages that failed, the newest first."""
    for status in FAILED:
        query = {"campaign_id": campaign_id, "status": status, "limit": SHOWN}
        for one in _ask(visit, office, "list_messages", query=query)["items"]:
            why = one["carrier_code"] or one["status_detail"]
            yield {"number": int(one["to"][1:]), "status": status, "why": why}


def _ask(visit: Visit, office: Office, operation: str, query: Mapping[str, Any] | None = None, **path: str) -> Any:
    caller = visit.tools.installations.caller(office.installation)
    return visit.tools.catalogue.perform(caller, operation, query=query, **path).body
