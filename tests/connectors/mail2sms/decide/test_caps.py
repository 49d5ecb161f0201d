"""How much mails may send: above that they wait, and one notice says so."""

from threading import Barrier, Thread

from connectors.mail2sms.mail import Outcome
from connectors.mail2sms.tables import sendings
from tests.support.mail2sms import NOTHING, NUMBER, OTHER, Shop
from tests.support.plugged import Plugged

BOB = "bob@shop.example"


def test_above_a_senders_hour_mails_wait_and_are_told_of_once(hub: Plugged) -> None:
    shop = Shop(hub, per_hour=2)
    outcomes = [shop.take(shop.mail(f"{place}")) for place in range(4)]
    assert [one.code for one in outcomes] == ["", "", "held_sender_cap", "held_sender_cap"]
    assert [(kind, told.get("facts")) for kind, told in shop.letters[2:]] == [
        ("held", {"most": 2, "period": "an hour"})
    ]
    assert len(shop.messages) == 2
    hub.engine.clock.forward(minutes=61)
    assert shop.take(shop.mail("later")).state == "accepted"


def test_senders_have_caps_of_their_own_and_the_account_one_for_all(hub: Plugged) -> None:
    shop = Shop(hub, allowed_senders=["@shop.example"], per_hour=1, account_per_hour=3)
    senders = ["anne", "bob", "anne", "carl", "dora"]
    codes = [shop.take(shop.mail(sender=f"{name}@shop.example")).code for name in senders]
    assert codes == ["", "", "held_sender_cap", "", "held_account_cap"]


def test_a_sender_in_capitals_is_the_same_one(hub: Plugged) -> None:
    shop = Shop(hub, allowed_senders=["@shop.example"], per_hour=1)
    codes = [shop.take(shop.mail(sender=f"{name}@shop.example")).code for name in ("Anne", "anne", "ANNE")]
    assert codes == ["", "held_sender_cap", "held_sender_cap"]


def test_a_token_alone_has_the_hour_of_one_sender_whatever_stands_in_from(hub: Plugged) -> None:
    shop = Shop(hub, per_hour=2)
    to = f"{NUMBER}+{shop.token(recipients=[f'+{NUMBER}'])}"
    mails = [shop.mail(to=to, sender=f"{name}@device.example") for name in "abc"]
    assert [shop.take(raw, NOTHING).code for raw in mails] == ["", "", "held_sender_cap"]


def test_days_are_counted_too(hub: Plugged) -> None:
    shop = Shop(hub, per_hour=2, per_day=3)
    for _ in range(3):
        assert shop.take(shop.mail()).state == "accepted"
        hub.engine.clock.forward(hours=1)
    assert shop.take(shop.mail()).code == "held_sender_cap"
    assert shop.letters[-1][1]["facts"] == {"most": 3, "period": "a day"}
    hub.engine.clock.forward(hours=22)
    assert shop.take(shop.mail()).state == "accepted"


def test_people_are_counted_and_not_mails(hub: Plugged) -> None:
    shop = Shop(hub, per_hour=3)
    assert shop.take(shop.mail(to=[NUMBER, OTHER])).state == "accepted"
    assert shop.take(shop.mail(to=[NUMBER, OTHER])).code == "held_sender_cap"
    assert shop.take(shop.mail()).state == "accepted"


def test_whom_no_sms_goes_to_counts_for_nothing_and_alone_is_refused(hub: Plugged) -> None:
    shop = Shop(hub, per_hour=2)
    assert shop.take(shop.mail(to=[NUMBER, "85251234567"])).state == "accepted"
    ((_, told),) = shop.letters
    assert [(one["status"], one["why"]) for one in told["people"]] == [
        ("queued", None),
        ("refused", "unpriced_country"),
    ]
    assert shop.take(shop.mail()).state == "accepted"
    assert shop.take(shop.mail(to="85251234567")).code == "held_sender_cap"
    hub.engine.clock.forward(hours=2)
    assert shop.take(shop.mail(to="85251234567")).code == "refused"
    assert sorted(row.people for row in shop.rows(sendings)) == [0, 0, 1, 1]


def test_a_token_alone_has_its_own_day(shop: Shop) -> None:
    token = shop.token(recipients=[f"+{NUMBER}"], per_day=2)
    for sender in ("a@device.example", "b@device.example"):
        assert shop.take(shop.mail(to=f"{NUMBER}+{token}", sender=sender), NOTHING).state == "accepted"
    over = shop.take(shop.mail(to=f"{NUMBER}+{token}", sender="c@device.example"), NOTHING)
    assert (over.state, over.code) == ("held", "held_sender_cap")
    other = shop.token(recipients=[f"+{NUMBER}"], per_day=2)
    assert shop.take(shop.mail(to=f"{NUMBER}+{other}", sender=BOB), NOTHING).state == "accepted"
    assert shop.take(shop.mail(to=f"{NUMBER}+{token}")).state == "accepted"  # proven, she needs no token


def test_what_waits_counts_once_it_is_sent_and_a_cap_holds_for_the_confirmed_too(hub: Plugged) -> None:
    shop = Shop(hub, per_hour=1)
    shop.take(shop.mail("1"), envelope=(shop.to(OTHER),))
    question = shop.question()
    assert shop.take(shop.mail("2")).state == "accepted"
    assert shop.take(shop.mail("OK", to=question)).code == "held_sender_cap"
    assert (shop.numbers, shop.mails[0].state) == ([int(NUMBER)], "held")
    hub.engine.clock.forward(minutes=61)
    assert shop.take(shop.mail("OK", to=question)).state == "done"
    assert shop.take(shop.mail("3")).code == "held_sender_cap"


def test_a_group_above_a_cap_is_told_so_before_anybody_is_asked(hub: Plugged) -> None:
    shop = Shop(hub, per_hour=3, confirm_above=2)
    hub.engine.group(hub.account(shop.visitor), *(f"+336120001{place:02}" for place in range(15, 19)), name="Clients")
    assert shop.take(shop.mail(to="g-clients")).code == "held_sender_cap"
    assert shop.letters[0][1]["people"] == 4


def test_two_mails_at_once_do_not_pass_a_cap_together(hub: Plugged) -> None:
    shop = Shop(hub, per_hour=1)
    mails, start = [shop.mail("1"), shop.mail("2")], Barrier(2)
    outcomes: list[Outcome] = []

    def come(raw: bytes) -> None:
        start.wait()
        outcomes.append(shop.take(raw))

    threads = [Thread(target=come, args=(raw,)) for raw in mails]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(one.state for one in outcomes) == ["accepted", "held"]
    assert len(shop.messages) == 1
    assert sorted(row.people for row in shop.rows(sendings)) == [0, 1]
