"""What the contract suite needs to look at a connector: its examples, its schemas from inside, its addresses."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from connectors.contract import Connector, Route, example_of
from core import schema
from hub.api.schemas import resolved
from hub.installations.tables import installations
from tests.support.plugged import Plugged


def settings_of(connector: Connector, place: int = 0) -> dict[str, Any]:
    """Settings out of the examples of the connector's schema. place: of another account, where its fields have several examples."""
    schema = resolved(connector.settings or {"type": "object", "properties": {}})
    found = example_of(schema)
    assert isinstance(found, dict)
    listed = {name: inner.get("examples", ()) for name, inner in schema["properties"].items()}
    return found | {name: examples[place] for name, examples in listed.items() if len(examples) > place}


def objects(part: Mapping[str, Any], at: str = "") -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every object of properties within a schema, and where it stands."""
    if "properties" in part:
        yield at, part
        for name, inner in part["properties"].items():
            yield from objects(inner, f"{at}/{name}")


def texts(value: Any) -> Iterator[str]:
    """Every text within a value."""
    if isinstance(value, str):
        yield value
    for inner in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
        yield from texts(inner)


def at(connector: Connector, route: Route, installation_id: str) -> str:
    """An address of a route, below /connectors."""
    filled = route.path.replace("{installation}", installation_id)
    while "{" in filled:
        before, _, rest = filled.partition("{")
        filled = f"{before}something{rest.partition('}')[2]}"
    return f"/{connector.name}{filled}"


def written(hub: Plugged) -> str:
    """All that the database holds in plain of installations and of what was done to them."""
    with hub.runtime.read() as tx:
        rows = [row._asdict() for table in (installations, schema.audit) for row in tx.all(table.select())]
    return json.dumps(rows, default=str)
