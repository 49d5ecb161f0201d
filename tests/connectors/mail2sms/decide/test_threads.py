"""Conversations: an answer to somebody's reply is their next SMS."""

from tests.support.mail2sms import ANNE, NOTHING, NUMBER, OTHER, Shop
from tests.support.plugged import Plugged


def test_an_answer_to_a_conversation_is_the_next_sms_to_its_person(shop: Shop) -> None:
    shop.take(shop.mail("A 9 h ?"))
    assert shop.take(shop.mail("Alors à 10 h", to=shop.thread(), References="<a@b>")).state == "accepted"
    assert [one.text for one in shop.messages] == ["A 9 h ? STOP 36034", "Alors à 10 h STOP 36034"]
    assert set(shop.numbers) == {int(NUMBER)}
    assert shop.mails[-1].tier == 3


def test_unproven_it_is_taken_from_the_address_that_the_conversation_is_with_alone(shop: Shop) -> None:
    shop.take(shop.mail())
    thread = shop.thread()
    assert shop.take(shop.mail("Oui", to=thread, sender="Anne@Shop.example"), NOTHING).state == "accepted"
    other = shop.take(shop.mail("Non", to=thread, sender="bob@shop.example"), NOTHING)
    assert (other.state, other.code) == ("rejected", "token_alone")
    assert len(shop.messages) == 2


def test_its_token_is_good_for_its_person_alone(shop: Shop) -> None:
    shop.take(shop.mail())
    token = shop.thread().rpartition("+")[2]
    assert shop.take(shop.mail(to=f"{OTHER}+{token}"), NOTHING).code == "token_alone"
    assert shop.take(shop.mail(to=f"{NUMBER}+{token}"), NOTHING).state == "accepted"
    shop.take(shop.mail(to=OTHER))
    mixed = shop.thread(OTHER).partition("+")[0]
    assert shop.take(shop.mail(to=f"{mixed}+{token}")).code == "token_wrong"
    assert shop.numbers == [int(NUMBER), int(NUMBER), int(OTHER)]


def test_without_its_token_a_proven_allowed_sender_may_still_answer(shop: Shop) -> None:
    shop.take(shop.mail())
    bare = shop.thread().partition("+")[0]
    assert shop.take(shop.mail(to=bare), NOTHING).code == "unproven"
    assert shop.take(shop.mail(to=bare)).state == "accepted"


def test_one_that_is_over_is_told_to_who_certainly_wrote(shop: Shop, hub: Plugged) -> None:
    shop.take(shop.mail())
    thread = shop.thread()
    hub.engine.clock.forward(days=31)
    assert shop.take(shop.mail(to=thread), NOTHING).code == "thread_over"
    assert len(shop.letters) == 1
    assert shop.take(shop.mail(to=thread)).code == "thread_over"
    assert [kind for kind, _ in shop.letters] == ["accepted", "rejected"]


def test_another_shops_conversation_is_none(shop: Shop, hub: Plugged) -> None:
    other = Shop(hub, "other")
    other.take(other.mail())
    theirs = other.thread().partition("+")[0]
    assert shop.take(shop.mail(to=theirs)).code == "thread_over"


def test_who_opted_out_meanwhile_is_not_texted(shop: Shop, hub: Plugged) -> None:
    shop.take(shop.mail())
    thread = shop.thread()
    hub.work()
    hub.engine.reply(int(NUMBER), "STOP")
    assert shop.take(shop.mail("Encore un mot", to=thread)).state == "accepted"
    assert [row.status for row in shop.messages if "mot" in row.text] == ["blacklisted"]
    assert ANNE in {row.sender for row in shop.mails}
