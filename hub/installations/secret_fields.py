"""Settings and their secrets, kept apart: a property with writeOnly in the schema is a secret, wherever it stands. Pure.

{"host": ..., "mailbox": {"port": ..., "password": ...}} is {"host": ..., "mailbox": {"port": ...}} and {"mailbox": {"password": ...}}.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from connectors.contract import Schema

Values = Mapping[str, Any]


def split(schema: Schema, settings: Values) -> tuple[dict[str, Any], dict[str, Any]]:
    """What may be shown of settings, and what may not. Objects that hold nothing but secrets are left as empty ones."""
    plain: dict[str, Any] = {}
    secret: dict[str, Any] = {}
    for name, value in settings.items():
        inner = schema.get("properties", {}).get(name, {})
        if inner.get("writeOnly"):
            secret[name] = value
        elif isinstance(value, Mapping):
            plain[name], hidden = split(inner, value)
            if hidden:
                secret[name] = hidden
        else:
            plain[name] = value
    return plain, secret


def merged(plain: Values, secret: Values) -> dict[str, Any]:
    """The two put together again."""
    both = dict(plain)
    for name, value in secret.items():
        mine = both.get(name)
        both[name] = merged(mine, value) if isinstance(mine, Mapping) and isinstance(value, Mapping) else value
    return both


def patched(target: Any, patch: Any) -> Any:
    """A JSON merge patch (RFC 7396 section 2): null removes, an object goes on inside, anything else replaces."""
    if not isinstance(patch, Mapping):
        return patch
    made = dict(target) if isinstance(target, Mapping) else {}
    for name, value in patch.items():
        if value is None:
            made.pop(name, None)
        else:
            made[name] = patched(made.get(name), value)
    return made


def pointers(schema: Schema, secret: Values, within: str = "") -> list[str]:
    """Where secrets stand, as JSON pointers (RFC 6901): which are set is shown, what they are is not."""
    found: list[str] = []
    for name, value in secret.items():
        at = f"{within}/{name.replace('~', '~0').replace('/', '~1')}"
        inner = schema.get("properties", {}).get(name, {})
        whole = inner.get("writeOnly") or not isinstance(value, Mapping)
        found += [at] if whole else pointers(inner, value, at)
    return sorted(found)


def can_be_kept_apart(schema: Schema) -> bool:
    """Whether each secret of a schema stands in a property of objects within objects: others could not be told from what is shown."""
    return _marks(schema) == sum(1 for _ in _reached(schema))


def undescribed(schema: Schema) -> Iterator[str]:
    """The properties, of objects within objects, whose schema is a mere true or false: nothing says what they are, or that they are no secrets."""
    for name, inner in schema.get("properties", {}).items():
        if isinstance(inner, Mapping):
            yield from undescribed(inner)
        else:
            yield name


def _reached(schema: Schema) -> Iterator[Schema]:
    for inner in schema.get("properties", {}).values():
        if isinstance(inner, Mapping):
            if inner.get("writeOnly"):
                yield inner
            yield from _reached(inner)


def _marks(part: Any) -> int:
    """How many times writeOnly stands in it, anywhere."""
    if isinstance(part, list):
        return sum(map(_marks, part))
    if not isinstance(part, Mapping):
        return 0
    return (part.get("writeOnly") is True) + sum(map(_marks, part.values()))
