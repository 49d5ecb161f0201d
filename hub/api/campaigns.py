"""/campaigns and /quotes: one text to many, what it would cost, and how it went."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from connectors.contract import Call, Listed, Operation, Reply, Schema
from core import Runtime, Tx, accounts, campaigns, message, quotes, report
from hub import export
from hub.api.drafting import refuse_links
from hub.api.messages import SENDING_REFUSALS
from hub.api.shapes import campaign_shape, e164
from hub.api.show import credits_of, iso, iso_or_none, read_time

LINE: Final = (
    "to",
    "status",
    "status_detail",
    "message_id",
    "country",
    "segments",
    "credits",
    "sent_at",
    "status_at",
    "reason",
)
EXPORT_PAGE: Final = 1_000
OF_DROPS: Final = "drop:"  # a cursor's mark: the messages are through, the list is at the drops


def create_campaign(call: Call, tx: Tx) -> Reply:
    account = accounts.get(tx, call.caller.account_id)
    return _shown(tx, campaigns.create(tx, account, call.caller.source, draft_of(call.body)), 201)


def list_campaigns(call: Call, tx: Tx) -> Reply:
    account_id, after, status = call.caller.account_id, call.page.after, call.query.get("status")
    if name := call.query.get("name"):
        page = campaigns.named(tx, account_id, name, call.page.limit, after, status)
        return _listed(tx, page.rows, page.next_after)
    rows = campaigns.listing(tx, account_id, call.page.limit + 1, after, status)
    shown = rows[: call.page.limit]
    return _listed(tx, shown, shown[-1].id if len(rows) > len(shown) else None)


def _listed(tx: Tx, rows: Sequence[Any], next_after: str | None) -> Reply:
    counts = campaigns.counted(tx, [row.id for row in rows])
    return Reply(Listed([campaign_shape(row, counts[row.id]) for row in rows], next_after))


def read_campaign(call: Call, tx: Tx) -> Reply:
    return _shown(tx, campaigns.get(tx, call.caller.account_id, call.path["campaign_id"]))


def change_campaign(call: Call, tx: Tx) -> Reply:
    account = accounts.get(tx, call.caller.account_id)
    return _shown(tx, campaigns.edit(tx, account, call.path["campaign_id"], given(call.body)))


def cancel_campaign(call: Call, tx: Tx) -> Reply:
    return _shown(tx, campaigns.cancel(tx, call.caller.account_id, call.path["campaign_id"]))


def copy_campaign(call: Call, tx: Tx) -> Reply:
    account = accounts.get(tx, call.caller.account_id)
    return _shown(tx, campaigns.copy(tx, account, call.caller.source, call.path["campaign_id"]), 201)


def resend_campaign(call: Call, tx: Tx) -> Reply:
    account = accounts.get(tx, call.caller.account_id)
    return _shown(tx, campaigns.resend(tx, account, call.caller.source, call.path["campaign_id"]), 201)


def read_report(call: Call, tx: Tx) -> Reply:
    made = report.report(tx, call.caller.account_id, call.path["campaign_id"])
    row = made.campaign
    summary = {
        "name": row.name,
        "text": row.text,
        "sender": row.sender,
        "purpose": row.purpose,
        "credits": credits_of(made.millicredits),
        "contacts": made.contacts,
        "created_at": iso(row.created_at),
        "sent_at": iso_or_none(row.sent_at),
        "finished_at": iso_or_none(row.finished_at),
    }
    groups = {group: {"count": count, "rate": rate} for group, (count, rate) in made.groups.items()}
    apart = {status: made.by_status[status] for status in ("cancelled", "no_credit") if status in made.by_status}
    statistics = groups | {
        "by_status": made.by_status,
        "by_country": made.by_country,
        "apart": apart | dict(made.dropped),
    }
    body = {"id": row.id, "status": row.status, "status_detail": row.status_detail, "summary": summary}
    return Reply(body | {"statistics": statistics, "clicks": {"enabled": False}})


def list_recipients(call: Call, tx: Tx) -> Reply:
    """Messages in the order they were made, then those that became none."""
    campaign_id, limit = call.path["campaign_id"], call.page.limit
    at_drops = (call.page.after or "").startswith(OF_DROPS)
    rows = [] if at_drops else report.recipients(tx, call.caller.account_id, campaign_id, limit + 1, call.page.after)
    shown = [_line(row) for row in rows[:limit]]
    if len(rows) > limit:
        return Reply(Listed(shown, rows[limit - 1].id))
    campaigns.get(tx, call.caller.account_id, campaign_id)
    after = (call.page.after or "").removeprefix(OF_DROPS) if at_drops else ""
    room = limit - len(shown)
    drops = report.dropped(tx, campaign_id, room + 1, after or None)
    more = f"{OF_DROPS}{drops[room - 1].id if room else ''}" if len(drops) > room else None
    return Reply(Listed([*shown, *map(_dropped, drops[:room])], more))


def export_csv(call: Call) -> Reply:
    return Reply(export.csv_pieces(LINE, _lines(call)), media_type=export.CSV, headers=_named("recipients.csv"))


def export_xlsx(call: Call) -> Reply:
    return Reply(export.xlsx_pieces(LINE, _lines(call)), media_type=export.XLSX, headers=_named("recipients.xlsx"))


def make_quote(call: Call, tx: Tx) -> Reply:
    account = accounts.get(tx, call.caller.account_id)
    draft = draft_of(call.body)
    if quotes.size(tx, draft) > quotes.AT_ONCE:
        return Reply(quotes.get(tx, account.id, quotes.ask(tx, account, draft)), 202)
    return Reply(quotes.quote(tx, account, draft))


def read_quote(call: Call, tx: Tx) -> Reply:
    return Reply(quotes.get(tx, call.caller.account_id, call.path["quote_id"]))


def draft_of(body: Mapping[str, Any]) -> campaigns.CampaignDraft:
    """The engine's draft out of a request that fits schemas/CampaignDraft.json."""
    return campaigns.CampaignDraft(**given(body))


