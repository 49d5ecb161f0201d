"""Groups, lists and templates: campaigns, and above a number of people only once their sender has said so twice."""

import base64
from collections.abc import Sequence

import pytest

from connectors.mail2sms.tables import sendings
from core import campaigns, contacts, templates
from tests.support.mail2sms import NOTHING, NUMBER, OTHER, Shop
from tests.support.plugged import Plugged


def people(count: int, first: int = 33612000015) -> list[str]:
    """So many numbers, whose messages the simulator simply delivers."""
    return [f"+{first + 100 * place}" for place in range(count)]


def with_list(
    shop: Shop, lines: Sequence[str], text: str = "Bonjour $prenom", to: str = "list", **headers: str
) -> bytes:
    """A mail with a CSV attachment."""
    attached = base64.b64encode("\r\n".join(lines).encode()).decode()
    body = (
        f"--b\nContent-Type: text/plain; charset=utf-8\n\n{text}\n--b\nContent-Type: text/csv; charset=utf-8\n"
        f"Content-Disposition: attachment; filename=clients.csv\nContent-Transfer-Encoding: base64\n\n{attached}\n--b--"
    )
    return shop.mail(body, to=to, **{"Content-Type": "multipart/mixed; boundary=b"} | headers)


def texts(shop: Shop) -> dict[int, str]:
    """What was made for whom, once all is done."""
    shop.hub.work()
    return {row.number: row.text for row in shop.messages}


def test_a_group_of_few_is_sent_at_once_as_a_campaign(shop: Shop) -> None:
    shop.hub.engine.group(shop.hub.account(shop.visitor), *people(3), name="Clients fidèles")
    assert shop.take(shop.mail("Soldes samedi", to="g-clients-fideles")).state == "accepted"
    assert len(texts(shop)) == 3
    ((_, told),) = shop.letters
    assert (told["credits"], told["people"]) == (3, [{"group": "clients-fideles", "people": 3, "status": "queued"}])
    (row,) = shop.rows(sendings)
    assert (row.people, row.number, row.campaign_id is None) == (3, None, False)
    with shop.hub.runtime.read() as tx:
        campaign = campaigns.get(tx, shop.account_id, row.campaign_id)
    assert (campaign.name, campaign.source, campaign.reference) == ("Rendez-vous", "mail2sms", shop.mails[0].id)


def test_a_group_that_grew_while_it_waited_is_asked_about_again(shop: Shop) -> None:
    """What was told is what is agreed to: 21 people, and no 24."""
    whose = shop.hub.account(shop.visitor)
    group_id = shop.hub.engine.group(whose, *people(21), name="Clients")
    shop.take(shop.mail("Soldes samedi", to="g-clients"))
    with shop.hub.runtime.begin() as tx:
        for number in people(3, 33612100015):
            contacts.create(tx, shop.account_id, {"number": number, "groups": [group_id]}, "test")
    assert shop.take(shop.mail("OK", to=shop.question())).code == "held_list"
    assert texts(shop) == {}
    asked = [(kind, told["people"], told["credits"]) for kind, told in shop.letters]
    assert asked == [("held", 21, 21), ("held", 24, 24)]
    assert shop.take(shop.mail("OK", to=shop.question(shop.mails[0].id))).state == "done"
    assert len(texts(shop)) == 24
    assert [row.people for row in shop.rows(sendings) if row.people] == [24]


def test_a_group_of_many_waits_for_its_senders_word_with_its_price(shop: Shop) -> None:
    shop.hub.engine.group(shop.hub.account(shop.visitor), *people(21), name="Clients")
    outcome = shop.take(shop.mail("Soldes samedi", to="g-clients"))
    assert (outcome.state, outcome.code) == ("held", "held_list")
    ((kind, told),) = shop.letters
    assert (kind, told["people"], told["credits"], told["facts"]) == ("held", 21, 21, {"count": 21})
    assert texts(shop) == {}
    assert shop.take(shop.mail("OK", to=shop.question())).state == "done"
    assert set(texts(shop).values()) == {"Soldes samedi STOP 36034"}
    assert len(shop.messages) == 21
    assert [row.state for row in shop.mails] == ["accepted", "done"]


def test_a_list_is_sent_with_what_stands_beside_its_numbers(shop: Shop) -> None:
    raw = with_list(shop, ["mobile;prénom;ville", f"{NUMBER};Zoé;Lyon", "06 87 65 43 21;Max;", "0196123456;Bob;Nice"])
    assert shop.take(raw).state == "accepted"
    assert texts(shop) == {int(NUMBER): "Bonjour Zoé STOP 36034", int(OTHER): "Bonjour Max STOP 36034"}
    assert shop.take(b"Received: again\n" + raw).state == "duplicate"
    assert len(texts(shop)) == 2


