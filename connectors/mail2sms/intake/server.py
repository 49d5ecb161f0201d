"""The SMTP server for as long as it is wanted: it takes connections, and lets those that are busy finish in the end."""

import asyncio
from typing import Any, Final

import structlog

from connectors.contract import Stop
from connectors.mail2sms.intake.session import Connection, Desk, hush, in_thread

LOOK_S: Final = 0.1
GRACE_S: Final = 1.5  # for mails that are being taken; what is not told in time comes again, and is known then

log = structlog.get_logger()


async def serve(desk: Desk, address: tuple[str, int], stop: Stop) -> None:
    """Until it is told to stop; then no connection is taken any more, and those that are there are told so."""
    hush()
    loop = asyncio.get_running_loop()
    loop.set_exception_handler(_tell)
    host, port = address
    server = await loop.create_server(lambda: Connection(desk, loop), host, port)
    log.info("smtp.listening", host=host, port=port)
    try:
        await in_thread(stop.wait)
    finally:
        server.close()
    for _ in range(int(GRACE_S / LOOK_S)):
        if _are_gone(desk):
            return
        await asyncio.sleep(LOOK_S)


def _are_gone(desk: Desk) -> bool:
    """Whether nobody is busy any more; who is not is sent away."""
    return all([each.leave() for each in tuple(desk.here)])  # noqa: C419 - each of them is told


def _tell(_loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """What no connection was there for any more, without its words."""
    error = context.get("exception")
    if not isinstance(error, ConnectionError):
        log.warning("smtp.connection_failed", error=type(error).__name__)
