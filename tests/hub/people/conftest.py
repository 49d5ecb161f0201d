from collections.abc import Callable

import pytest

from core import Runtime, accounts
from hub.people import sessions
from hub.people.sessions import Person

SignedIn = Callable[..., tuple[Person, str]]


@pytest.fixture
def signed_in(runtime: Runtime) -> SignedIn:
    """A new user who has just signed in, and the secret of the session; of a new account unless one is given."""

    def make(email: str = "ann@example.com", role: str = "owner", account_id: str | None = None) -> tuple[Person, str]:
        with runtime.begin() as tx:
            account = account_id or accounts.create(tx, email).id
            user_id = accounts.create_user(tx, account, email, role, None, "test")
            secret = sessions.begin(runtime, tx, user_id)
        person = sessions.whose(runtime, secret)
        assert person is not None
        return person, secret

    return make
