"""The report of a campaign of a million, and every list and search, on a database of ten million messages."""

import http.client
import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from datetime import UTC, datetime
from typing import Any, Final
from urllib.parse import urlencode

import orjson

from core import accounts
from hub.api.keys import new_secret
from hub.app import create_app
from hub.settings import read as read_settings
from tests.bench import past
from tests.bench.figure import Bench, Figure, Measured
from tests.bench.past import DAY_MS, DAYS, Past
from tests.bench.place import Hub, Place, hub_on
from tests.bench.sampler import sampled
from tests.support.serving import SECRET

TIMES: Final = 15  # each query, of which the median counts; in a trial a few do
SLOW_MS: Final = 50
DEEP: Final = 20  # pages before the one that is timed
STATUSES: Final = (
    *("scheduled", "queued", "sending", "sent", "delivered_operator", "received", "failed_temporary"),
    *("failed_permanent", "rejected", "blacklisted", "no_credit", "cancelled", "unknown", "expired"),
)

# Those that look at the most rows, each told by itself: docs/performance.md says why.
HEAVY: Final = {
    "contacts_rare_word_ms": "/contacts q a rare word",
    "contacts_duplicates_ms": "/contacts/duplicates",
    "groups_ms": "/groups",
    "replies_rare_word_ms": "/replies q rare",
}

Ask = Callable[[str], Mapping[str, Any]]  # a path with its query -> the answer; raises when it is not 200


def queries(made: Past) -> dict[str, str]:
    """Each by its name; paths under /api/v1."""
    days = [datetime.fromtimestamp((made.since + day * DAY_MS) / 1000, UTC).isoformat() for day in range(DAYS + 1)]
    lists: dict[str, Mapping[str, Any]] = {
        "/messages": {},
        **{f"/messages status {status}": {"status": status} for status in STATUSES},
        "/messages campaign_id": {"campaign_id": made.campaign_id},
        "/messages campaign_id, status": {"campaign_id": made.campaign_id, "status": "failed_permanent"},
        "/messages reference of one": {"reference": f"order-{made.messages // 2 // 10 * 10 + 3}"},
        "/messages reference of many": {"reference": "newsletter"},
        "/messages to": {"to": "+33600001230"},
        "/messages to, often texted": {"to": "+33699999950"},
        "/messages created_after": {"created_after": days[40]},
        "/messages created_before": {"created_before": days[20]},
        "/messages created between": {"created_after": days[29], "created_before": days[30]},
        "/messages created between, status": {
            "created_after": days[29],
            "created_before": days[31],
            "status": "expired",
        },
        "/campaigns": {},
        "/campaigns status finished": {"status": "finished"},
        "/campaigns status sending": {"status": "sending"},
        f"/campaigns/{made.campaign_id}/recipients": {},
        "/contacts": {},
        "/contacts archived": {"archived": "true"},
        "/contacts group of everybody": {"group": "everybody"},
        "/contacts group of few": {"group": "few"},
        "/contacts q a number": {"q": "0600123450"},
        "/contacts q the beginning of a number": {"q": "06001"},
        "/contacts q the beginning of few numbers": {"q": "060012345"},
        "/contacts q the beginning of a word": {"q": "dup"},
        "/contacts q two words": {"q": "zoé dupont"},
        "/contacts q a rare word": {"q": "zyskowicz"},
        "/contacts q nobody": {"q": "xylophone"},
        "/contacts q an address": {"q": "anne.4321@example"},
        "/contacts q, group": {"q": "dupont", "group": "few"},
        "/contacts/duplicates": {},
        "/groups": {},
        "/blacklist": {},
        "/blacklist q": {"q": "0700012"},
        "/replies": {},
        "/replies q often": {"q": "merci"},
        "/replies q rare": {"q": "remboursement"},
        "/replies q nothing": {"q": "xylophone"},
        "/replies campaign_id": {"campaign_id": made.campaign_id},
        "/replies from, to": {"from": days[10][:10], "to": days[12][:10]},
        "/credits/transfers": {},
        "/statistics/sends by day": {"by": "day"},
        "/statistics/sends by hour": {"by": "hour", "from": days[1], "to": days[59]},
    }
    return {name: _path(name.split(" ")[0], query) for name, query in lists.items()}


def _path(path: str, query: Mapping[str, Any]) -> str:
    return f"{path}?{urlencode(query)}" if query else path


