"""Merge fields: `$nom` and its fellows, replaced by what is known of each recipient."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

FIELDS = ("nom", "prenom", "email", "societe")

# The longest name first, so that a field whose name begins with another's would still be found.
_FIELD = re.compile(rf"\$({'|'.join(sorted(FIELDS, key=len, reverse=True))})")


@dataclass(frozen=True, slots=True)
class Template:
    """A text read once and rendered a million times: `form` is a %-format with one %s for each of `names`, in order."""

    text: str
    form: str
    names: tuple[str, ...]

    @property
    def fields(self) -> frozenset[str]:
        """The names of the fields that the text uses."""
        return frozenset(self.names)

    @property
    def ending(self) -> str:
        """What stands behind the last field: all texts of this template end in it."""
        return _FIELD.split(self.text)[-1]


def read(text: str) -> Template:
    """A template out of what a person wrote. A dollar that begins no field is a dollar."""
    return Template(text, _FIELD.sub("%s", text.replace("%", "%%")), tuple(_FIELD.findall(text)))


def values(template: Template, fields: Mapping[str, str | None]) -> tuple[str, ...]:
    """What one recipient's fields put into the text, in order. A missing value becomes empty."""
    get = fields.get
    return tuple([get(name) or "" for name in template.names])


def render(template: Template, chosen: tuple[str, ...]) -> str:
    """The text for one recipient. A value is not searched for fields of its own."""
    return template.form % chosen
