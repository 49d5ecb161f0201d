"""The rows of a past, as SQL: what each table is filled with. Parameters are those of `past.fill`."""

from collections.abc import Sequence
from typing import Final

ID: Final = "(lpad(to_hex(({ms})::bigint), 12, '0') || '7' || lpad(to_hex((({i}) %% 4096)::int), 3, '0') || '8' || lpad(to_hex(({h})::bigint), 15, '0'))::uuid"


def series(count: str) -> str:
    """Rows with a place `i`, a time `ms` and a hash `h`."""
    place = f"generate_series(1, ({count})::bigint) i"
    timed = f"SELECT i, %(since)s + i * %(span)s / ({count})::bigint AS ms, (hashint8(i) & 2147483647)::bigint AS h FROM {place}"
    return f"({timed}) s"


_OWNER: Final = "CASE WHEN i * 10 > 4 * %(n)s AND i * 10 <= 5 * %(n)s OR i %% 9 < 5 THEN 1 ELSE 2 + h %% 49 END"
_IN_LARGE: Final = "i * 10 > 4 * %(n)s AND i * 10 <= 5 * %(n)s"
_BLOCK: Final = "greatest(%(n)s / 500, 1)"  # messages in whose time each account has a campaign and a chunk
_BLOCK_MS: Final = f"(%(since)s + (i / {_BLOCK}) * {_BLOCK} * %(span)s / %(n)s)"
_OPEN: Final = """CASE (i * 100 + 7) %% greatest(%(n)s, 1000)
    WHEN 7 THEN 'scheduled' WHEN 107 THEN 'queued' WHEN 207 THEN 'sending' WHEN 307 THEN 'unknown' END"""
_PAST_CAMPAIGN: Final = ID.format(ms=_BLOCK_MS, i="owner", h="owner")
_PAST_CHUNK: Final = ID.format(ms=_BLOCK_MS, i="owner", h="owner + 1000")
_FATED: Final = f"""(SELECT *, coalesce({_OPEN}, (%(fates)s::text[])[1 + h %% 1000]) AS fate,
    CASE WHEN {_IN_LARGE} THEN %(large)s::uuid WHEN h %% 2 = 0 THEN {_PAST_CAMPAIGN} END AS whole FROM
    (SELECT *, {_OWNER} AS owner FROM {series("%(n)s")}) o) f"""
MILLION: Final = "greatest(%(n)s / 10, 10)"
# What core/words makes of a text, and of one of its words.
_SPACED: Final = "regexp_replace(translate(' ' || lower({}), 'éèçïàô@.,-', 'eeciao    '), ' +', ' ', 'g')"
_KEY: Final = (
    r"('x' || encode(substr(convert_to(w, 'UTF8') || '\x00000000000000'::bytea, 1, 7), 'hex'))::bit(56)::bigint"
)
_WORDS: Final = (
    f"(SELECT DISTINCT account_id, {_KEY} AS word, id FROM {{}}, unnest(string_to_array(ltrim(search), ' ')) w) s"
)
_SAID: Final = """CASE WHEN i %% (greatest(%(n)s / 20, 20) / 20) = 1 THEN 'Demande de remboursement' WHEN i %% 3 = 0 THEN 'STOP'
    WHEN i %% 3 = 1 THEN 'Oui merci' ELSE 'Je passe samedi, à bientôt' END"""

Statement = tuple[dict[str, str], str]

