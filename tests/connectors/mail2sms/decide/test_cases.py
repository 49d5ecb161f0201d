"""The cases of the contract that are decided here, from bytes to messages, by their numbers."""

from dataclasses import replace
from email.message import EmailMessage

import pytest

from connectors.mail2sms.mail import Proof
from connectors.mail2sms.tables import sendings
from tests.support.mail2sms import ANNE, NOTHING, NUMBER, OTHER, PROVEN, Shop
from tests.support.plugged import Plugged

WORD = Proof(aligned=True)  # our mail server's, for a signature that nobody here saw
BY_SPF = Proof(aligned=True, spf=True)


def test_case_01_a_plain_mail_of_an_allowed_sender_that_is_signed_is_sent(shop: Shop) -> None:
    assert shop.take(shop.mail("Votre commande est prête.")).state == "accepted"
    (message,) = shop.messages
    assert (message.number, message.source, message.purpose) == (int(NUMBER), "mail2sms", "notification")
    assert message.text == "Votre commande est prête. STOP 36034"
    (mail,) = shop.mails
    assert (mail.state, mail.sender, mail.tier, mail.recipients, mail.attempts) == ("accepted", ANNE, 2, 1, 1)
    assert message.reference == mail.id
    ((kind, told),) = shop.letters
    assert (kind, told["text"], told["credits"], told["segments"]) == ("accepted", message.text, 1, 1)
    assert told["people"] == [{"number": int(NUMBER), "status": "queued", "segments": 1, "credits": 1, "why": None}]
    shop.hub.work()
    assert [one.text for one in shop.hub.engine.taken()] == [message.text]


def test_case_02_of_html_only_what_is_seen_is_sent(shop: Shop) -> None:
    made = EmailMessage()
    made["From"], made["To"], made["Message-ID"] = ANNE, shop.to(), "<html@shop.example>"
    made.set_content('<p style="display:none">A voir aussi</p><p>Votre <b>colis</b> est là</p>', subtype="html")
    assert shop.take(made.as_bytes()).state == "accepted"
    assert [one.text for one in shop.messages] == ["Votre colis est là STOP 36034"]


def test_case_18_and_19_an_allowed_address_in_a_name_or_beside_another_gets_nothing_sent(shop: Shop) -> None:
    two = shop.take(shop.mail(sender=f"{ANNE}, <evil@else.example>"))
    assert (two.state, two.code) == ("rejected", "from_invalid")
    named = shop.take(shop.mail(sender=f'"{ANNE}" <evil@else.example>'))
    assert named.state == "rejected"
    assert shop.messages == []
    assert shop.letters == []


@pytest.mark.parametrize("sender", ["anne@shöp.example", "anné@shop.example", "anne@shop.example.evil.example"])
def test_case_20_an_address_that_only_looks_allowed_gets_nothing_and_no_answer(shop: Shop, sender: str) -> None:
    assert shop.take(shop.mail(sender=sender)).state == "rejected"
    assert (shop.messages, shop.letters) == ([], [])


def test_case_20_full_width_digits_are_no_address(shop: Shop) -> None:
    outcome = shop.take(shop.mail(), envelope=(shop.to("３３６１２３４５６７８"),))
    assert (outcome.state, outcome.code) == ("rejected", "address_invalid")
    assert shop.messages == []


def test_case_28_a_signed_mail_that_comes_again_is_a_duplicate(shop: Shop) -> None:
    raw = shop.mail(Message_ID="<once@shop.example>")
    first = shop.take(raw)
    again = shop.take(b"Received: from elsewhere\r\n" + raw)
    assert (first.state, again.state, again.code) == ("accepted", "duplicate", "duplicate")
    assert shop.numbers == [int(NUMBER)]
    assert len(shop.letters) == 1


def test_case_29_the_same_message_id_with_another_body_waits_for_its_sender(shop: Shop) -> None:
    shop.take(shop.mail("Rendez-vous à 9 h", Message_ID="<once@shop.example>"))
    other = shop.take(shop.mail("Rendez-vous à 10 h", Message_ID="<once@shop.example>"))
    assert (other.state, other.code) == ("held", "held_changed")
    assert shop.numbers == [int(NUMBER)]
    again = shop.take(b"X-Way: 2\r\n" + shop.mail("Rendez-vous à 10 h", Message_ID="<once@shop.example>"))
    assert again.state == "duplicate"
    assert [kind for kind, _ in shop.letters] == ["accepted", "held"]
    assert shop.take(shop.mail("OK", to=shop.question())).state == "done"
    assert [one.text for one in shop.messages] == ["Rendez-vous à 9 h STOP 36034", "Rendez-vous à 10 h STOP 36034"]


