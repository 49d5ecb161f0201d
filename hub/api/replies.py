"""/replies: what people answered, by date, campaign and text; as a file too."""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, Final

from connectors.contract import Call, Listed, Operation, Reply
from core import Account, Refused, Runtime, Tx, accounts, replies
from hub import export
from hub.api.shapes import e164, reply_shape
from hub.api.show import iso

EXPORT_PAGE: Final = 1_000
COLUMNS: Final = ("id", "from", "to", "text", "received_at", "message_id", "campaign_id", "opt_out")


def list_replies(call: Call, tx: Tx) -> Reply:
    asked = _asked(call.query, accounts.get(tx, call.caller.account_id))
    page = replies.page(tx, call.caller.account_id, call.page.limit, call.page.after, asked)
    return Reply(Listed([reply_shape(row) for row in page.rows], page.next_after))


def read_reply(call: Call, tx: Tx) -> Reply:
    return Reply(reply_shape(replies.get(tx, call.caller.account_id, call.path["reply_id"])))


def export_csv(call: Call) -> Reply:
    return Reply(export.csv_pieces(COLUMNS, _lines(call)), media_type=export.CSV, headers=_named("replies.csv"))


def export_xlsx(call: Call) -> Reply:
    return Reply(export.xlsx_pieces(COLUMNS, _lines(call)), media_type=export.XLSX, headers=_named("replies.xlsx"))


def _asked(query: Mapping[str, Any], account: Account) -> replies.Filters:
    """Dates are days of the account's zone, both of them included."""
    since = _day(query["from"], account, "/from") if "from" in query else None
    until = _day(query["to"], account, "/to", days=1) if "to" in query else None
    if since is not None and until is not None and since >= until:
        raise Refused.at("/to", "invalid_request", "`to` is before `from`: the period is empty.")
    return replies.Filters(since, until, query.get("campaign_id"), query.get("q"))


def _day(text: str, account: Account, pointer: str, days: int = 0) -> int:
    try:
        day = datetime.combine(date.fromisoformat(text), time(), account.zone)
        return int(day.timestamp() * 1000) if not days else _next_day(day)
    except (ValueError, OverflowError):
        raise Refused.at(pointer, "invalid_request", "Write a day as 2026-09-21.") from None


def _next_day(day: datetime) -> int:
    """The beginning of the day after, in ms; of the last day of the calendar, its end."""
    try:
        return int((day + timedelta(days=1)).timestamp() * 1000)
    except OverflowError:
        return int(day.replace(hour=23, minute=59, second=59).timestamp() * 1000)


def _lines(call: Call) -> Iterator[list[Any]]:
    with call.runtime.read() as tx:
        asked = _asked(call.query, accounts.get(tx, call.caller.account_id))
    return _pages(call.runtime, call.caller.account_id, asked)


def _pages(runtime: Runtime, account_id: str, asked: replies.Filters) -> Iterator[list[Any]]:
    after: str | None = None
    while True:
        with runtime.read() as tx:
            page = replies.page(tx, account_id, EXPORT_PAGE, after, asked)
        for row in page.rows:
            opt_out = "yes" if row.opt_out else "no"
            yield [
                row.id,
                e164(row.number),
                row.code,
                row.text,
                iso(row.received_at),
                row.message_id,
                row.campaign_id,
                opt_out,
            ]
        if page.next_after is None:
            return
        after = page.next_after


def _named(name: str) -> Mapping[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}


_QUERY: Final[dict[str, Any]] = {
    "from": {"type": "string", "format": "date", "description": "The first day, in the account's timezone"},
    "to": {"type": "string", "format": "date", "description": "The last day, included"},
    "campaign_id": {"type": "string", "format": "uuid"},
    "q": {
        "type": "string",
        "maxLength": 100,
        "description": "Words of the text, or their beginnings, without regard to case or accents",
    },
}
_COMMON: Final[dict[str, Any]] = {"method": "GET", "scope": "messages:read", "tag": "Replies"}

OPERATIONS: Final = (
    Operation(
        name="list_replies",
        path="/replies",
        summary="What people answered, newest first",
        description="A page looks at 10,000 replies at most: it may be shorter than `limit`, or empty, and `next_cursor` goes on.",
        handler=list_replies,
        transaction="read",
        paged=True,
        query=_QUERY,
        answers={200: {"$ref": "#/components/schemas/Reply"}},
        **_COMMON,
    ),
    Operation(
        name="read_reply",
        path="/replies/{reply_id}",
        summary="One reply, with the message that it answers",
        handler=read_reply,
        transaction="read",
        answers={200: {"$ref": "#/components/schemas/Reply"}},
        refusals=("not_found",),
        **_COMMON,
    ),
    Operation(
        name="export_replies_csv",
        path="/replies.csv",
        summary="Replies as CSV",
        handler=export_csv,
        transaction="own",
        query=_QUERY,
        answers={200: None},
        media_type=export.CSV,
        **_COMMON,
    ),
    Operation(
        name="export_replies_xlsx",
        path="/replies.xlsx",
        summary="Replies as an Excel workbook",
        handler=export_xlsx,
        transaction="own",
        query=_QUERY,
        answers={200: None},
        media_type=export.XLSX,
        **_COMMON,
    ),
)
