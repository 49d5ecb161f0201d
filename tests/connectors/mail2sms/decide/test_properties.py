"""Whatever comes, however often, in whatever order, and wherever a process ends: one SMS for each mail and person, and none of nobody."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count
from typing import Final

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from connectors.mail2sms.mail import Proof
from tests.support.mail2sms import ANNE, NOTHING, PROVEN, Shop
from tests.support.plugged import Plugged

MANY: Final = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
PEOPLE: Final = ("33612000015", "33612000115", "33612000215")
POINTS: Final = (None, "mail.kept", "mail.read", "mail.accepted")
SHOPS: Final = count()


class Killed(Exception):  # noqa: N818 - what happens
    """The process ends here."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """One of the mails comes: as it is or by another way, to all of its people or to one, and the process ends at a point."""

    mail: int
    way: int
    only: int | None
    ends_at: str | None


deliveries = st.builds(
    Delivery,
    mail=st.integers(0, 2),
    way=st.integers(0, 2),
    only=st.none() | st.integers(0, 2),
    ends_at=st.sampled_from(POINTS),
)
recipients = st.lists(st.sampled_from(PEOPLE), min_size=1, max_size=3, unique=True)


def arrive(shop: Shop, raw: bytes, to: Sequence[str], one: Delivery) -> None:
    def fault(point: str) -> None:
        if point == one.ends_at:
            raise Killed(point)

    whole = shop.visit
    shop.visit = replace(whole, runtime=shop.hub.runtime.as_of(fault=fault))
    copy = b"Received: by way %d\n" % one.way + raw
    if one.only is not None:
        copy = f"Delivered-To: {shop.to(to[one.only % len(to)])}\n".encode() + copy
    with suppress(Killed):
        shop.take(copy)
    shop.visit = whole


@MANY
@given(whom=st.lists(recipients, min_size=3, max_size=3), came=st.lists(deliveries, max_size=12))
def test_each_mail_is_one_sms_for_each_of_its_people(hub: Plugged, whom: list[list[str]], came: list[Delivery]) -> None:
    shop = Shop(hub, f"shop{next(SHOPS)}")
    mails = [shop.mail(f"mail {place}", to=to) for place, to in enumerate(whom)]
    for one in came:
        arrive(shop, mails[one.mail], whom[one.mail], one)
    for place, raw in enumerate(mails):
        assert shop.take(b"Received: at last\n" + raw).state in {"accepted", "duplicate"}
        made = [row.number for row in shop.messages if row.text.startswith(f"mail {place} ")]
        assert sorted(made) == sorted(map(int, whom[place]))
    assert shop.funds.held == 1000 * len(shop.messages)
    accepted = sum(row.state == "accepted" for row in shop.mails)
    assert [kind for kind, _ in shop.letters] == ["accepted"] * accepted


proofs = st.builds(
    Proof, aligned=st.just(value=False), covered=st.just(PROVEN.covered), spf=st.booleans(), temporary=st.booleans()
)
senders = st.sampled_from([ANNE, "ANNE@shop.example", "bob@else.example", "anne@shop.example.else.example"])
addresses = st.sampled_from(
    [*PEOPLE, f"{PEOPLE[0]}+aaaabbbbccccdddd", "g-clients", "list", "c-hello", f"{PEOPLE[1]}.test"]
)


@MANY
@given(proof=proofs, sender=senders, to=st.lists(addresses, min_size=1, max_size=4, unique=True), by_smtp=st.booleans())
def test_a_from_alone_sends_nothing_and_is_told_nothing(
    hub: Plugged, proof: Proof, sender: str, to: list[str], *, by_smtp: bool
) -> None:
    shop = Shop(hub, f"shop{next(SHOPS)}")
    hub.engine.group(hub.account(shop.visitor), *(f"+{one}" for one in PEOPLE), name="Clients")
    envelope = tuple(map(shop.to, to)) if by_smtp else ()
    assert shop.take(shop.mail(to=to, sender=sender), proof, envelope=envelope).state in {"rejected", "retry"}
    hub.work()
    assert (shop.messages, shop.letters, shop.funds.held) == ([], [], 0)


ways = st.sampled_from(["number", "token", "thread", "group", "confirmed"])


@MANY
@given(out=st.sets(st.sampled_from(PEOPLE), min_size=1), came=st.lists(ways, min_size=1, max_size=5))
def test_who_opted_out_is_sent_nothing_by_any_way(hub: Plugged, out: set[str], came: list[str]) -> None:
    shop = Shop(hub, f"shop{next(SHOPS)}")
    account = hub.account(shop.visitor)
    hub.engine.group(account, *(f"+{one}" for one in PEOPLE), name="Clients")
    shop.take(shop.mail("before", to=PEOPLE[0]))
    thread, token = shop.thread(PEOPLE[0]), shop.token(recipients=[f"+{one}" for one in PEOPLE])
    shop.take(shop.mail("held"), envelope=tuple(map(shop.to, PEOPLE)))
    question = shop.question()
    hub.work()
    before = len(shop.messages)
    for number in sorted(out):
        hub.engine.block(account, int(number))
    for way in came:
        to = {"number": PEOPLE, "token": [f"{one}+{token}" for one in PEOPLE], "thread": thread, "group": "g-clients"}
        answer = way == "confirmed"
        proof = NOTHING if way == "token" else PROVEN
        shop.take(shop.mail("OK" if answer else "after", to=question if answer else to[way]), proof)
    hub.work()
    after = shop.messages[before:]
    sent = {row.number for row in after if row.status != "blacklisted"}
    assert not sent & set(map(int, out))
    assert all(row.millicredits == 0 for row in after if str(row.number) in out)
