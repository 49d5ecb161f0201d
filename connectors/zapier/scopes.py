"""What Zapier asks a person for, and no more: the rights that its triggers, actions and searches use."""

from typing import Final

SCOPES: Final = frozenset(
    {
        "messages:send",
        "messages:read",
        "contacts:read",
        "contacts:write",
        "blacklist:write",
        "stats:read",
        "credits:read",
        "webhooks:manage",
    }
)
