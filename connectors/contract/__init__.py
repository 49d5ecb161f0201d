"""The one contract between the hub and everything that plugs into it.

`operations`: what the hub can be asked and tells, each declared once. `connector`: what a connector is. `tools`: what it is lent.
"""

from connectors.contract.connector import (
    Action,
    Command,
    Connector,
    Gauge,
    Happening,
    Listener,
    Request,
    Route,
    Sink,
    Stop,
    Task,
    TokenDesk,
    Visit,
)
from connectors.contract.examples import example_of
from connectors.contract.issuer import Issuer
from connectors.contract.operations import (
    Call,
    Event,
    GroupHandler,
    Handler,
    Listed,
    Operation,
    OwnHandler,
    Page,
    Pieces,
    Reply,
    Schema,
    Trigger,
    Upload,
)
from connectors.contract.tools import Answer, Catalogue, Http, Installation, Installations, Post, Tokens, Tools

__all__ = [
    "Action",
    "Answer",
    "Call",
    "Catalogue",
    "Command",
    "Connector",
    "Event",
    "Gauge",
    "GroupHandler",
    "Handler",
    "Happening",
    "Http",
    "Installation",
    "Installations",
    "Issuer",
    "Listed",
    "Listener",
    "Operation",
    "OwnHandler",
    "Page",
    "Pieces",
    "Post",
    "Reply",
    "Request",
    "Route",
    "Schema",
    "Sink",
    "Stop",
    "Task",
    "TokenDesk",
    "Tokens",
    "Tools",
    "Trigger",
    "Upload",
    "Visit",
    "example_of",
]
