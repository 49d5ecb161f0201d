"""What holds of grants and their tokens, whatever clients, thieves, people and time do, in any order."""

from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test
from sqlalchemy import func, select

from core import Database, accounts
from hub.oauth import clients, grants, secret, tidy, tokens
from hub.oauth.asked import Answer, Asking
from hub.oauth.flows import Giver
from hub.oauth.provider import Provider
from hub.oauth.tables import oauth_codes, oauth_grants, oauth_tokens
from tests.properties.conftest import Fresh
from tests.support.examples import examples
from tests.support.provider import BACK, CHALLENGE, VERIFIER
from tests.support.world import ManualClock, runtime_on

ISSUER = "https://sms.example"
MOST = 2  # families
PLACE = st.integers(min_value=0, max_value=MOST - 1)
NEWEST = st.sampled_from([0, 0, 1, 1, 2, 3])  # which refresh token, counted back from the newest
MINE = st.sampled_from([True, True, True, False])  # the client's own, or a thief's who got hold of it
STEPS = st.sampled_from([1, 29, 30, 31, 31, 59, 61, 3_601, 6 * 86_400, 61 * 86_400])


@dataclass(slots=True)
class Refresh:
    """A refresh token as its client has it: when it was drawn, and when and for what it was spent."""

    plain: str
    born: int
    spent: int | None = None
    successor: "Refresh | None" = None
    access: str = ""

    @property
    def ends(self) -> int:
        whole = self.born + tokens.REFRESH_MS
        return whole if self.spent is None else min(whole, self.spent + tokens.SPENT_MS)


@dataclass(slots=True)
class Family:
    """One consent, and all that came of it."""

    grant_id: str
    code: str
    born: int
    ended: bool = False
    used: bool = False
    line: list[Refresh] = field(default_factory=list)
    accesses: dict[str, int] = field(default_factory=dict)


