"""The table of operations: routes, documents, Zapier's creates and searches, and the command line are projections of it.

A resource joins by its name in RESOURCES; its module holds OPERATIONS.
"""

from itertools import chain
from typing import Final

from connectors.contract import Operation
from hub.api import (
    blacklist,
    campaigns,
    contacts,
    credits,  # noqa: A004 - the resource of that name
    groups,
    imports,
    keys,
    me,
    messages,
    numbers,
    replies,
    simulator,
    statistics,
    tariffs,
    templates,
)

RESOURCES: Final = (
    me,
    messages,
    campaigns,
    replies,
    credits,
    tariffs,
    numbers,
    keys,
    contacts,
    groups,
    imports,
    blacklist,
    templates,
    statistics,
    simulator,
)

OPERATIONS: Final[tuple[Operation, ...]] = tuple(chain.from_iterable(resource.OPERATIONS for resource in RESOURCES))