def given(body: Mapping[str, Any]) -> dict[str, Any]:
    """What a request says of a campaign, in the engine's units."""
    refuse_links(body)
    fields = {name: value for name, value in body.items() if name != "shorten_links"}
    if "send_at" in fields:
        fields["send_at"] = read_time(fields["send_at"], "/send_at")
    return fields


def _shown(tx: Tx, row: Any, status: int = 200) -> Reply:
    return Reply(campaign_shape(row, campaigns.counted(tx, [row.id])[row.id]), status)


def _line(row: Any) -> dict[str, Any]:
    return {
        "to": e164(row.number),
        "status": row.status,
        "status_detail": row.status_detail or row.substitutions,
        "message_id": row.id,
        "country": row.country,
        "segments": row.segments,
        "credits": credits_of(message.owed(row.status, row.millicredits, charged=row.charged)),
        "sent_at": iso_or_none(row.sent_at),
        "status_at": iso(row.status_at),
        "reason": None,
    }


def _dropped(row: Any) -> dict[str, Any]:
    nothing: dict[str, Any] = dict.fromkeys(LINE)
    return nothing | {"to": row.given, "status": "dropped", "status_detail": row.detail, "reason": row.reason}


def _lines(call: Call) -> Iterator[list[Any]]:
    """Every line of the list, a page a transaction: an export of any length holds no lock and little memory."""
    account_id, campaign_id = call.caller.account_id, call.path["campaign_id"]
    with call.runtime.read() as tx:
        campaigns.get(tx, account_id, campaign_id)  # before the first byte: afterwards it is too late to refuse
    return _pages(call.runtime, account_id, campaign_id)


def _pages(runtime: Runtime, account_id: str, campaign_id: str) -> Iterator[list[Any]]:
    after: str | None = None
    while True:
        with runtime.read() as tx:
            rows = report.recipients(tx, account_id, campaign_id, EXPORT_PAGE, after)
        yield from (list(_line(row).values()) for row in rows)
        if len(rows) < EXPORT_PAGE:
            break
        after = rows[-1].id
    after = None
    while True:
        with runtime.read() as tx:
            drops = report.dropped(tx, campaign_id, EXPORT_PAGE, after)
        yield from (list(_dropped(drop).values()) for drop in drops)
        if len(drops) < EXPORT_PAGE:
            return
        after = drops[-1].id


def _named(name: str) -> Mapping[str, str]:
    return {"Content-Disposition": f'attachment; filename="{name}"'}


_CAMPAIGN: Final[Schema] = {"$ref": "#/components/schemas/Campaign"}
_DRAFT_REFUSALS: Final = (*SENDING_REFUSALS, "no_recipients", "unknown_group", "unknown_contact")


def _operation(name: str, method: Any, path: str, handler: Any, **more: Any) -> Operation:
    """An operation of this resource, with what they have in common."""
    common = {"scope": "messages:read" if method == "GET" else "messages:send", "tag": "Campaigns"}
    defaults = {"transaction": "read" if method == "GET" else "write", "answers": {200: _CAMPAIGN}}
    return Operation(name=name, method=method, path=path, handler=handler, **(common | defaults | more))


