"""/carriers/<name>/<secret>: where HTTP carriers bring receipts and replies. The path's secret is what lets them in.

What comes is stored before the carrier is answered: an answer other than 200 makes it bring them again.
"""

from typing import Final

import structlog
from flask import Flask, Response, request

from core import HttpCarrier, Refused, Runtime, receipts

PATH: Final = "/carriers/<name>/<secret>"

log = structlog.get_logger()


def register(app: Flask, runtime: Runtime) -> None:
    """Add the route."""

    def take(name: str, secret: str) -> Response:
        carrier = runtime.carriers.get(name)
        if not isinstance(carrier, HttpCarrier) or not carrier.admits(secret):
            raise Refused("not_found", "There is nothing at this address.")
        try:
            came, said = carrier.parse_receipts(dict(request.headers), request.args.to_dict(), request.get_data())
        except Refused as refusal:  # told to the carrier, and to the operator, who alone can mend the settings
            log.warning(
                "carrier.callback_refused",
                carrier=name,
                code=refusal.code,
                at=[fault.pointer for fault in refusal.faults],
            )
            raise
        if came or said:
            receipts.inbox(runtime)(name, came, said)
        return Response("", 200, content_type="text/plain")

    app.add_url_rule(PATH, endpoint="carrier_callback", view_func=take, methods=["GET", "POST"])
