"""`smshub zapier export`: the integration as Zapier takes it."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from connectors.contract import Command, Visit
from connectors.zapier import lint
from connectors.zapier.definition import Place, definition

FIRST_VERSION: Final = "1.0.0"


def export(visit: Visit, options: Mapping[str, str | None]) -> Iterator[str]:
    """The document, or with `out` what became of it and what Zapier would not publish."""
    place = Place((options.get("url") or visit.tools.public_url).rstrip("/"), options.get("version") or FIRST_VERSION)
    made = definition(visit.tools.catalogue, place)
    written = json.dumps(made, indent=2, ensure_ascii=False)
    if not (out := options.get("out")):
        yield written
        return
    Path(out).write_text(f"{written}\n", encoding="utf-8")
    yield f"{out}: version {place.version} for the hub at {place.base_url}"
    faults = lint.faults(made)
    yield from (f"not publishable: {fault}" for fault in faults[:20])
    if not faults:
        yield "The publishing checks that can be made here find nothing."


EXPORT: Final = Command(
    "export",
    "Write the integration as one JSON definition, for `zapier push`.",
    export,
    {
        "out": "the file to write; without it the definition is printed",
        "url": "the address of the hub for Zapier, where it is not SMSHUB_PUBLIC_URL",
        "version": f"the version to push it as, {FIRST_VERSION} otherwise",
    },
    offline=True,
)