def test_case_30_a_mail_that_its_server_delivers_again_is_one_sms(shop: Shop) -> None:
    raw = shop.mail()
    copies = [b"Received: by mx; %d\r\n%b" % (hop, raw) for hop in range(3)]
    assert [shop.take(copy).state for copy in copies] == ["accepted", "duplicate", "duplicate"]
    assert shop.numbers == [int(NUMBER)]


@pytest.mark.parametrize("message_id", ["", "<>", "garbage with blanks"])
def test_case_31_without_a_message_id_the_same_mail_twice_is_one_sms_and_another_is_another(
    shop: Shop, message_id: str
) -> None:
    raw = shop.mail("A 9 h", Message_ID=message_id)
    assert shop.take(raw).state == "accepted"
    assert shop.take(b"Received: again\r\n" + raw).state == "duplicate"
    assert shop.take(shop.mail("A 10 h", Message_ID=message_id)).state == "accepted"
    assert len(shop.messages) == 2


def test_case_32_who_is_only_in_the_envelope_waits_unless_a_token_or_spf_vouches_for_it(shop: Shop) -> None:
    hidden = shop.take(shop.mail(), envelope=(shop.to(OTHER),))
    assert (hidden.state, hidden.code) == ("held", "held_unsigned_recipient")
    assert shop.take(shop.mail(), BY_SPF, envelope=(shop.to(OTHER),)).state == "accepted"
    assert shop.take(shop.mail(), envelope=(shop.to(f"{OTHER}+{shop.token()}"),)).state == "accepted"
    assert shop.numbers == [int(OTHER)] * 2
    assert [row.tier for row in shop.mails] == [2, 2, 3]


@pytest.mark.parametrize("proof", [PROVEN, WORD])
def test_case_32_what_our_mail_server_says_of_the_only_recipient_is_believed_and_held(shop: Shop, proof: Proof) -> None:
    copy = f"Delivered-To: {shop.to(OTHER)}\r\n".encode() + shop.mail()
    assert shop.take(copy, proof).code == "held_unsigned_recipient"
    assert shop.messages == []
    by_token = f"Delivered-To: {shop.to(f'{OTHER}+{shop.token()}')}\r\n".encode() + shop.mail()
    assert shop.take(by_token, proof).state == "accepted"
    assert shop.numbers == [int(OTHER)]


def test_case_32_a_copy_that_says_nothing_of_its_recipient_goes_by_to_and_cc(shop: Shop) -> None:
    shop.take(shop.mail(to=[NUMBER, OTHER]))
    assert sorted(shop.numbers) == [int(NUMBER), int(OTHER)]


def test_case_33_a_delivered_to_below_the_first_received_is_ignored(shop: Shop) -> None:
    forged = f"Received: by mx\r\nDelivered-To: {shop.to(OTHER)}\r\n".encode() + shop.mail()
    assert shop.take(forged).state == "accepted"
    assert shop.numbers == [int(NUMBER)]


def test_case_34_one_number_in_to_and_cc_however_it_is_written_is_one_sms(shop: Shop) -> None:
    outcome = shop.take(shop.mail(to=["0612345678", "+33612345678"], Cc=shop.to("0033612345678")))
    assert outcome.state == "accepted"
    assert shop.numbers == [int(NUMBER)]


def test_case_36_a_bounce_is_ignored_and_told_in_the_row_of_its_conversation(shop: Shop) -> None:
    shop.take(shop.mail())
    (sending,) = shop.rows(sendings)
    outcome = shop.take(shop.mail(to=shop.thread(), sender="MAILER-DAEMON@shop.example"), returns_to="")
    assert (outcome.state, outcome.code) == ("ignored", "bounce")
    assert sending.id in shop.mails[-1].detail
    assert len(shop.messages) == len(shop.letters) == 1


def test_case_38_a_machine_that_is_expected_to_write_is_sent_for_once_it_is_proven_and_never_answered(
    hub: Plugged,
) -> None:
    shop = Shop(hub, automatic_senders=["alerts@shop.example"], allowed_senders=["@shop.example"])
    alarm = {"sender": "alerts@shop.example", "Auto-Submitted": "auto-generated"}
    assert shop.take(shop.mail("Chambre froide : 9 °C", **alarm)).state == "accepted"
    assert (shop.numbers, shop.letters) == ([int(NUMBER)], [])
    assert shop.take(shop.mail("Chambre froide : 9 °C", **alarm), NOTHING).code == "unproven"
    other = shop.take(shop.mail(sender="else@shop.example", Auto_Submitted="auto-generated"))
    answer = shop.take(shop.mail(sender="alerts@shop.example", Auto_Submitted="auto-replied"))
    assert [one.code for one in (other, answer)] == ["automatic", "automatic"]
    assert len(shop.messages) == 1


