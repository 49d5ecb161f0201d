"""The STOP mention: how a recipient is told the way out, at the end of every text that needs it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Mentions:
    """The ways out: a short code that France texts STOP to, and for elsewhere the address of the opt-out page."""

    short_code: str = "36034"
    opt_out_address: str = "stop.test"

    def of(self, country: str) -> str:
        """The mention for a country (ISO 3166-1 alpha-2), without the space that parts it from the text."""
        return f"STOP {self.short_code}" if country == "FR" else self.opt_out_address

    def append(self, text: str, country: str) -> str:
        """The text with its mention at the end, once, however long that makes it."""
        mention, body = self.of(country), text.rstrip()
        return body if _ends_in(body, mention) else f"{body} {mention}"

    def after(self, ending: str, country: str) -> str | None:
        """What `append` puts behind any text that ends so (no space at the end); None where it depends on what stands before."""
        mention = self.of(country)
        if mention.endswith(ending):
            return None
        return "" if _ends_in(ending, mention) else f" {mention}"


def _ends_in(text: str, mention: str) -> bool:
    """Whether the mention stands at the end as words of its own: not as it does in "NONSTOP 36034"."""
    return text.endswith(mention) and (len(text) == len(mention) or text[-len(mention) - 1].isspace())
