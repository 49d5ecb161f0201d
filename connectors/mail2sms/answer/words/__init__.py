"""The words of letters, in English and French: sentences by key, counts that agree with their number, and moments as people write them."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, Final
from zoneinfo import ZoneInfo

from connectors.mail2sms import refusals

LANGUAGES: Final = ("en", "fr")
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Words:
    """One language."""

    language: str
    of: Mapping[str, Any]

    def say(self, key: str, **facts: object) -> str:
        return str(self.of[key]).format_map(facts)

    def count(self, key: str, count: float) -> str:
        return self._agreeing(self.of[key], count)

    def status(self, key: str, count: int) -> str:
        """How many of them have a status, or one of a group of those."""
        return self._agreeing(self.of["statuses"][key], count)

    def why(self, told: str | None, status: str) -> str:
        """Why somebody did not get it: a sentence as it is, else by a code of the engine or of the carrier, or by the status."""
        known: Mapping[str, str] = self.of["why"]
        if told is None or told in known:
            return known[told or status]
        return told if " " in told else f"{known[status]} ({told})"

    def value(self, told: Any) -> Any:
        """What stands among facts in English words of ours, in this language; all else as it is."""
        return self.of["values"].get(told, told)

    def refusal(self, code: str, facts: Mapping[str, Any]) -> str:
        """The sentence of a refusal. reason: among its facts, the code of the engine's that `why` says in English."""
        told = {name: self.value(told) for name, told in facts.items()}
        if self.language != "en" and facts.get("reason") in self.of["why"]:  # in English the engine itself knows more
            told["why"] = f"{self.of['why'][facts['reason']]}."
        return refusals.said(code, told, self.language)

    def number(self, value: float) -> str:
        """As it is written: 1.1, or 1,1."""
        return str(value).replace(".", self.of["decimal"])

    def moment(self, at: int, zone: ZoneInfo) -> str:
        """UTC milliseconds: Thursday 24 December 2026 at 09:00 (Europe/Paris)."""
        local = (_EPOCH + timedelta(milliseconds=at)).astimezone(zone)
        return self.say(
            "moment",
            weekday=self.of["weekdays"][local.weekday()],
            day=local.day,
            month=self.of["months"][local.month - 1],
            year=local.year,
            hour=local.hour,
            minute=local.minute,
            zone=zone.key,
        )

    def _agreeing(self, forms: Mapping[str, str], count: float) -> str:
        """One is one in English; in French anything below two is (0 crédit, 1,5 crédit)."""
        one = count < 2 if self.language == "fr" else count == 1
        return forms["one" if one else "many"].format(count=self.number(count))


@cache
def of(language: str) -> Words:
    """The words of a language (LANGUAGES)."""
    path = Path(__file__).with_name(f"{language}.json")
    return Words(language, json.loads(path.read_text(encoding="utf-8")))
