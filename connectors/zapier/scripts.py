"""The few functions of the definition, as source: Zapier runs them as they stand here. Everything else in it is data.

Zapier's runtime (zapier-platform-core 19.1) has dealt with 401 and 429 before `after_response` is called: it refreshes the tokens, and
tries again after Retry-After.
"""

import json
from typing import Any

from connectors.zapier.triggers import SCRIPT

Source = dict[str, Any]


def before_request(base_url: str) -> Source:
    """The access token, everywhere but where tokens come from."""
    return _source(
        f"if (bundle.authData?.access_token && !request.url.startsWith({json.dumps(f'{base_url}/oauth/')})) {{\n"
        "  request.headers.Authorization = `Bearer ${bundle.authData.access_token}`;\n"
        "}\n"
        "return request;",
        "request",
    )


def after_response() -> Source:
    """What the hub refuses, in its own words: a soft stop where the data of this run is the reason, else an error."""
    return _source(
        "const problem = response.data || {};\n"
        "if (problem.error === 'invalid_grant') {\n"
        "  throw new z.errors.ExpiredAuthError('The connection has ended: connect the account again.');\n"
        "}\n"
        "if (response.status >= 400 && response.status < 500 && problem.detail) {\n"
        "  if ([402, 409, 422].includes(response.status)) throw new z.errors.HaltedError(problem.detail);\n"
        "  throw new z.errors.Error(problem.detail, problem.code, response.status);\n"
        "}\n"
        "return response;",
        "response",
    )


def send(url: str) -> Source:
    """A POST of what was filled in, as it was filled in; in a body, not in the address, as addresses are logged on the way.

    No request object: in its body the runtime takes whatever stands between double braces for a variable that has no value, and drops it,
    out of the text of a message too.
    """
    return _source(
        f"const request = {{ method: 'POST', url: {json.dumps(url)}, body: JSON.stringify(bundle.inputData) }};\n"
        "request.headers = { 'content-type': 'application/json; charset=utf-8' };\n"
        "return z.request(request).then(({ data }) => data);"
    )


def perform(event: str, thing: str) -> Source:
    """Items out of a post: an array of events, or one. A ping is none."""
    return _source(
        f"const thing = {json.dumps(thing)};\n{SCRIPT}"
        f"return [].concat(bundle.cleanedRequest).filter(({{ type }}) => type === {json.dumps(event)}).map(item);"
    )


def perform_list(url: str, thing: str) -> Source:
    """The same items out of the newest events."""
    request = f"{{ url: {json.dumps(url)}, params: bundle.inputData, removeMissingValuesFrom: {{ params: true }} }}"
    return _source(
        f"const thing = {json.dumps(thing)};\n{SCRIPT}return z.request({request}).then(({{ data }}) => data.map(item));"
    )


def _source(text: str, *first: str) -> Source:
    return {"source": text, "args": [*first, "z", "bundle"]}