OPERATIONS: Final = (
    _operation(
        "create_campaign",
        "POST",
        "/campaigns",
        create_campaign,
        summary="Send one text to many, now or later",
        description="Answers at once; the work goes on behind, and `progress` tells how far it is. Explicit recipients are resolved now, "
        "groups when the campaign starts. If it can't be paid as a whole, nobody is texted (`status_detail: no_credit`).",
        keyed=True,
        body={"$ref": "#/components/schemas/CampaignDraft"},
        answers={201: _CAMPAIGN},
        refusals=_DRAFT_REFUSALS,
    ),
    _operation(
        "list_campaigns",
        "GET",
        "/campaigns",
        list_campaigns,
        summary="Campaigns, newest first",
        paged=True,
        query={
            "status": {"type": "string", "enum": ["scheduled", "expanding", "sending", "finished", "cancelled"]},
            "name": {
                "type": "string",
                "maxLength": 200,
                "description": "Exactly this name, in any case. A page looks at 10,000 campaigns: it may be short, or empty, and "
                "`next_cursor` goes on.",
            },
        },
    ),
    _operation(
        "read_campaign",
        "GET",
        "/campaigns/{campaign_id}",
        read_campaign,
        summary="One campaign",
        refusals=("not_found",),
    ),
    _operation(
        "change_campaign",
        "PATCH",
        "/campaigns/{campaign_id}",
        change_campaign,
        summary="Change a scheduled campaign",
        description="Wholly or, once it has started, not at all (409).",
        body={"$ref": "#/components/schemas/CampaignChange"},
        refusals=("not_found", "already_started", *_DRAFT_REFUSALS),
    ),
    _operation(
        "cancel_campaign",
        "DELETE",
        "/campaigns/{campaign_id}",
        cancel_campaign,
        summary="Call a campaign off, or hide it",
        description="What no carrier has yet is cancelled, and its credits come back. One that is over leaves the lists.",
        refusals=("not_found",),
    ),
    _operation(
        "copy_campaign",
        "POST",
        "/campaigns/{campaign_id}/copy",
        copy_campaign,
        summary="The same campaign again",
        description="At the original's time if that is still to come, else now; groups as they are then.",
        keyed=True,
        answers={201: _CAMPAIGN},
        refusals=("not_found", *_DRAFT_REFUSALS),
    ),
    _operation(
        "resend_campaign",
        "POST",
        "/campaigns/{campaign_id}/resend",
        resend_campaign,
        summary="Send it again, now, to the same numbers",
        description="To the numbers it was resolved to, less those who opted out since.",
        keyed=True,
        answers={201: _CAMPAIGN},
        refusals=("not_found", "not_started", *_DRAFT_REFUSALS),
    ),
    _operation(
        "read_report",
        "GET",
        "/campaigns/{campaign_id}/report",
        read_report,
        scope="stats:read",
        summary="How a campaign went",
        description="The five groups sum to 100 %. Cancelled, unpaid and dropped recipients are shown apart.",
        answers={200: {"$ref": "#/components/schemas/Report"}},
        refusals=("not_found",),
    ),
    _operation(
        "list_recipients",
        "GET",
        "/campaigns/{campaign_id}/recipients",
        list_recipients,
        summary="One line a recipient, dropped ones with the reason",
        paged=True,
        answers={200: {"$ref": "#/components/schemas/RecipientLine"}},
        refusals=("not_found",),
    ),
    _operation(
        "export_recipients_csv",
        "GET",
        "/campaigns/{campaign_id}/recipients.csv",
        export_csv,
        summary="The recipients as CSV",
        transaction="own",
        answers={200: None},
        media_type=export.CSV,
        refusals=("not_found",),
    ),
    _operation(
        "export_recipients_xlsx",
        "GET",
        "/campaigns/{campaign_id}/recipients.xlsx",
        export_xlsx,
        summary="The recipients as an Excel workbook",
        transaction="own",
        answers={200: None},
        media_type=export.XLSX,
        refusals=("not_found",),
    ),
    _operation(
        "make_quote",
        "POST",
        "/quotes",
        make_quote,
        summary="What a campaign would cost",
        description="By the same reckoning that will send it: the debit is the same. Above 100,000 recipients it is made behind (202).",
        body={"$ref": "#/components/schemas/QuoteDraft"},
        answers={200: {"$ref": "#/components/schemas/Quote"}, 202: {"$ref": "#/components/schemas/LargeQuote"}},
        refusals=_DRAFT_REFUSALS,
    ),
    _operation(
        "read_quote",
        "GET",
        "/quotes/{quote_id}",
        read_quote,
        summary="A large quote",
        answers={200: {"$ref": "#/components/schemas/LargeQuote"}},
        refusals=("not_found",),
    ),
)