def deep(ask: Ask) -> dict[str, str]:
    """Pages far down the list, each by its cursor."""
    found = {}
    for path in ("/messages", "/contacts", "/blacklist"):
        page = ask(f"{path}?limit=200")
        for _ in range(DEEP):
            if page["next_cursor"]:
                page = ask(f"{path}?limit=200&cursor={page['next_cursor']}")
        if page["next_cursor"]:
            found[f"{path} far down"] = f"{path}?cursor={page['next_cursor']}"
    return found


def _measure(place: Place) -> Iterator[Measured]:
    with hub_on(place) as hub, closing(http.client.HTTPConnection("127.0.0.1", hub.port, timeout=120)) as wire:
        count = place.count(past.MESSAGES, 5_000)
        place.say(f"  filling: {count:,} messages")
        with place.postgres.connect(hub.url) as raw:
            made = past.fill(hub.runtime, raw, count)
        key = _key(hub, made.account_id)
        inside, outside = _inside(hub, key), _outside(wire, key)
        hub.start("web")
        asked = queries(made) | deep(inside)
        times = place.count(TIMES, 2)
        report = f"/campaigns/{made.campaign_id}/report"
        assert inside(report)["summary"]["contacts"] > 0
        with sampled(place.profile), hub.watched("reading"):
            for run in range(1 if place.profile else place.runs):
                took = {name: _median_ms(inside, path, times) for name, path in asked.items()}
                if not run:
                    _tell_slow(place, took)
                web = [_median_ms(outside, path, times) for path in asked.values()]
                yield {
                    "report_ms": _median_ms(inside, report, times),
                    "report_over_http_ms": _median_ms(outside, report, times),
                    "list_ms": statistics.median(took.values()),
                    "list_over_http_ms": statistics.median(web),
                    "list_slowest_ms": max(took.values()),
                    **{key: took[name] for key, name in HEAVY.items()},
                }


def _tell_slow(place: Place, took: Mapping[str, float]) -> None:
    slow = sorted(((ms, name) for name, ms in took.items()), reverse=True)
    place.say(
        f"  {len(took)} lists and searches; {sum(ms > SLOW_MS for ms, _ in slow)} above {SLOW_MS} ms; the slowest:"
    )
    for ms, name in slow[:8]:
        place.say(f"    {ms:8.1f} ms  {name}")


def _median_ms(ask: Ask, path: str, times: int) -> float:
    took = []
    for _ in range(times):
        began = time.perf_counter()
        ask(path)
        took.append((time.perf_counter() - began) * 1000)
        if sum(took) > 2_000:  # a slow one is known well enough
            break
    return statistics.median(took)


def _key(hub: Hub, account_id: str) -> str:
    secret = new_secret(hub.runtime)
    with hub.runtime.begin() as tx:
        accounts.create_key(tx, account_id, "bench", accounts.SCOPES, secret, "operator")
    return secret


def _inside(hub: Hub, key: str) -> Ask:
    """The whole of the REST API but its server: one process, no socket."""
    settings = read_settings(
        {"SMSHUB_DATA": str(hub.folder), "SMSHUB_RATE_PER_MINUTE": "1000000000", "SMSHUB_SECRET_KEYS": SECRET}
    )
    client = create_app(hub.runtime, settings).test_client()
    headers = {"Authorization": f"Bearer {key}"}

    def ask(path: str) -> Mapping[str, Any]:
        answer = client.get(f"/api/v1{path}", headers=headers)
        if answer.status_code != 200:
            raise AssertionError((path, answer.status_code, answer.text[:300]))
        read: Mapping[str, Any] = orjson.loads(answer.data)
        return read

    return ask


def _outside(connection: http.client.HTTPConnection, key: str) -> Ask:
    """Over a connection that is kept."""
    headers = {"Authorization": f"Bearer {key}"}

    def ask(path: str) -> Mapping[str, Any]:
        connection.request("GET", f"/api/v1{path}", headers=headers)
        answer = connection.getresponse()
        words = answer.read()
        if answer.status != 200:
            raise AssertionError((path, answer.status, words[:300]))
        return {}

    return ask


READING: Final = Bench(
    "reading",
    (
        Figure("report_ms", "the report of a campaign of 1,000,000", "ms", 100, higher_is_better=False),
        Figure(
            "list_ms",
            "lists and searches at 10,000,000 messages: the median of their medians",
            "ms",
            50,
            higher_is_better=False,
        ),
        Figure("report_over_http_ms", "the report, through the web process", "ms", higher_is_better=False),
        Figure("list_over_http_ms", "lists and searches, through the web process", "ms", higher_is_better=False),
        Figure("list_slowest_ms", "the slowest of the lists and searches", "ms", higher_is_better=False),
        *(Figure(key, f"`{name}`", "ms", higher_is_better=False) for key, name in HEAVY.items()),
    ),
    _measure,
)
