"""Mail: into the folder, and what a campaign that could not be paid says."""

import email
import email.policy
from pathlib import Path

import pytest

from core import PeerError, accounts, campaigns, jobs
from core.database import Database
from core.schema import campaigns as table
from hub import mail
from hub.settings import read
from tests.support.world import NOON, Letters, runtime_on


def folder(path: Path) -> mail.Folder:
    return mail.Folder(path, "hub@example.com", lambda: NOON, lambda: "one")


def test_a_mail_is_a_file_that_a_mail_program_opens(tmp_path: Path) -> None:
    folder(tmp_path / "mail").send("ann@example.com", "Crédits", "Bonjour à tous\n")
    (file,) = (tmp_path / "mail").iterdir()
    assert file.name == "one.eml"
    letter = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
    assert (letter["To"], letter["Subject"], letter["From"]) == ("ann@example.com", "Crédits", "hub@example.com")
    assert letter.get_body().get_content() == "Bonjour à tous\n"  # type: ignore[union-attr]


def test_a_name_with_a_line_end_adds_no_header(tmp_path: Path) -> None:
    folder(tmp_path).send("ann@example.com", "Campaign\r\nBcc: all@example.com", "text\n")
    letter = email.message_from_bytes((tmp_path / "one.eml").read_bytes())
    assert letter["Bcc"] is None


def test_a_connectors_mail_is_a_file_as_it_is_below_whom_it_is_for(tmp_path: Path) -> None:
    letter = b"From: sms@example.com\r\nTo: ann@example.com\r\n\r\n.\r\n\xc3\xa9\r\n"
    folder(tmp_path / "mail").post(letter, "ann@example.com")
    (file,) = (tmp_path / "mail").iterdir()
    assert file.name == "one.eml"
    assert file.read_bytes() == b"X-Envelope-From: <>\r\nX-Envelope-To: <ann@example.com>\r\n" + letter
    assert email.message_from_bytes(file.read_bytes())["From"] == "sms@example.com"


def test_a_folder_that_cannot_be_written_is_an_unavailable_peer(tmp_path: Path) -> None:
    (tmp_path / "mail").write_text("a file is in the way")
    with pytest.raises(PeerError) as wrong:
        folder(tmp_path / "mail").send("ann@example.com", "s", "b\n")
    assert wrong.value.kind == "unavailable"


def test_a_server_that_is_not_there_is_an_unavailable_peer() -> None:
    server = mail.Smtp("smtp://127.0.0.1:1", "hub@example.com", lambda: NOON, lambda: "one")
    with pytest.raises(PeerError) as wrong:
        server.send("ann@example.com", "s", "b\n")
    assert wrong.value.kind == "unavailable"


def test_the_settings_choose_between_the_two(tmp_path: Path) -> None:
    data = {"SMSHUB_DATA": str(tmp_path)}
    to_folder = mail.of(read(data), lambda: NOON, lambda: "one")
    to_server = mail.of(read(data | {"SMSHUB_SMTP_URL": "smtp://mx:25"}), lambda: NOON, lambda: "one")
    assert isinstance(to_folder, mail.Folder)
    assert to_folder.path == tmp_path / "mail"
    assert isinstance(to_server, mail.Smtp)
    assert to_server.url == "smtp://mx:25"


def test_an_account_is_told_of_a_campaign_that_it_could_not_pay(database_url: str) -> None:
    letters = Letters()
    runtime = runtime_on(Database(database_url), mail=letters)
    with runtime.begin() as tx:
        account = accounts.create(tx, "Acme", email="boss@example.com")
        draft = campaigns.CampaignDraft("Bonjour", "Noël", send_at=NOON + 60_000, recipients=({"to": "0612345678"},))
        made = campaigns.create(tx, account, "api", draft)
        tx.execute(table.update().values(status="finished", status_detail="no_credit"))
    job = jobs.Job("01990000-0000-7000-8000-000000000000", account.id, "mail.campaign_unpaid", made.id, 1)
    mail.campaign_unpaid(runtime, job)
    ((to, subject, body),) = letters.sent
    assert (to, subject) == ("boss@example.com", "Campaign not sent: Noël")
    assert "not enough credits" in body
    assert made.id in body
    runtime.database.close()


def test_nobody_is_told_of_a_campaign_that_is_gone(database_url: str) -> None:
    letters = Letters()
    runtime = runtime_on(Database(database_url), mail=letters)
    with runtime.begin() as tx:
        account = accounts.create(tx, "Acme", email="boss@example.com")
    gone = "01990000-0000-7000-8000-000000000000"
    mail.campaign_unpaid(runtime, jobs.Job(gone, account.id, "mail.campaign_unpaid", gone, 1))
    assert letters.sent == []
    runtime.database.close()