def test_a_list_that_was_sent_is_not_sent_again_with_a_group_beside_it(shop: Shop) -> None:
    shop.hub.engine.group(shop.hub.account(shop.visitor), *people(2), name="Clients")
    lines, same = ["number", f"+{NUMBER}", f"+{OTHER}"], {"Message-ID": "<a@b>"}
    assert shop.take(with_list(shop, lines, **same)).state == "accepted"
    both = with_list(shop, lines, **same).replace(b"To: ", f"To: {shop.to('g-clients')}, ".encode(), 1)
    assert shop.take(both).state == "accepted"
    assert len(texts(shop)) == len(shop.messages) == 4


def test_a_list_of_many_waits(shop: Shop) -> None:
    raw = with_list(shop, ["number", *people(25), *people(25)])
    assert shop.take(raw).code == "held_list"
    assert shop.letters[0][1]["facts"] == {"count": 25}


def test_a_list_goes_nowhere_but_to_its_address(shop: Shop) -> None:
    assert shop.take(with_list(shop, ["number", *people(3)], "Bonjour", to=OTHER)).state == "accepted"
    assert list(texts(shop)) == [int(OTHER)]


@pytest.mark.parametrize("lines", [["number", "0196123456"], ["name", "Zoé"]])
def test_a_list_without_a_number_is_refused(shop: Shop, lines: list[str]) -> None:
    assert shop.take(with_list(shop, lines)).code == "list_unreadable"


def test_groups_and_lists_are_never_sent_for_who_is_not_proven(shop: Shop) -> None:
    shop.hub.engine.group(shop.hub.account(shop.visitor), *people(3), name="Clients")
    for raw in (shop.mail(to="g-clients"), with_list(shop, ["number", *people(3)])):
        assert shop.take(raw, NOTHING).code == "unproven"
    assert texts(shop) == {}


def test_a_number_and_a_group_that_has_it_are_one_sms(shop: Shop) -> None:
    shop.hub.engine.group(shop.hub.account(shop.visitor), f"+{NUMBER}", f"+{OTHER}", name="Clients")
    assert shop.take(shop.mail("Bonjour", to=[NUMBER, "g-clients"])).state == "accepted"
    assert sorted(texts(shop)) == [int(NUMBER), int(OTHER)]
    assert len(shop.messages) == 2


def test_a_template_says_the_text_to_who_is_named_beside_it(shop: Shop) -> None:
    with shop.hub.runtime.begin() as tx:
        templates.create(tx, shop.account_id, "Bon anniversaire", "Joyeux anniversaire $prenom !")
    assert shop.take(shop.mail("", to=[NUMBER, "c-bon-anniversaire"])).state == "accepted"
    raw = with_list(shop, ["number;prenom", f"{OTHER};Max"], "", to="c-bon-anniversaire")
    assert shop.take(raw).state == "accepted"
    assert texts(shop) == {
        int(NUMBER): "Joyeux anniversaire  ! STOP 36034",
        int(OTHER): "Joyeux anniversaire Max ! STOP 36034",
    }
    assert shop.take(shop.mail(to=[NUMBER, "c-unknown"])).code == "template_unknown"


def test_copies_of_one_mail_to_a_template_and_a_number_are_one_sms(shop: Shop) -> None:
    with shop.hub.runtime.begin() as tx:
        templates.create(tx, shop.account_id, "Anniversaire", "Joyeux anniversaire !")
    raw = shop.mail("", to=[NUMBER, "c-anniversaire"])
    copies = [f"Delivered-To: {shop.to(one)}\r\n".encode() + raw for one in (NUMBER, "c-anniversaire")]
    assert [shop.take(copy).state for copy in copies] == ["accepted", "duplicate"]
    assert list(texts(shop)) == [int(NUMBER)]


def test_who_opted_out_is_left_out_of_a_group(shop: Shop) -> None:
    account = shop.hub.account(shop.visitor)
    shop.hub.engine.group(account, *people(3), name="Clients")
    shop.hub.engine.block(account, int(people(1)[0][1:]))
    shop.take(shop.mail(to="g-clients"))
    assert len(texts(shop)) == 2


def test_a_list_that_can_not_be_paid_begins_nothing(hub: Plugged) -> None:
    shop = Shop(hub, balance=2)
    outcome = shop.take(with_list(shop, ["number", *people(3)]))
    assert (outcome.state, outcome.code, texts(shop)) == ("rejected", "no_credit", {})
    assert shop.rows(sendings) == []


def test_a_text_that_is_too_long_for_one_of_them_is_told_before_anything_begins(shop: Shop) -> None:
    shop.hub.engine.group(shop.hub.account(shop.visitor), *people(3), name="Clients")
    outcome = shop.take(shop.mail("a" * 155, to="g-clients.p1"))
    assert (outcome.code, shop.letters[0][1]["facts"]) == ("text_too_long", {"segments": 2, "most": 1})
    assert texts(shop) == {}


def test_more_people_by_their_addresses_than_a_mail_may_have_are_refused(shop: Shop) -> None:
    outcome = shop.take(shop.mail(to=[one[1:] for one in people(51)]))
    assert (outcome.code, shop.messages) == ("too_many_recipients", [])
    assert shop.take(shop.mail(to=[one[1:] for one in people(50)])).state == "accepted"
    assert len(shop.messages) == 50
