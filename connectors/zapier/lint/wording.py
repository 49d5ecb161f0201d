"""Rules on what people read: labels, descriptions, links, addresses."""

import re
from collections.abc import Iterator
from typing import Final

from connectors.zapier.lint.parts import Json, Placed, auth_fields, input_fields, steps, texts

# The small words of title case, as the usual rules have them.
_SMALL: Final = frozenset(
    [
        "a",
        "an",
        "and",
        "as",
        "at",
        "but",
        "by",
        "en",
        "for",
        "if",
        "in",
        "of",
        "on",
        "or",
        "the",
        "to",
        "v",
        "via",
        "vs",
    ]
)
_LINK: Final = re.compile(r"\[[^\[\]]+\]\((?:https?://|mailto:)[^()\s]+\)")
_CODE: Final = re.compile(r"`[^`]*`")
_BARE: Final = re.compile(r"https?://|\]\(|\[[^\]]*\(https?:")
_DANGEROUS: Final = re.compile(r"(?:javascript|vbscript|data|file):", re.IGNORECASE)
_HOST: Final = re.compile(r"(?:[a-z]+://[^/?#]*)?\{\{\s*bundle\.", re.IGNORECASE)
_PASTED: Final = re.compile(r"api[ _-]?key|token|secret|password", re.IGNORECASE)


def connection_label(definition: Json) -> Iterator[Placed]:
    """D003: it names the account, out of what the test answers, and holds no secret."""
    if "authentication" not in definition:
        return
    label = definition["authentication"].get("connectionLabel")
    at = "authentication.connectionLabel"
    if not label:
        yield Placed(at, "is missing: name a field of the test's answer, such as {{account_name}}")
    elif isinstance(label, str) and "{{" not in label:
        yield Placed(at, "is the same for every account: name a field of the test's answer")
    elif isinstance(label, str) and re.search("token|secret|password", label, re.IGNORECASE):
        yield Placed(at, "shows a secret")


def auth_help(definition: Json) -> Iterator[Placed]:
    """D002: who must paste a key is told where to find it, with a link."""
    for at, field in auth_fields(definition):
        pasted = field.get("type") == "password" or _PASTED.search(f"{field['key']} {field.get('label', '')}")
        if pasted and not field.get("computed") and not _LINK.search(field.get("helpText", "")):
            yield Placed(f"{at}.helpText", "has no link to where this is found: [text](https://...)")


def https(definition: Json) -> Iterator[Placed]:
    """D007."""
    for at, text in texts(definition):
        if "http://" in text:
            yield Placed(at, "is not https")


def links(definition: Json) -> Iterator[Placed]:
    """D008: an address in a text is a link in Markdown, or stands between backticks."""
    for at, text in _prose(definition):
        if _BARE.search(_CODE.sub("", _LINK.sub("", text))):
            yield Placed(at, "has an address that is no link: write [text](https://...), or put it between backticks")


def help_repeats(definition: Json) -> Iterator[Placed]:
    """D011."""
    for at, field in (*input_fields(definition), *auth_fields(definition)):
        label, help_ = (_plain(str(field.get(name, ""))) for name in ("label", "helpText"))
        if help_ and label == help_:
            yield Placed(f"{at}.helpText", "says the same as the label: leave it out")


def title_case(definition: Json) -> Iterator[Placed]:
    """D018."""
    for step in steps(definition, "triggers", "searches", "creates", "searchOrCreates"):
        label = step.whole.get("display", {}).get("label", "")
        if label and label != titled(label):
            yield Placed(f"{step.at}.display.label", f"is not in title case: {titled(label)}")


def trigger_description(definition: Json) -> Iterator[Placed]:
    """D021."""
    for step in steps(definition, "triggers"):
        text = step.whole.get("display", {}).get("description", "")
        if not step.hidden and not (text.startswith("Triggers when ") and text.endswith(".")):
            yield Placed(f"{step.at}.display.description", "must begin with `Triggers when ` and end with a full stop")


def dangerous(definition: Json) -> Iterator[Placed]:
    """D025: no address that runs something."""
    for at, text in texts(definition):
        if _DANGEROUS.match(text.strip()) or re.search(
            r"\]\(\s*(?:javascript|vbscript|data|file):", text, re.IGNORECASE
        ):
            yield Placed(at, "is an address that may run something")


def given_domain(definition: Json) -> Iterator[Placed]:
    """D026: no request goes to a host that a person wrote, unless what they may write is fixed around (inputFormat)."""
    formed = {field["key"] for _, field in auth_fields(definition) if "inputFormat" in field}
    for at, text in texts(definition):
        made = any(f"bundle.authData.{key}}}}}" in text for key in formed)
        if at.endswith(".url") and _HOST.match(text) and not made:
            yield Placed(at, "takes its host from what a person wrote: give the field an inputFormat")


def titled(label: str) -> str:
    """A label in title case: small words stay small but at the ends; what has capitals within is a name."""
    words = label.split()
    last = len(words) - 1
    return " ".join(_titled(word, inner=0 < place < last) for place, word in enumerate(words))


def _titled(word: str, *, inner: bool) -> str:
    if inner and word.lower() in _SMALL:
        return word.lower()
    return "-".join(part[:1].upper() + part[1:] for part in word.split("-"))


def _prose(definition: Json) -> Iterator[Placed]:
    for step in steps(definition, "triggers", "searches", "creates", "searchOrCreates"):
        yield Placed(f"{step.at}.display.description", step.whole.get("display", {}).get("description", ""))
    for at, field in (*input_fields(definition), *auth_fields(definition)):
        yield Placed(f"{at}.helpText", field.get("helpText", ""))


def _plain(text: str) -> str:
    return re.sub(r"\W+", " ", text).strip().lower()