_MESSAGE: Final[Statement] = (
    {
        "id": ID.format(ms="ms", i="i", h="h"),
        "account_id": "(%(accounts)s::uuid[])[owner]",
        "campaign_id": "whole",
        "chunk_id": f"CASE WHEN fate IN ('queued', 'sending', 'unknown') THEN md5(fate || owner)::uuid ELSE {_PAST_CHUNK} END",
        "number": "CASE WHEN i %% 5000 = 1 THEN 33699999950 ELSE 33600000000 + h %% 5000000 END",
        "country": "CASE WHEN h %% 20 = 0 THEN 'BE' ELSE 'FR' END",
        "sender": "'36034'",
        "purpose": "'marketing'",
        "text": "'Bonjour Zoé Dupont, -20 %% sur tout le magasin ce samedi, et encore dimanche. STOP 36034'",
        "encoding": "'gsm7'",
        "segments": "1",
        "millicredits": "1000",
        "reference": "CASE WHEN i %% 50 = 7 THEN 'newsletter' WHEN i %% 10 = 3 THEN 'order-' || i END",
        "source": "'api'",
        "status": "fate",
        "status_at": "ms + 3000",
        "created_at": "ms",
        "sent_at": "CASE WHEN fate NOT IN ('scheduled', 'queued', 'blacklisted', 'cancelled', 'no_credit') THEN ms + 1000 END",
        "expires_at": "ms + 172800000",
        "mention": "true",
        "charged": "fate NOT IN ('scheduled', 'queued', 'sending', 'unknown', 'blacklisted', 'cancelled', 'no_credit', 'rejected')",
        "attempt": "1",
        "carrier": "'simulator'",
        "carrier_id": "CASE WHEN fate NOT IN ('scheduled', 'queued', 'blacklisted', 'cancelled', 'no_credit') THEN 'c-' || i END",
    },
    _FATED,
)
_CAMPAIGN: Final = {
    "name": "'Soldes ' || i",
    "text": "'Bonjour $prenom'",
    "sender": "'36034'",
    "purpose": "'marketing'",
    "stop": "true",
    "source": "'api'",
    "groups": "'[]'",
    "status": "'finished'",
    "validity_minutes": "2880",
    "created_at": "ms",
    "updated_at": "ms",
    "started_at": "ms",
    "sent_at": "ms",
    "finished_at": "ms",
    "position": "0",
    "planned": "200",
    "expanded": "200",
}
_EACH_BLOCK: Final = f"(SELECT b * {_BLOCK} AS i, owner, %(since)s + b * {_BLOCK} * %(span)s / %(n)s AS ms FROM generate_series(0, %(n)s / {_BLOCK}) b, generate_series(1, 50) owner) s"
_CHUNK: Final = {
    "account_id": "(%(accounts)s::uuid[])[owner]",
    "carrier": "'simulator'",
    "purpose": "'marketing'",
    "expires_at": "ms",
    "lease_until": "0",
    "created_at": "ms",
}
_STATUSES_OF_FOUR: Final = "(%(fates)s::text[])[1 + (place * 331) %% 1000]"

