"""/imports: a spreadsheet becomes contacts, or entries of the blacklist."""

from typing import Final

from connectors.contract import Call, Operation, Reply
from core import Refused, Tx, imports
from hub import export
from hub.api.shapes import Shape
from hub.api.show import iso, iso_or_none

_IMPORT: Final = {"$ref": "#/components/schemas/Import"}


def start_import(call: Call) -> Reply:
    body, upload = call.body, call.upload
    if upload is None:
        raise Refused.at("/file", "invalid_request", "A file is needed in the field file.")
    wish = imports.Wish(
        kind=body.get("kind", "contacts"),
        mapping=body.get("mapping"),
        separator=_separator(body.get("separator")),
        group_name=body.get("group_name"),
        dry_run=body.get("dry_run", False),
    )
    if wish.kind == "blacklist" and "blacklist:write" not in call.caller.scopes:
        raise Refused(
            "insufficient_scope",
            "To import a blacklist needs the scope blacklist:write, which this key or token lacks.",
        )
    return Reply(
        _shape(imports.accept(call.runtime, call.caller.account_id, upload.stream, upload.filename, wish)), 202
    )


def read_import(call: Call, tx: Tx) -> Reply:
    return Reply(_shape(imports.get(tx, call.caller.account_id, call.path["id"])))


def read_import_errors(call: Call) -> Reply:
    wrong = imports.errors(call.runtime, call.caller.account_id, call.path["id"])
    rows = ((one.place, one.field, one.value, one.message) for one in wrong)
    pieces = export.csv_pieces(("row", "field", "value", "message"), rows)
    return Reply(pieces, media_type=export.CSV, headers={"Content-Disposition": 'attachment; filename="errors.csv"'})


def _separator(said: str | None) -> str | None:
    return "\t" if said == "tab" else said


def _shape(job: imports.Import) -> Shape:
    return {
        "id": job.id,
        "kind": job.kind,
        "status": job.status,
        "filename": job.filename,
        "dry_run": job.dry_run,
        "group_id": job.group_id,
        "total": job.total,
        "done": job.done,
        "created": job.created,
        "updated": job.updated,
        "rejected": job.rejected,
        "duplicates": job.duplicates,
        "problem": job.problem,
        "preview": job.preview,
        "created_at": iso(job.created_at),
        "finished_at": iso_or_none(job.finished_at),
    }


OPERATIONS: Final = (
    Operation(
        name="start_import",
        method="POST",
        path="/imports",
        scope="contacts:write",
        tag="Imports",
        summary="Import a spreadsheet",
        description="csv, xls or xlsx, to 50 MiB and a million rows. The answer shows how the file was understood; the work goes on "
        "behind. A number that is in the book already fills its contact in; one that opted out or is archived is never brought back, "
        "and is among the errors.",
        handler=start_import,
        transaction="own",
        form={"$ref": "#/components/schemas/ImportForm"},
        answers={202: _IMPORT},
        refusals=(
            "empty_file",
            "file_too_large",
            "insufficient_scope",
            "no_number_column",
            "table_too_large",
            "unknown_column",
            "unreadable_file",
        ),
    ),
    Operation(
        name="read_import",
        method="GET",
        path="/imports/{id}",
        scope="contacts:read",
        tag="Imports",
        summary="How far an import is",
        handler=read_import,
        transaction="read",
        answers={200: _IMPORT},
        refusals=("not_found",),
    ),
    Operation(
        name="read_import_errors",
        method="GET",
        path="/imports/{id}/errors.csv",
        scope="contacts:read",
        tag="Imports",
        summary="Rows that were not taken, and why",
        description="Columns row (as in the spreadsheet), field, value, message. Cells that a spreadsheet would compute begin with an "
        "apostrophe.",
        handler=read_import_errors,
        transaction="own",
        answers={200: None},
        media_type="text/csv",
        refusals=("not_found",),
    ),
)
