"""What the pages of one web application stand on: the runtime and the settings, kept with the application; and the names of its cookies."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, cast

from flask import Flask, Response, current_app

from core import Runtime
from hub import secret_keys
from hub.settings import Settings

SESSION: Final = "smshub"
VISIT: Final = "smshub_visit"
LANGUAGE: Final = "smshub_language"
YEAR_S: Final = 365 * 24 * 3600

_KEY: Final = "console"


@dataclass(frozen=True, slots=True)
class House:
    """The hub behind the pages. `form_keys` sign forms, the first one; all of them check."""

    runtime: Runtime
    settings: Settings
    form_keys: Sequence[bytes]

    @property
    def https(self) -> bool:
        return self.settings.public_url.startswith("https://")

    def cookie(self, name: str) -> str:
        """A cookie's name: over HTTPS one that no other host, and no plain connection, can set (RFC 6265bis section 4.1.3.2)."""
        return f"__Host-{name}" if self.https else name

    def keep(self, response: Response, name: str, value: str, max_age: int | None = None) -> None:
        """Set a cookie that scripts and other sites do not get; without `max_age` (seconds) it goes with the browser."""
        response.set_cookie(
            self.cookie(name), value, max_age=max_age, path="/", secure=self.https, httponly=True, samesite="Lax"
        )

    def drop(self, response: Response, name: str) -> None:
        """Take a cookie back."""
        response.delete_cookie(self.cookie(name), path="/", secure=self.https, httponly=True, samesite="Lax")


def build(app: Flask, runtime: Runtime, settings: Settings) -> None:
    """The house of this application, for `house()`."""
    keys = secret_keys.derived(secret_keys.of(settings), "console forms")
    app.extensions[_KEY] = House(runtime, settings, keys)


def house() -> House:
    """The house of the application that answers now."""
    return cast("House", current_app.extensions[_KEY])
