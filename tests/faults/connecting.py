"""A process that wants a third party's token, once: `python -m tests.faults.connecting DATABASE INSTALLATION ACCOUNT AHEAD_MS`; prints it."""

import ipaddress
import os
import random
import sys

import structlog

from connectors.contract import Installation
from core import Database, PeerError, Runtime, UuidV7
from hub.connections.store import Store
from hub.faults import crash_at
from hub.guard import Guard
from hub.outbound import Outbound
from tests.faults.delivering import Ahead
from tests.support.hooked import KEYS
from tests.support.world import rules


def main(url: str, installation_id: str, account_id: str, ahead: str) -> None:
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    clock = Ahead(int(ahead))
    chance = random.SystemRandom()
    fault = crash_at(os.environ.get("SMSHUB_CRASH_AT"))
    runtime = Runtime(Database(url), rules(), clock=clock, ids=UuidV7(clock, chance.getrandbits), fault=fault)
    outbound = Outbound(Guard(allow=(ipaddress.ip_network("127.0.0.0/8"),)))
    try:
        token = Store(runtime, KEYS, outbound).access(Installation(installation_id, account_id, "eloqua", {}, 0, 0))
    except PeerError as error:
        token = error.kind
    sys.stdout.write(token)


if __name__ == "__main__":
    main(*sys.argv[1:])
