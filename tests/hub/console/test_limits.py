"""Whoever guesses waits, longer each time, in all processes together; whoever is signed in notices nothing."""

from pathlib import Path

import pytest

from hub.people.attempts import MAIL_ADDRESS, SIGN_IN_ADDRESS, SIGN_IN_NETWORK
from tests.support.browser import Browser
from tests.support.pages import PASSWORD, Pages
from tests.support.web import application

ANN = "ann@example.com"


def tried(browser: Browser, email: str = ANN, password: str = "wrong") -> str:
    """What one try to sign in came to: in, wrong, or how long to wait."""
    browser.open("/console/sign-in")
    page = browser.send(email=email, password=password)
    if browser.path == "/console/":
        return "in"
    return "wrong" if "No user has" in page.said else " ".join(page.said.partition("try again in ")[2].split()[:2])


def asked(browser: Browser) -> str:
    """What the page says to whoever asks for a new password."""
    browser.open("/console/reset")
    return browser.send(email=ANN).said


def test_the_sixth_try_waits_and_the_right_password_with_it(hub: Pages) -> None:
    hub.user(ANN)
    there = hub.signed_in(ANN)
    browser = hub.browser()
    assert [tried(browser) for _ in range(SIGN_IN_ADDRESS.free)] == ["wrong"] * SIGN_IN_ADDRESS.free
    assert tried(browser, password=PASSWORD) == "2 seconds"
    assert there.look("/console/") == 200
    hub.clock.forward(seconds=2)
    assert tried(browser, password=PASSWORD) == "in"


def test_each_wait_is_twice_as_long_up_to_a_quarter_of_an_hour(hub: Pages) -> None:
    hub.user(ANN)
    waits = [SIGN_IN_ADDRESS.wait(tries) // 1000 for tries in range(1, 20)]
    assert waits == [0, 0, 0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900, 900, 900]
    browser = hub.browser()
    for wait in waits[:8]:
        assert tried(browser) == "wrong"
        if wait:
            hub.clock.forward(seconds=wait - 1)
            assert tried(browser).startswith("1 second")
            hub.clock.forward(seconds=1)


def test_a_right_password_makes_the_wrong_ones_forgotten(hub: Pages) -> None:
    hub.user(ANN)
    for _ in range(3):
        browser = hub.browser()
        assert [tried(browser) for _ in range(4)] == ["wrong"] * 4
        assert tried(browser, password=PASSWORD) == "in"


def test_an_address_that_nobody_has_is_treated_alike(hub: Pages) -> None:
    browser = hub.browser()
    assert [tried(browser, "nobody@example.com") for _ in range(5)] == ["wrong"] * 5
    assert tried(browser, "nobody@example.com").startswith("2 seconds")


def test_processes_count_together(hub: Pages) -> None:
    hub.user(ANN)
    apps = [application(hub.runtime, settings=hub.settings) for _ in range(5)]
    assert [tried(Browser(app)) for app in apps] == ["wrong"] * 5
    assert tried(hub.browser(network="198.51.100.1")).startswith("2 seconds")


def test_a_reset_by_mail_is_a_way_in_for_whoever_is_kept_waiting(hub: Pages) -> None:
    hub.user(ANN)
    attacker = hub.browser(network="198.51.100.1")
    for _ in range(6):
        tried(attacker)
    browser = hub.browser()
    browser.open("/console/reset")
    browser.send(email=ANN)
    browser.open(hub.link(ANN))
    browser.send(password="another good password")
    assert browser.path == "/console/"
    assert tried(hub.browser(), password="another good password") == "in"


def test_a_network_that_tries_many_addresses_waits_and_others_do_not(hub: Pages) -> None:
    browser = hub.browser()
    for place in range(SIGN_IN_NETWORK.free):
        assert tried(browser, f"user{place}@example.com") == "wrong"
    assert tried(browser, "another@example.com").startswith("2 seconds")
    assert tried(hub.browser(network="203.0.113.8"), "another@example.com") == "wrong"


def test_an_address_gets_so_many_mails_and_then_waits(hub: Pages) -> None:
    hub.user(ANN)
    said = [asked(hub.browser(network=f"203.0.113.{place}")) for place in range(MAIL_ADDRESS.free + 1)]
    assert ["on its way" in one for one in said] == [True] * MAIL_ADDRESS.free + [False]
    assert "try again in 5 minutes" in said[-1]
    assert len(hub.letters(ANN)) == 1  # promised together: only the newest link is mailed


@pytest.mark.parametrize(
    "connected, forwarded, waits",
    [
        ("127.0.0.1", "203.0.113.5", False),  # our own proxy says who it is
        ("127.0.0.1", "203.0.113.9, 203.0.113.7", True),  # what a visitor writes before that does not count
        ("203.0.113.7", "203.0.113.5", True),  # nobody's proxy
        ("127.0.0.1", "::ffff:203.0.113.7", True),
        ("127.0.0.1", "nonsense", False),
    ],
)
def test_a_network_is_what_our_own_proxy_says_and_nobody_else(
    hub: Pages, connected: str, forwarded: str, waits: bool
) -> None:
    known = hub.browser(network="203.0.113.7")
    for place in range(SIGN_IN_NETWORK.free):
        tried(known, f"user{place}@example.com")
    browser = hub.browser(network=connected)
    browser.headers |= {"X-Forwarded-For": forwarded}
    assert (tried(browser, "another@example.com") != "wrong") == waits


def test_trusted_proxies_are_a_setting(database_url: str, tmp_path: Path) -> None:
    hub = Pages(database_url, tmp_path, SMSHUB_TRUSTED_PROXIES="10.0.0.0/8")
    for place in range(SIGN_IN_NETWORK.free + 1):
        browser = hub.browser(network="10.1.2.3")
        browser.headers |= {"X-Forwarded-For": f"203.0.113.{place}"}
        assert tried(browser, f"user{place}@example.com") == "wrong"
    hub.close()
