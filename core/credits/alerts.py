"""The credit alert: one mail for each downward crossing of the account's threshold, armed again by a top-up."""

from sqlalchemy import select, update

from core import events, jobs, letters
from core.credits.tariff import from_millicredits
from core.errors import Refused
from core.runtime import Runtime, Tx
from core.schema import accounts, ledger_accounts


def check(tx: Tx, account_id: str) -> None:
    """After credits went: if the account fell below its threshold and the alert is armed, tell it, once."""
    alert = tx.one(select(accounts.c.alert_threshold, accounts.c.alert_armed).where(accounts.c.id == account_id))
    if alert is None or not alert.alert_threshold or not alert.alert_armed:
        return
    available = _available(tx, account_id)
    armed = (accounts.c.id == account_id) & accounts.c.alert_armed
    if available < alert.alert_threshold and tx.execute(update(accounts).where(armed).values(alert_armed=False)):
        fact = {"available": available, "threshold": alert.alert_threshold, "at": tx.now}
        events.emit(tx, account_id, "credits.low", [fact])
        jobs.add(tx, account_id, "mail.credits_low", tx.new_id())


def rearm(tx: Tx, account_id: str) -> None:
    """After credits came: arm the alert again if the account is back above its threshold."""
    back = (accounts.c.alert_threshold <= _available(tx, account_id)) & accounts.c.alert_armed.is_(False)
    tx.execute(update(accounts).where(accounts.c.id == account_id, back).values(alert_armed=True))


def set_threshold(tx: Tx, account_id: str, millicredits: int) -> None:
    """At what balance to warn; 0 for never. Another threshold arms the alert, and warns at once if the balance is below already."""
    if millicredits < 0:
        raise Refused.at("/threshold", "invalid_amount", "The threshold is a number of credits, or 0 for no alert.")
    other = (accounts.c.id == account_id) & (accounts.c.alert_threshold != millicredits)
    tx.execute(update(accounts).where(other).values(alert_threshold=millicredits, alert_armed=True))
    check(tx, account_id)


def _available(tx: Tx, account_id: str) -> int:
    mine = (ledger_accounts.c.account_id == account_id) & (ledger_accounts.c.kind == "available")
    return int(tx.scalar(select(ledger_accounts.c.balance).where(mine)))


def send_mail(runtime: Runtime, account_id: str) -> None:
    """The mail itself."""
    with runtime.read() as tx:
        account = tx.one(select(accounts.c.name, accounts.c.alert_threshold).where(accounts.c.id == account_id))
        if account is None:
            return
        available = _available(tx, account_id)
    left, threshold = from_millicredits(available), from_millicredits(account.alert_threshold)
    body = f"The account {account.name} has {left} credits left; you asked to be told below {threshold}.\n"
    letters.tell(runtime, account_id, f"{left} SMS credits left", body)