def test_case_46_emoji_are_counted_as_they_are_sent_before_any_credit_is(shop: Shop, hub: Plugged) -> None:
    text = "Joyeux Noël 🎄 " * 20  # 67 code units a segment
    for rich in (shop, Shop(hub, "poor", balance=0)):
        outcome = rich.take(rich.mail(text, to=f"{NUMBER}.p2"))
        assert (outcome.state, outcome.code) == ("rejected", "text_too_long")
        ((_, told),) = rich.letters
        assert told["facts"] == {"segments": 5, "most": 2}
        assert rich.messages == []


def test_case_47_without_credits_nothing_is_sent_and_nothing_is_reserved(hub: Plugged) -> None:
    shop = Shop(hub, balance=1)
    before = shop.funds
    outcome = shop.take(shop.mail(to=[NUMBER, OTHER]))
    assert (outcome.state, outcome.code) == ("rejected", "no_credit")
    assert (shop.messages, shop.funds, shop.rows(sendings)) == ([], before, [])
    assert [(kind, told["code"]) for kind, told in shop.letters] == [("rejected", "no_credit")]
    shop.hub.engine.top_up(shop.hub.account(shop.visitor), 10)
    assert shop.take(shop.mail(to=[NUMBER, OTHER])).state == "accepted"


def test_case_48_of_two_the_one_who_opted_out_is_told_and_the_other_is_sent(shop: Shop) -> None:
    shop.hub.engine.block(shop.hub.account(shop.visitor), int(OTHER))
    assert shop.take(shop.mail(to=[NUMBER, OTHER, "0196123456"])).state == "accepted"
    assert {row.number: row.status for row in shop.messages} == {int(NUMBER): "queued", int(OTHER): "blacklisted"}
    ((_, told),) = shop.letters
    assert [(one["number"], one["status"], one["why"]) for one in told["people"]] == [
        (int(NUMBER), "queued", None),
        (int(OTHER), "blacklisted", "opted_out"),
        ("0196123456", "refused", "fixed_line_number"),
    ]
    assert (told["credits"], shop.funds.held) == (1, 1000)
    rows = {row.status: row for row in shop.rows(sendings)}
    assert {status: row.people for status, row in rows.items()} == {"queued": 1, "blacklisted": 1, "refused": 0}


@pytest.mark.parametrize(
    "to, code",
    [
        (f"{NUMBER}.loud", "option_unknown"),
        ("g-nobody", "group_unknown"),
        ("c-nothing", "no_recipient"),
        ("hello", "address_invalid"),
        ("0196123456", "number_invalid"),
        ("list", "list_unreadable"),
    ],
)
def test_case_49_what_means_nothing_is_refused_and_told(shop: Shop, to: str, code: str) -> None:
    outcome = shop.take(shop.mail(to=to))
    assert (outcome.state, outcome.code) == ("rejected", code)
    assert [(kind, told["code"]) for kind, told in shop.letters] == [("rejected", code)]
    assert shop.messages == []


def test_case_50_a_token_is_good_in_any_case_and_not_once_it_is_over(shop: Shop) -> None:
    token = shop.token(recipients=[f"+{NUMBER}"])
    wrong = shop.take(shop.mail(to=f"{NUMBER}+aaaabbbbccccdddd"), NOTHING)
    assert (wrong.state, wrong.code) == ("rejected", "token_wrong")
    assert shop.take(shop.mail(to=f"{NUMBER}+{token.upper()}"), NOTHING).state == "accepted"
    ends = shop.token(recipients=[f"+{NUMBER}"], expires_at="2026-09-22T00:00:00+02:00")
    shop.hub.engine.clock.forward(days=1)
    over = shop.take(shop.mail(to=f"{NUMBER}+{ends}"), NOTHING)
    assert (over.state, over.code) == ("rejected", "token_expired")
    assert shop.numbers == [int(NUMBER)]


def test_case_54_a_signed_mail_to_somebody_else_that_is_sent_on_to_a_number_waits(shop: Shop) -> None:
    private = shop.mail("On se voit à 9 h", to="bob@else.example")
    outcome = shop.take(private, envelope=(shop.to(),))
    assert (outcome.state, outcome.code) == ("held", "held_unsigned_recipient")
    only_from = replace(PROVEN, covered=frozenset({"from", "subject"}))
    assert shop.take(shop.mail(), only_from).code == "held_unsigned_recipient"
    shop.hub.engine.clock.forward(hours=25)
    late = shop.take(shop.mail(Date="Mon, 21 Sep 2026 12:00:00 +0000"))
    assert (late.state, late.code) == ("held", "held_old_signature")
    assert shop.messages == []
