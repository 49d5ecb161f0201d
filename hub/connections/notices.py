"""What people hear of connections: the mail when one is lost, sentences for an installation's health, figures for metrics."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Row, func, select

from connectors.contract import Gauge
from core import Runtime, Tx, letters
from hub.api.show import iso
from hub.connections import book
from hub.connections.tables import connections


def of_installation(tx: Tx, installation_id: str) -> Sequence[str]:
    """What is wrong with the connections of an installation, in sentences; nothing when all is well."""
    unwell = (connections.c.installation_id == installation_id) & (connections.c.state != "ok")
    return [_sentence(row) for row in tx.all(select(connections).where(unwell).order_by(connections.c.name))]


def _sentence(row: Row[Any]) -> str:
    host, since = book.host(row.token_url), iso(row.failing_since)
    if row.state == "lost":
        return f"{host} gives no tokens any more, since {since} ({row.last_error}): connect {row.connector} again."
    return f"{host} has given no token since {since} ({row.last_error}); it is asked again by itself."


def send_mail(runtime: Runtime, connection_id: str) -> None:
    """Tell the owner that a connection was lost; nothing if it was connected again meanwhile."""
    with runtime.read() as tx:
        row = tx.one(select(connections).where(connections.c.id == connection_id))
    if row is None or row.state != "lost":
        return
    host = book.host(row.token_url)
    body = (
        f"{host} gives smshub no access any more, since {iso(row.failing_since)} ({row.last_error}).\n"
        "Somebody took the consent back there, or it has ended. Until it is given again nothing is exchanged with it.\n\n"
        f"To mend it, connect {row.connector} again.\n"
    )
    letters.tell(runtime, row.account_id, f"{row.connector}: the connection has ended", body)


def _unwell(tx: Tx) -> Mapping[str, float]:
    counted = select(connections.c.state, func.count().label("connections")).where(connections.c.state != "ok")
    found = {row.state: row.connections for row in tx.all(counted.group_by(connections.c.state))}
    return {state: found.get(state, 0) for state in ("failing", "lost")}


UNWELL: Final = Gauge(
    "smshub_connections_unwell",
    "Connections to third parties that get no tokens: failing (asked again by themselves), lost (somebody has to connect again).",
    "state",
    _unwell,
)