STATEMENTS: Final[dict[str, Sequence[Statement]]] = {
    "messages": (_MESSAGE,),
    "campaigns": (
        (
            {"id": "%(large)s::uuid", "account_id": "(%(accounts)s::uuid[])[1]"} | _CAMPAIGN,
            "(SELECT 0 AS i, %(since)s + %(span)s * 4 / 10 AS ms) s",
        ),
        (
            {"id": ID.format(ms="ms", i="owner", h="owner"), "account_id": "(%(accounts)s::uuid[])[owner]"} | _CAMPAIGN,
            _EACH_BLOCK,
        ),
    ),
    "campaign_counts": (  # of the large campaign, as it is before the sweep folds its differences
        (
            {
                "id": ID.format(ms="ms", i="i", h="h"),
                "campaign_id": "%(large)s::uuid",
                "status": "(%(fates)s::text[])[1 + h %% 1000]",
            }
            | {"country": "'FR'", "messages": "100", "millicredits": "100000"},
            series("10000"),
        ),
        (
            {
                "id": ID.format(ms="ms + place", i="owner", h="place"),
                "campaign_id": ID.format(ms="ms", i="owner", h="owner"),
            }
            | {"status": _STATUSES_OF_FOUR, "country": "'FR'", "messages": "50", "millicredits": "50000"},
            f"{_EACH_BLOCK}, generate_series(1, 4) place",
        ),
    ),
    "campaign_drops": (
        (
            {"id": ID.format(ms="ms", i="i", h="h"), "campaign_id": "%(large)s::uuid", "given": "'0612345678'"}
            | {
                "reason": "CASE WHEN i %% 3 = 0 THEN 'invalid_number' ELSE 'duplicate' END",
                "detail": "'It is there already.'",
            },
            series(f"{MILLION} / 50"),
        ),
    ),
    "chunks": (
        (
            {"id": ID.format(ms="ms", i="owner", h="owner + 1000"), "step": "'expire'", "due_at": "ms + 259200000"}
            | {"status": "CASE WHEN ms + 259200000 > %(since)s + %(span)s THEN 'ready' ELSE 'done' END"}
            | _CHUNK,
            _EACH_BLOCK,
        ),
        (
            {"id": "md5(fate || owner)::uuid", "step": "CASE fate WHEN 'unknown' THEN 'lookup' ELSE 'send' END"}
            | {"status": "'ready'", "due_at": "ms + 86400000", "owner": "CASE fate WHEN 'sending' THEN 'bench' END"}
            | _CHUNK,
            "unnest(array['queued', 'sending', 'unknown']) fate, generate_series(1, 50) owner, (SELECT %(since)s + %(span)s AS ms) s",
        ),
    ),
    "windows": (
        (
            {
                "id": ID.format(ms="ms", i="i", h="h"),
                "chunk_id": ID.format(ms="ms", i="i", h="h"),
                "carrier": "'simulator'",
            }
            | {"owner": "'bench'", "size": "500", "claimed_at": "ms", "lease_until": "ms", "closed_at": "ms"},
            series("%(n)s / 500"),
        ),
    ),
    "contacts": (
        (
            {
                "id": ID.format(ms="ms", i="i", h="h"),
                "account_id": "(%(accounts)s::uuid[])[1]",
                "number": "33600000000 + i * 5",
                "country": "'FR'",
                "nom": "nom",
                "prenom": "prenom",
                "email": "email",
                "societe": "societe",
                "search": _SPACED.format("nom || ' ' || prenom || ' ' || email || ' ' || societe"),
                "source": "'import'",
                "created_at": "ms",
                "updated_at": "ms",
                "archived_at": "CASE WHEN i %% 100 = 0 THEN ms + 1 END",
                "archived_reason": "CASE WHEN i %% 100 = 0 THEN 'failed_permanent' END",
            },
            f"""(SELECT *, prenom || '.' || i || '@example.test' AS email, 'Atelier ' || h %% 20000 AS societe FROM (SELECT *,
                CASE WHEN i %% greatest({MILLION} / 5, 2) = 1 THEN 'Zyskowicz' ELSE (%(names)s::text[])[1 + h %% 34] END AS nom,
                (%(first)s::text[])[1 + h / 34 %% 13] AS prenom FROM {series(MILLION)}) n) e""",
        ),
    ),
    "groups": (
        (
            {
                "id": "id",
                "account_id": "(%(accounts)s::uuid[])[1]",
                "name": "name",
                "slug": "name",
                "created_at": "%(since)s",
            },
            "(VALUES (%(everybody)s::uuid, 'everybody'), (%(few)s::uuid, 'few')) v (id, name)",
        ),
    ),
    "group_members": (
        ({"group_id": "%(everybody)s::uuid", "number": "number", "contact_id": "id"}, "contacts"),
        ({"group_id": "%(few)s::uuid", "number": "number", "contact_id": "id"}, "contacts WHERE number %% 25000 = 5"),
    ),
    "blacklist": (
        (
            {
                "scope": "(%(accounts)s::text[])[1]",
                "number": "33700000000 + i",
                "reason": "'STOP'",
                "source": "'reply'",
                "created_at": "ms",
            },
            series(MILLION),
        ),
    ),
    "replies": (
        (
            {
                "id": ID.format(ms="ms", i="i", h="h"),
                "carrier": "'simulator'",
                "carrier_ref": "'r-' || i",
                "code": "'36034'",
            }
            | {"account_id": "(%(accounts)s::uuid[])[CASE WHEN i %% 5 < 3 THEN 1 ELSE 2 + h %% 49 END]"}
            | {"number": "33600000000 + h %% 5000000", "received_at": "ms", "applied_at": "ms", "opt_out": "i %% 3 = 0"}
            | {"campaign_id": "CASE WHEN h %% 2 = 0 THEN %(large)s::uuid END"}
            | {"text": _SAID, "search": _SPACED.format(_SAID)},
            series("%(n)s / 20"),
        ),
    ),
    "contact_words": (({"account_id": "account_id", "word": "word", "contact_id": "id"}, _WORDS.format("contacts")),),
    "reply_words": (({"account_id": "account_id", "word": "word", "reply_id": "id"}, _WORDS.format("replies")),),
    "transfers": (
        (
            {
                "id": ID.format(ms="ms", i="i", h="debit"),
                "kind": "kind",
                "ref": "'b-' || i || kind",
                "at": "ms",
                "actor": "'engine'",
            }
            | {"debit_id": "debit", "credit_id": "credit", "millicredits": "500000"},
            f"""{series("%(n)s / 50")}, (SELECT 'hold' AS kind, a.id AS debit, h.id AS credit FROM ledger_accounts a, ledger_accounts h
                WHERE a.kind = 'available' AND h.kind = 'held' AND a.account_id = h.account_id AND a.account_id = (%(accounts)s::uuid[])[1]
                UNION ALL SELECT 'post', h.id, s.id FROM ledger_accounts h, ledger_accounts s
                WHERE h.kind = 'held' AND s.kind = 'spent' AND h.account_id = s.account_id AND h.account_id = (%(accounts)s::uuid[])[1]) k""",
        ),
    ),
    "send_counts": (
        (
            {
                "id": ID.format(ms="hour", i="owner", h="place"),
                "account_id": "(%(accounts)s::uuid[])[owner]",
                "hour": "hour",
            }
            | {"country": "(array['FR', 'BE', 'GB'])[place]", "purpose": "'marketing'"}
            | {"messages": "100", "segments": "100", "millicredits": "100000"},
            """(SELECT (%(since)s / 3600000 + d) * 3600000 AS hour FROM generate_series(0, %(span)s / 3600000) d) s,
                generate_series(1, 50) owner, generate_series(1, 3) place""",
        ),
    ),
    "receipts": (
        (
            {
                "id": ID.format(ms="ms", i="i", h="h"),
                "carrier": "'simulator'",
                "carrier_id": "'c-' || i",
                "status": "'received'",
            }
            | {"at": "ms", "received_at": "ms", "due_at": "ms", "applied_at": "ms", "outcome": "'applied'"},
            series(MILLION),
        ),
    ),
    "receipt_batches": (
        (
            {"id": ID.format(ms="ms", i="i", h="h"), "carrier": "'simulator'", "size": "500", "raw": "'[]'"}
            | {"received_at": "ms", "applied_at": "ms", "outcome": "'{}'"},
            series("%(n)s / 100"),
        ),
    ),
    "carrier_ids": (
        (
            {"carrier_id": "'c-' || i", "carrier": "'simulator'", "at": "ms"}
            | {"message_id": ID.format(ms="ms", i="i", h="h")},
            series(MILLION),
        ),
    ),
    "outbox": (
        (
            {
                "id": ID.format(ms="ms", i="i", h="h"),
                "account_id": "(%(accounts)s::uuid[])[1 + h %% 50]",
                "type": "'message.status'",
            }
            | {"payload": "'[]'", "at": "ms", "due_at": "ms", "relayed_at": "ms"},
            series("%(n)s / 100"),
        ),
    ),
    "jobs": (
        (
            {
                "id": ID.format(ms="ms", i="i", h="h"),
                "account_id": "(%(accounts)s::uuid[])[1 + h %% 50]",
                "kind": "'campaign'",
            }
            | {
                "subject_id": ID.format(ms="ms", i="i", h="h"),
                "due_at": "ms",
                "attempt": "1",
                "failures": "0",
                "done_at": "ms",
            },
            series("%(n)s / 200"),
        ),
    ),
}
