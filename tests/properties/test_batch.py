"""A batch answers what its messages would have been answered one by one, refusals, pointers and prices included."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from tests.properties.conftest import Fresh
from tests.support.engine import Engine
from tests.support.examples import examples
from tests.support.rest import RestClient

STOPPED = "+33612345629"
NUMBERS = st.sampled_from(
    [
        *(f"+336123456{n}" for n in range(20, 28)),
        STOPPED,
        "06 12 34 56 21",
        "+447400123456",
        "+85251234567",
        "123",
        "+33123456789",
    ]
)
TEXTS = st.sampled_from(["Bonjour", 'à 100 % "net"\\', "é\n\t€", "😀 李", "$nom", " ", "", "x" * 200, "x" * 1700])
ODD: st.SearchStrategy[Any] = st.sampled_from([None, 7, 1.0, True, "", "no", [], {}])
OPTIONAL = {
    "sender": st.sampled_from(["Acme", "", "36034", "+33612345678", "x" * 21]),
    "purpose": st.sampled_from(["marketing", "notification", "otp", "", "other"]),
    "send_at": st.sampled_from(
        [
            "2030-01-01T12:00:00+02:00",
            "2030-01-01T10:00:00Z",
            "2030-01-01T10:00:00.000Z",
            "2030-01-02T10:00:00Z",
            "2020-01-01T12:00:00Z",
            "2030-01-01T12:00:00",
            "soon",
            "",
        ]
    ),
    "reference": st.sampled_from(["r1", 'r"2', "50 %s", "", "x" * 141]),
    "stop": st.booleans(),
    "shorten_links": st.booleans(),
    "validity_minutes": st.sampled_from([1, 60, 60.0, 0, 10_081, "60"]),
    "colour": st.just("red"),
}
PLAIN = st.fixed_dictionaries({"to": NUMBERS, "text": TEXTS})
TIMED = st.fixed_dictionaries({"to": NUMBERS, "text": TEXTS, "send_at": OPTIONAL["send_at"]})
ANY = st.one_of(
    PLAIN,
    st.fixed_dictionaries({"to": NUMBERS, "text": TEXTS}, optional=OPTIONAL),
    st.fixed_dictionaries({}, optional={"to": ODD, "text": ODD, "stop": ODD, "validity_minutes": ODD, "sender": ODD}),
)


def test_a_batch_answers_what_single_messages_would(fresh: Fresh) -> None:
    url, folder = fresh()
    engine = Engine(url, folder)
    first = RestClient(engine, engine.account(), folder)

    @examples(25)
    @given(
        drafts=st.one_of(
            st.lists(ANY, min_size=1, max_size=6),
            st.lists(TIMED, min_size=3, max_size=6),
            st.lists(PLAIN, min_size=20, max_size=24),
        ),
        kind=st.sampled_from(["marketing", "notification"]),
        otp=st.booleans(),
        credits_of_it=st.sampled_from([0, 2, 5, 1000]),
    )
    def holds(drafts: list[dict[str, Any]], **account: Any) -> None:
        together, apart = (caller(engine, first, name, **account) for name in ("Together", "Apart"))
        answer = together("POST", "/messages/batch", json={"messages": drafts})
        assert answer.status_code == 200, answer.json
        singles = [apart("POST", "/messages", json=draft).json for draft in drafts]
        assert [item["index"] for item in answer.json["items"]] == list(range(len(drafts)))
        assert [of_batch(item) for item in answer.json["items"]] == [alone(one) for one in singles]
        assert engine.faults() == []
        assert seen(engine, together) == seen(engine, apart)

    holds()
    engine.close()


def caller(engine: Engine, like: RestClient, name: str, kind: str, otp: bool, credits_of_it: int) -> RestClient:
    """Somebody with a new account, whom one number opted out of, at the same hub."""
    account = engine.account(name, kind=kind, otp=otp, credits=credits_of_it)
    engine.block(account, int(STOPPED))
    return like.of(engine, account)


def seen(engine: Engine, client: RestClient) -> tuple[Any, ...]:
    """What there is of an account afterwards: balance, messages in their order, events."""
    listed = client("GET", "/messages?limit=200").json["items"]
    told = engine.facts(client.account, "message.status")
    return engine.balance(client.account), list(map(alone, listed)), [fact["status"] for fact in told]


def alone(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer without what no two have in common."""
    return {name: value for name, value in answer.items() if name not in {"id", "request_id"}}


def of_batch(item: dict[str, Any]) -> dict[str, Any]:
    """An item of a batch as a single message's answer would be."""
    if "message" in item:
        return alone(item["message"])
    place = f"/messages/{item['index']}"
    faults = [fault | {"pointer": fault["pointer"].removeprefix(place)} for fault in item["problem"]["errors"]]
    return alone(item["problem"] | {"errors": faults})
