"""The checks that Zapier makes of a definition before it publishes it, as pure functions.

Those of the reference (docs.zapier.com/integrations/publish/integration-checks-reference) carry its codes, D001 to D026; there is no
D019 or D020. The ones called after the schema package are what `zapier validate` checks by code, beyond the JSON Schema. Zapier's own
server has the last word: its checks of live runs (T001 and so on) can only be made there.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from connectors.zapier.lint import references, samples, wording
from connectors.zapier.lint.parts import Fault, Json, Placed

Rule = Callable[[Json], Iterator[Placed]]

RULES: Final[Mapping[str, Rule]] = {
    "D001": references.credentials,
    "D002": wording.auth_help,
    "D003": wording.connection_label,
    "D004": references.bare_ids,
    "D005": references.dropdowns,
    "D006": references.polling_url,
    "D007": wording.https,
    "D008": wording.links,
    "D009": references.no_search_field,
    "D010": samples.primary_key,
    "D011": wording.help_repeats,
    "D012": samples.there,
    "D013": references.searches,
    "D014": references.search_without_dropdown,
    "D015": references.search_or_create,
    "D016": references.only_static_hooks,
    "D017": references.static_hooks,
    "D018": wording.title_case,
    "D021": wording.trigger_description,
    "D022": references.no_static_field,
    "D023": samples.dates,
    "D024": samples.types,
    "D025": wording.dangerous,
    "D026": wording.given_domain,
    "keys": references.own_keys,
    "exclusive": references.either_or,
    "labels": references.shown_label,
}


def faults(definition: Json) -> list[Fault]:
    """Everything that these checks find, in the order of their codes."""
    return [Fault(code, placed.at, placed.value) for code, rule in RULES.items() for placed in rule(definition)]


__all__ = ["RULES", "Fault", "Rule", "faults"]