class Grants(RuleBasedStateMachine):
    """A client and a thief, who is a client too and gets hold of everything."""

    fresh: Fresh

    @initialize()
    def open(self) -> None:
        url, _ = self.fresh()
        self.clock = ManualClock()
        self.runtime = runtime_on(Database(url), clock=self.clock)
        self.families: list[Family] = []
        with self.runtime.begin() as tx:
            account = accounts.create(tx, "Acme")
            user_id = accounts.create_user(tx, account.id, "ann@example.com", "owner", None, "test")
            self.giver = Giver(user_id, account.id, "owner")
            wanted = [clients.Wanted(name, [BACK], ["stats:read", "credits:read"]) for name in ("Shop", "Thief")]
            made = [clients.create(self.runtime, tx, one, "test") for one in wanted]
        self.shop, self.thief = ({"client_id": one.id, "client_secret": own or ""} for one, own in made)
        self.consent()
        self.redeem(0, mine=True, knows=True)

    def teardown(self) -> None:
        if hasattr(self, "runtime"):
            self.runtime.database.close()

    def asked(self, path: str, parameters: dict[str, str]) -> Asking:
        return Asking("POST", f"{ISSUER}{path}", parameters)

    def token(self, mine: bool, **parameters: str) -> Answer:
        asking = self.asked("/oauth/token", (self.shop if mine else self.thief) | parameters)
        with self.runtime.begin() as tx:
            return Provider(self.runtime, tx, ISSUER).token(asking)

    def family(self, place: int) -> Family | None:
        return self.families[place] if place < len(self.families) else None

    def given(self, family: Family, body: Any) -> Refresh:
        """What a client keeps of an answer."""
        made = Refresh(body["refresh_token"], self.clock.now, access=body["access_token"])
        family.line.append(made)
        family.accesses[body["access_token"]] = self.clock.now + tokens.ACCESS_MS
        return made

    @rule()
    def consent(self) -> None:
        if len(self.families) == MOST:
            return
        asked = {"response_type": "code", "client_id": self.shop["client_id"], "redirect_uri": BACK}
        asked |= {"code_challenge": CHALLENGE, "code_challenge_method": "S256"}
        with self.runtime.begin() as tx:
            answer = Provider(self.runtime, tx, ISSUER).decided(self.asked("/oauth/authorize", asked), self.giver)
        code = (answer.location or "").partition("code=")[2].partition("&")[0]
        with self.runtime.read() as tx:
            grant_id = tx.scalar(select(oauth_codes.c.grant_id).where(oauth_codes.c.digest == secret.digest(code)))
        self.families.append(Family(grant_id, code, self.clock.now))

    @rule(place=PLACE, mine=MINE, knows=MINE)
    def redeem(self, place: int, mine: bool, knows: bool) -> None:
        family = self.family(place)
        if family is None:
            return
        verifier = VERIFIER if knows else VERIFIER[::-1]
        asked = {
            "grant_type": "authorization_code",
            "code": family.code,
            "redirect_uri": BACK,
            "code_verifier": verifier,
        }
        answer = self.token(mine, **asked)
        right = mine and knows and not family.ended
        if right and not family.used and self.clock.now < family.born + 60_000:
            assert answer.status == 200, answer.body
            self.given(family, answer.body)
            family.used = True
            return
        assert (answer.status, answer.body["error"]) == (400, "invalid_grant")
        family.ended |= right and family.used  # a stranger's second use, or a guess, ends nothing

    @rule(place=PLACE, back=NEWEST, mine=MINE)
    def refresh(self, place: int, back: int, mine: bool) -> None:
        family = self.family(place)
        if family is None or back >= len(family.line):
            return
        token = family.line[-1 - back]
        answer = self.token(mine, grant_type="refresh_token", refresh_token=token.plain)
        if not mine or family.ended or self.clock.now >= token.ends:
            assert (answer.status, answer.body["error"]) == (400, "invalid_grant")
        elif token.spent is None:
            assert answer.status == 200, answer.body
            token.spent, token.successor = self.clock.now, self.given(family, answer.body)
        elif self.clock.now - token.spent <= tokens.GRACE_MS:
            assert token.successor
            same = token.successor.plain, token.successor.access
            assert (answer.body["refresh_token"], answer.body["access_token"]) == same
        else:
            assert (answer.status, answer.body["error"]) == (400, "invalid_grant")
            family.ended = True

    @rule(place=PLACE, back=NEWEST, mine=MINE)
    def revoke(self, place: int, back: int, mine: bool) -> None:
        family = self.family(place)
        if family is None or back >= len(family.line):
            return
        token = family.line[-1 - back]
        asking = self.asked("/oauth/revoke", (self.shop if mine else self.thief) | {"token": token.plain})
        with self.runtime.begin() as tx:
            answer = Provider(self.runtime, tx, ISSUER).revocation(asking)
        known = not family.ended and self.clock.now < token.ends
        assert answer.status == (400 if known and not mine else 200)
        family.ended |= known and mine

    @rule(place=PLACE)
    def person_ends_it(self, place: int) -> None:
        family = self.family(place)
        if family is not None:
            with self.runtime.begin() as tx:
                grants.end(tx, family.grant_id, "revoked", "test")
            family.ended = True

    @rule(place=PLACE)
    def comes_late(self, place: int) -> None:
        """What would take luck: a token that was spent is used again when its successor may not be had any more."""
        self.refresh(place, 0, mine=True)
        self.clock.forward(seconds=31)
        self.refresh(place, 1, mine=True)

    @rule(seconds=STEPS)
    def wait(self, seconds: int) -> None:
        self.clock.forward(seconds=seconds)

    @rule()
    def clear_up(self) -> None:
        """What is swept away is dead already."""
        while tidy.tidy(self.runtime):
            pass

    @invariant()
    def a_family_has_one_refresh_token_at_most_that_could_be_used(self) -> None:
        mine = oauth_tokens.join(oauth_grants, oauth_grants.c.id == oauth_tokens.c.grant_id)
        unspent = (oauth_tokens.c.kind == "refresh") & oauth_tokens.c.spent_at.is_(None)
        living = unspent & oauth_grants.c.ended_at.is_(None) & (oauth_tokens.c.ends_at > self.clock.now)
        counted = select(func.count()).select_from(mine).where(living).group_by(oauth_tokens.c.grant_id)
        with self.runtime.read() as tx:
            assert all(row[0] == 1 for row in tx.all(counted))

    @invariant()
    def an_access_token_opens_the_door_until_its_end_or_its_familys(self) -> None:
        for family in self.families:
            for token, ends in family.accesses.items():
                with self.runtime.read() as tx:
                    opens = tokens.by_access(tx, token) is not None
                assert opens == (not family.ended and self.clock.now < ends)


def test_grants_and_tokens_hold_under_any_use_and_abuse(fresh: Fresh) -> None:
    class Here(Grants):
        pass

    Here.fresh = staticmethod(fresh)
    run_state_machine_as_test(Here, settings=examples(12, stateful_step_count=30))
