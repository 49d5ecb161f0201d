"""What is asked of the connector: announcements with a key, scans that a depot signed, and where a parcel is, by anybody."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any, Final

from connectors.contract import Action, Reply, Schema, Visit
from core import Refused, jobs

from . import scanners, shelf

HOUR_MS: Final = 3600 * 1000
WORDS: Final[Mapping[str, str]] = {
    "announced": "Votre colis {parcel} est en route.",
    "arrived": "Votre colis {parcel} vous attend : {depot}.",
    "waiting": "Votre colis {parcel} vous attend encore : {depot}.",
}
FIELDS: Final[Schema] = {
    "type": "object",
    "required": ["to", "parcel"],
    "properties": {
        "to": {"type": "string", "title": "To", "minLength": 1, "maxLength": 30},
        "parcel": {"type": "string", "title": "Parcel", "minLength": 1, "maxLength": 40},
        "state": {"type": "string", "title": "State", "enum": list(WORDS)},
        "depot": {"type": "string", "title": "Depot", "maxLength": 40},
    },
    "additionalProperties": False,
}
SCAN: Final[Schema] = {
    "type": "object",
    "required": ["to", "parcel", "state"],
    "properties": {**FIELDS["properties"], "state": {"type": "string", "enum": ["announced", "arrived", "collected"]}},
    "additionalProperties": False,
}


def draft(given: Mapping[str, Any]) -> Mapping[str, Any]:
    """The message about a parcel."""
    words = WORDS[given.get("state", "announced")]
    text = words.format(parcel=given["parcel"], depot=given.get("depot", ""))
    return {"to": given["to"], "text": text, "reference": given["parcel"]}


ANNOUNCE: Final = Action(
    name="announce",
    title="Announce Parcel",
    description="Tells somebody where their parcel is.",
    operation="send_message",
    fields=FIELDS,
    example={"to": "+33612345678", "parcel": "6A123", "state": "arrived", "depot": "Lyon Sud"},
    draft=draft,
)


def announce(visit: Visit) -> Reply:
    """For a key or token of the account: the message."""
    return visit.act(ANNOUNCE, visit.asked.json(), visit.asked.headers.get("idempotency-key"))


def proven(visit: Visit) -> None:
    """Sent by one of the depot's scanners, with its secret in x-parcels-scanner; or signed by the depot: x-parcels-signature is the

    HMAC-SHA256 of the body under its secret, in hexadecimal.
    """
    if (scanner := visit.asked.headers.get("x-parcels-scanner")) is not None:
        with visit.runtime.read() as tx:
            if scanners.known(tx, visit.installed, scanner):
                return
    secret = visit.installed.settings["secret"].encode()
    wanted = hmac.new(secret, visit.asked.raw, hashlib.sha256).hexdigest()
    if not hmac.compare_digest(wanted.encode(), visit.asked.headers.get("x-parcels-signature", "").encode()):
        raise Refused("unauthenticated", "Sign the body with the secret of the installation (x-parcels-signature).")


def scanned(visit: Visit) -> Reply:
    """A parcel was scanned: it is written down, whoever waits for it is told, and told again if they don't come."""
    scan = visit.asked.json()
    visit.tools.catalogue.check(SCAN, scan)
    installation = visit.installed
    with visit.runtime.begin() as tx:
        row_id = shelf.put(tx, installation, scan["parcel"], scan["to"], scan["state"])
        hours = installation.settings.get("remind", {}).get("hours")
        if hours and scan["state"] == "arrived":
            jobs.add(tx, installation.account_id, "parcels.remind", row_id, tx.now + hours * HOUR_MS)
    if scan["state"] == "collected":
        return Reply({"message": None})
    given = {**scan, "depot": installation.settings["depot"]}
    sent = visit.act(ANNOUNCE, given, f"parcels/{installation.id}/{scan['parcel']}/{scan['state']}")
    return Reply({"message": sent.body["id"]})


def remind(visit: Visit, row_id: str) -> None:
    """A promised job: whoever still waits for it is told once more. It may run twice, and is sent once: the key says so."""
    with visit.runtime.read() as tx:
        row = shelf.find(tx, row_id)
    if row is None or row.state != "arrived":
        return
    installation = visit.tools.installations.get(row.installation_id)
    given = {"to": row.number, "parcel": row.parcel, "state": "waiting", "depot": installation.settings["depot"]}
    caller = visit.tools.installations.caller(installation)
    visit.tools.catalogue.perform(caller, ANNOUNCE.operation, draft(given), key=f"parcels/remind/{row_id}")


def where(visit: Visit) -> Reply:
    """Where a parcel is. Nobody's number is told."""
    with visit.runtime.read() as tx:
        found = shelf.states(tx, visit.path["parcel"])
    if not found:
        raise Refused("not_found", "There is no such parcel.")
    return Reply({"parcel": visit.path["parcel"], "states": list(found)})
