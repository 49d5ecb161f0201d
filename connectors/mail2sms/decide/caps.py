"""How much mails may send: by who wrote, by the account, by the token that let a mail in. Counted in what was sent."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

from sqlalchemy import ColumnElement, case, func, select

from connectors.mail2sms.decide.plan import Plan
from connectors.mail2sms.mail import Wrong
from connectors.mail2sms.settings import Office
from connectors.mail2sms.tables import sendings, tokens
from core import Tx

HOUR_MS: Final = 3600 * 1000
DAY_MS: Final = 24 * HOUR_MS
AN_HOUR: Final = "an hour"
A_DAY: Final = "a day"


def over(tx: Tx, office: Office, sender: str, plan: Plan) -> Wrong | None:
    """The cap that this would pass, if there is one. Whoever asks has the account's ledger locked: nobody else sends meanwhile."""
    return next(_passed(tx, office, sender, plan), None)


def _passed(tx: Tx, office: Office, sender: str, plan: Plan) -> Iterator[Wrong]:
    of_installation = sendings.c.installation_id == office.id
    hour, day = _counted(tx, of_installation & (sendings.c.sender == sender.lower()))
    yield from _above("held_sender_cap", plan.count, (hour, office.per_hour, AN_HOUR), (day, office.per_day, A_DAY))
    hour, day = _counted(tx, of_installation)
    caps = (hour, office.account_per_hour, AN_HOUR), (day, office.account_per_day, A_DAY)
    yield from _above("held_account_cap", plan.count, *caps)
    for token_id, count in _by_token(plan).items():
        # Whoever has a token may write any From: by that alone there would be no end to it.
        most = tx.scalar(select(tokens.c.per_day).where(tokens.c.id == token_id)) or office.per_day
        hour, day = _counted(tx, sendings.c.token_id == token_id)
        yield from _above("held_sender_cap", count, (hour, office.per_hour, AN_HOUR), (day, most, A_DAY))


def _above(code: str, count: int, *caps: tuple[int, int, str]) -> Iterator[Wrong]:
    for sent, most, period in caps:
        if sent + count > most:
            yield Wrong(code, {"most": most, "period": period})


def _counted(tx: Tx, whose: ColumnElement[bool]) -> tuple[int, int]:
    """How many people were sent something in the last hour and day."""
    lately = case((sendings.c.created_at > tx.now - HOUR_MS, sendings.c.people), else_=0)
    sums = select(func.coalesce(func.sum(lately), 0), func.coalesce(func.sum(sendings.c.people), 0))
    ((hour, day),) = tx.tuples(sums.where(whose, sendings.c.created_at > tx.now - DAY_MS))
    return int(hour), int(day)


def _by_token(plan: Plan) -> Counter[str]:
    counts: Counter[str] = Counter()
    for part in plan.parts:
        if part.token_id is not None:
            counts[part.token_id] += part.people
    return counts
