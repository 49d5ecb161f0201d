"""The one table from the engine's refusals to HTTP, and problem details (RFC 9457) out of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import orjson

from core import Fault, Refused

MEDIA_TYPE: Final = "application/problem+json"
STATUS_OF_OTHERS: Final = 422

STATUSES: Final[Mapping[str, int]] = {
    # What was sent can't be understood.
    "invalid_json": 400,
    "invalid_request_line": 400,
    "invalid_cursor": 400,
    "invalid_idempotency_key": 400,
    "empty_body": 400,
    # Who asks.
    "unauthenticated": 401,
    "insufficient_scope": 403,
    "forbidden": 403,
    "expired_form": 403,
    "signup_closed": 403,
    # What there is.
    "not_found": 404,
    "method_not_allowed": 405,
    "link_over": 410,
    "code_over": 410,
    "body_too_large": 413,
    "callback_too_large": 413,
    "file_too_large": 413,
    "unsupported_media_type": 415,
    "rate_limited": 429,
    "too_many_attempts": 429,
    # What would be sent.
    "not_enough_credits": 402,
    "otp_not_granted": 403,
    "purpose_forbidden": 403,
    "stop_required": 403,
    "fixed_line_number": 422,
    "invalid_number": 422,
    "no_carrier": 422,
    "no_recipients": 422,
    "unknown_contact": 422,
    "not_enabled": 422,
    "not_mobile_number": 422,
    "sender_forbidden": 422,
    "text_empty": 422,
    "text_invalid": 422,
    "text_too_long": 422,
    "unpriced_country": 422,
    # What stands in the way.
    "already_exists": 409,
    "already_started": 409,
    "group_exists": 409,
    "opted_out": 409,
    "shared_optout": 409,
    "conflict": 409,
    "email_taken": 409,
    "hook_disabled": 409,
    "in_progress": 409,
    "last_owner": 409,
    "not_started": 409,
    "too_many_members": 409,
    "too_many_hooks": 409,
    "too_many_tokens": 409,
    "idempotency_in_progress": 409,
    "idempotency_conflict": 422,
    # What was asked with the wrong words.
    "empty_file": 422,
    "invalid_account": 422,
    "invalid_amount": 422,
    "invalid_callback": 400,
    "invalid_carriers": 422,
    "invalid_client": 422,
    "invalid_credits": 422,
    "invalid_filter": 422,
    "invalid_hours": 422,
    "invalid_request": 422,
    "invalid_role": 422,
    "invalid_search": 422,
    "invalid_settings": 422,
    "not_installable": 422,
    "invalid_tariff": 422,
    "invalid_time": 422,
    "invalid_url": 422,
    "no_number_column": 422,
    "same_account": 422,
    "table_too_large": 422,
    "unknown_account": 422,
    "unknown_carrier": 422,
    "unknown_column": 422,
    "unknown_group": 422,
    "unreadable_file": 422,
    "unknown_scope": 422,
    "wrong_password": 422,
    # What a person at the terminal is told; no request meets them.
    "already_served": 409,
    "cannot_listen": 422,
    "file_exists": 409,
    "in_use": 409,
    "invalid_email": 422,
    "key_in_use": 409,
    "invalid_password": 422,
    "no_account": 404,
    "no_data": 422,
    "not_migrated": 503,
    "not_restarted": 409,
    "port_in_use": 409,
    "wrong_database": 422,
    # What is our fault, or nobody's.
    "internal_error": 500,
    "peer_failed": 502,
    "secrets_lost": 503,
    "stopped": 503,
    "storage_full": 507,
    "unavailable": 503,
}

TITLES: Final[Mapping[str, str]] = {
    "already_started": "It has started already",
    "body_too_large": "The body is too large",
    "conflict": "Something else happened first",
    "empty_body": "A body is needed",
    "fixed_line_number": "A fixed line takes no SMS",
    "idempotency_conflict": "The Idempotency-Key was used for another request",
    "idempotency_in_progress": "The same request is being worked on",
    "insufficient_scope": "The key or token lacks a scope",
    "internal_error": "Something went wrong here",
    "invalid_cursor": "The cursor is not valid here",
    "invalid_idempotency_key": "The Idempotency-Key is not valid",
    "invalid_json": "The body is not JSON as it should be",
    "invalid_number": "Not a valid number",
    "invalid_request": "The request has faults",
    "method_not_allowed": "The method is not for this address",
    "not_enough_credits": "Not enough credits",
    "not_found": "Not found",
    "peer_failed": "Another server failed",
    "rate_limited": "Too many requests",
    "sender_forbidden": "This sender is not allowed",
    "stop_required": "The STOP mention is required",
    "storage_full": "The disk is full",
    "unauthenticated": "An API key or access token is needed",
    "unsupported_media_type": "The media type is not understood here",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """What a caller is told: `body` is the JSON object of RFC 9457, with the house's code, errors and request id."""

    status: int
    body: Mapping[str, Any]

    def encoded(self) -> bytes:
        """As it goes out."""
        return orjson.dumps(self.body)


def status_of(code: str) -> int:
    """The status of a refusal; 422 for one that the table does not know (a test sees to it that there is none)."""
    return STATUSES.get(code, STATUS_OF_OTHERS)


def problem(
    code: str, detail: str, request_id: str, faults: Sequence[Fault] = (), status: int | None = None
) -> Problem:
    """A problem under a code of the table; `status` for what HTTP itself calls otherwise."""
    answered = status or status_of(code)
    body = {
        "type": f"urn:smshub:problem:{code}",
        "title": TITLES.get(code) or code.replace("_", " ").capitalize(),
        "status": answered,
        "detail": detail,
        "code": code,
        "errors": [{"pointer": fault.pointer, "message": fault.message} for fault in faults],
        "request_id": request_id,
    }
    return Problem(answered, body)


def refused(refusal: Refused, request_id: str) -> Problem:
    """The problem that a refusal is."""
    return problem(refusal.code, refusal.detail, request_id, refusal.faults)


def of_http(status: int, detail: str, request_id: str) -> Problem:
    """The problem that an error of the web server is."""
    return problem(_HTTP_CODES.get(status, HTTPStatus(status).name.lower()), detail, request_id, status=status)


_HTTP_CODES: Final[Mapping[int, str]] = {
    400: "invalid_request_line",
    404: "not_found",
    405: "method_not_allowed",
    413: "body_too_large",
    415: "unsupported_media_type",
    429: "rate_limited",
    500: "internal_error",
    503: "unavailable",
}

SCHEMA: Final[Mapping[str, Any]] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "code", "errors", "request_id"],
    "description": "What went wrong (RFC 9457). `code` is stable; `errors` names each field at fault and its cure.",
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string", "description": "A sentence for a person."},
        "code": {"type": "string", "description": "For programs; stable.", "examples": ["invalid_number"]},
        "errors": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["pointer", "message"],
                "properties": {
                    "pointer": {
                        "type": "string",
                        "description": "JSON pointer (RFC 6901) of the field at fault.",
                        "examples": ["/to"],
                    },
                    "message": {"type": "string"},
                },
                "additionalProperties": False,
            },
        },
        "request_id": {"type": "string"},
    },
    "additionalProperties": False,
}
