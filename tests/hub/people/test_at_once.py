"""What several do at the same moment comes out as if they had done it in turn."""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

from core import Refused, Runtime
from hub.people import attempts, entrance, links, members
from tests.hub.people.conftest import SignedIn

LIMIT = attempts.Limit("test", 5, 60_000, 60_000, 60_000)


def together(acts: Sequence[Callable[[], Any]]) -> list[str]:
    """What came of each, all begun at once: "done", or the code of the refusal."""
    start = Barrier(len(acts))

    def one(act: Callable[[], Any]) -> str:
        start.wait()
        try:
            act()
        except Refused as refusal:
            return refusal.code
        return "done"

    with ThreadPoolExecutor(len(acts)) as pool:
        return sorted(pool.map(one, acts))


def test_as_many_tries_are_taken_as_are_free(runtime: Runtime) -> None:
    def take() -> None:
        with runtime.begin() as tx:
            attempts.take(tx, LIMIT, "ann")

    assert together([take] * 12) == ["done"] * 5 + ["too_many_attempts"] * 7


def test_of_two_owners_who_demote_each_other_one_stays(runtime: Runtime, signed_in: SignedIn) -> None:
    ann, _ = signed_in()
    bob, _ = signed_in("bob@example.com", "owner", ann.account_id)

    def demote(by: Any, other: Any) -> None:
        with runtime.begin() as tx:
            members.change_role(tx, by, other.user_id, "viewer")

    assert together([lambda: demote(ann, bob), lambda: demote(bob, ann)]) == ["done", "last_owner"]
    with runtime.read() as tx:
        assert sorted(one.role for one in members.everyone(tx, ann.account_id)) == ["owner", "viewer"]


def test_of_two_who_remove_the_other_one_stays(runtime: Runtime, signed_in: SignedIn) -> None:
    ann, _ = signed_in()
    bob, _ = signed_in("bob@example.com", "owner", ann.account_id)

    def remove(by: Any, other: Any) -> None:
        with runtime.begin() as tx:
            members.remove(tx, by, other.user_id)

    assert together([lambda: remove(ann, bob), lambda: remove(bob, ann)]) == ["done", "last_owner"]


def test_a_link_makes_one_account_however_many_use_it(runtime: Runtime) -> None:
    with runtime.begin() as tx:
        link_id = links.ask(tx, links.SIGN_UP, "ann@example.com", "en")
    drawn = links.draw(runtime, link_id)
    assert drawn is not None
    secret = drawn[1]
    acts = [lambda: entrance.sign_up(runtime, secret, "Acme", "correct horse battery")] * 4
    assert together(acts) == ["done", "link_over", "link_over", "link_over"]
