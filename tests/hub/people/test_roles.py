"""What a session of each role may do."""

import pytest

from hub.people import roles


@pytest.mark.parametrize(
    "role, some, none",
    [
        ("owner", {"credits:transfer", "account:write", "messages:send"}, set()),
        (
            "sender",
            {"messages:send", "contacts:write", "webhooks:manage", "blacklist:write"},
            {"credits:transfer", "account:write"},
        ),
        ("viewer", {"messages:read", "credits:read"}, {"messages:send", "contacts:write", "webhooks:manage"}),
        ("operator", set(), {"messages:read"}),
        ("nonsense", set(), {"messages:read"}),
    ],
)
def test_a_role_may_do_what_it_says(role: str, some: set[str], none: set[str]) -> None:
    scopes = roles.scopes_of(role)
    assert some <= scopes
    assert not none & scopes
