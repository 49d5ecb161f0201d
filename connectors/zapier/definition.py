"""The whole integration as one JSON document: what Zapier calls an app definition. Pure.

Everything in it that is data comes from the hub's own tables; requests are objects that Zapier fills in; the few functions are in
`scripts`. Its form is AppSchema of zapier-platform-schema; what Zapier checks beyond that before it publishes is in `lint`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from connectors.contract import Catalogue
from connectors.zapier import fields, scripts, steps, triggers
from connectors.zapier.creates import CREATES
from connectors.zapier.dropdowns import DROPDOWNS, Dropdown
from connectors.zapier.scopes import SCOPES
from connectors.zapier.searches import SEARCHES
from connectors.zapier.steps import Step
from connectors.zapier.triggers import TRIGGERS, Hooked

PLATFORM: Final = "19.1.0"  # of zapier-platform-core: exactly, as Zapier wants it
FORM: Final = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Place:
    """Where the hub is for Zapier, and the version under which the integration is pushed."""

    base_url: str
    version: str

    def connector(self, kind: str, key: str) -> str:
        """An address of this connector."""
        return f"{self.base_url}/connectors/zapier/{kind}/{key}"


def definition(catalogue: Catalogue, place: Place) -> Json:
    """The document."""
    return {
        "version": place.version,
        "platformVersion": PLATFORM,
        "authentication": _authentication(place),
        "beforeRequest": [scripts.before_request(place.base_url)],
        "afterResponse": [scripts.after_response()],
        "flags": {"cleanInputData": True},
        "triggers": {
            **{key: _trigger(catalogue, place, one) for key, one in TRIGGERS.items()},
            **{key: _dropdown(place, one) for key, one in DROPDOWNS.items()},
        },
        "creates": {key: _step(catalogue, place, "actions", one) for key, one in CREATES.items()},
        "searches": {key: _step(catalogue, place, "searches", one) for key, one in SEARCHES.items()},
        "searchOrCreates": {"find_contact": _FIND_OR_CREATE},
    }


_FIND_OR_CREATE: Final[Json] = {
    "key": "find_contact",
    "display": {
        "label": "Find or Create Contact",
        "description": "Finds a contact by phone number or email, and creates it where there is none.",
    },
    "search": "find_contact",
    "create": "create_contact",
    "update": "update_contact",
    "updateInputFromSearchOutput": {"contact_id": "id"},
}


def _authentication(place: Place) -> Json:
    """OAuth 2 with PKCE (RFC 7636). CLIENT_ID, and CLIENT_SECRET where the client has one, are set at Zapier (zapier env:set)."""
    return {
        "type": "oauth2",
        "test": {"url": f"{place.base_url}/api/v1/me"},
        "connectionLabel": "{{account_name}}",
        "oauth2Config": {
            "authorizeUrl": {
                "url": f"{place.base_url}/oauth/authorize",
                "params": {
                    "client_id": "{{process.env.CLIENT_ID}}",
                    "state": "{{bundle.inputData.state}}",
                    "redirect_uri": "{{bundle.inputData.redirect_uri}}",
                    "response_type": "code",
                },
            },
            "getAccessToken": _token(place, _CODE),
            "refreshAccessToken": _token(place, _REFRESH),
            "scope": " ".join(sorted(SCOPES)),
            "autoRefresh": True,
            "enablePkce": True,
        },
    }


_CODE: Final = {
    "grant_type": "authorization_code",
    "code": "{{bundle.inputData.code}}",
    "redirect_uri": "{{bundle.inputData.redirect_uri}}",
    "code_verifier": "{{bundle.inputData.code_verifier}}",
}
_REFRESH: Final = {"grant_type": "refresh_token", "refresh_token": "{{bundle.authData.refresh_token}}"}


def _token(place: Place, form: Mapping[str, str]) -> Json:
    client = {"client_id": "{{process.env.CLIENT_ID}}", "client_secret": "{{process.env.CLIENT_SECRET}}"}
    return {
        "method": "POST",
        "url": f"{place.base_url}/oauth/token",
        "headers": dict(FORM),
        "body": {**form, **client},
        "removeMissingValuesFrom": {"body": True},
    }


def _trigger(catalogue: Catalogue, place: Place, trigger: Hooked) -> Json:
    filters = catalogue.resolved(FILTERS)
    schema = triggers.item_schema(trigger.thing, catalogue.resolved(catalogue.triggers[trigger.event].schema))
    return {
        "key": trigger.key,
        "noun": trigger.noun,
        "display": {"label": trigger.label, "description": trigger.description},
        "operation": {
            "type": "hook",
            "performSubscribe": _subscription(place, trigger),
            "performUnsubscribe": {
                "method": "DELETE",
                "url": f"{place.base_url}/api/v1/hooks/{{{{bundle.subscribeData.id}}}}",
            },
            "perform": scripts.perform(trigger.event, trigger.thing),
            "performList": scripts.perform_list(place.connector("samples", trigger.key), trigger.thing),
            "inputFields": fields.inputs(filters, trigger.inputs),
            "outputFields": fields.outputs(schema),
            "sample": triggers.item(trigger.thing, triggers.envelope(catalogue, trigger)),
        },
    }


def _subscription(place: Place, trigger: Hooked) -> Json:
    chosen = {word.key: f"{{{{bundle.inputData.{word.key}}}}}" for word in trigger.inputs}
    return {
        "method": "POST",
        "url": place.connector("hooks", trigger.key),
        "body": {"target_url": "{{bundle.targetUrl}}", **chosen},
        "removeMissingValuesFrom": {"body": True},
    }


FILTERS: Final = {"$ref": "#/components/schemas/HookFilters"}


def _dropdown(place: Place, dropdown: Dropdown) -> Json:
    return {
        "key": dropdown.key,
        "noun": dropdown.noun,
        "display": {
            "label": f"List of {dropdown.noun}s",
            "description": f"Triggers when the editor offers {dropdown.noun.lower()}s.",
            "hidden": True,
        },
        "operation": {
            "type": "polling",
            "canPaginate": True,
            "perform": {
                "url": place.connector("dropdowns", dropdown.key),
                "params": {"page": "{{bundle.meta.page}}"},
                "removeMissingValuesFrom": {"params": True},
            },
            "outputFields": [{"key": key, "label": fields.label_of(key), "type": "string"} for key in ("id", "name")],
            "sample": {"id": triggers.EVENT_ID, "name": dropdown.noun},
        },
    }


def _step(catalogue: Catalogue, place: Place, kind: str, step: Step) -> Json:
    return {
        "key": step.key,
        "noun": step.noun,
        "display": {"label": step.label, "description": step.description},
        "operation": {
            "perform": scripts.send(place.connector(kind, step.key)),
            "inputFields": fields.inputs(steps.asked(catalogue, step), step.inputs),
            "outputFields": fields.outputs(steps.answered(catalogue, step)),
            "sample": steps.sample(catalogue, step),
        },
    }
