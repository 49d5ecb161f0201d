"""A hub with pages, on a clock that a test moves: its mail is a folder, and its jobs are done by hand."""

import email
import email.policy
import re
from collections.abc import Mapping
from pathlib import Path

from flask import Flask
from sqlalchemy import select

from core import Database, Runtime, accounts, jobs, schema
from core.accounts import Account
from hub.mail import Folder
from hub.people import passwords
from hub.settings import Settings
from hub.wiring import handlers
from tests.support.browser import Browser
from tests.support.web import application, settings
from tests.support.world import ManualClock, runtime_on

PASSWORD = "correct horse battery"


class Pages:
    """The hub. `browser()` is a new visitor, `letter(to)` what was last mailed to somebody."""

    def __init__(self, url: str, folder: Path, **changes: str) -> None:
        self.clock = ManualClock()
        self.folder = folder / "mail"
        plain = runtime_on(Database(url), clock=self.clock)
        letters = Folder(self.folder, "hub@example.com", self.clock, plain.ids.new)
        self.runtime: Runtime = plain.as_of(mail=letters)
        self.settings: Settings = settings(SMSHUB_DATA=str(folder), **changes)
        self.app = self.made()

    def made(self) -> Flask:
        """The web application."""
        return application(self.runtime, settings=self.settings)

    def close(self) -> None:
        self.runtime.database.close()

    def browser(self, language: str = "en", network: str = "203.0.113.7") -> Browser:
        return Browser(self.app, language, network)

    def user(self, address: str, role: str = "owner", account: Account | None = None, name: str = "Acme") -> Account:
        """A user with PASSWORD, of this account or a new one."""
        with self.runtime.begin() as tx:
            made = account or (accounts.system(tx) if role == "operator" else accounts.create(tx, name))
            accounts.create_user(tx, made.id, address, role, passwords.hashed(PASSWORD), "test")
        return made

    def signed_in(self, address: str, **visitor: str) -> Browser:
        """A browser in which this user has just signed in."""
        browser = self.browser(**visitor)
        browser.open("/console/sign-in")
        browser.send(email=address, password=PASSWORD)
        assert browser.path == "/console/", browser.page.said
        return browser

    def work(self) -> None:
        """Do the jobs that were promised."""
        while jobs.work(self.runtime, handlers(self.settings)):
            pass

    def letters(self, to: str) -> list[Mapping[str, str]]:
        """What was mailed to this address, the oldest first."""
        self.work()
        files = sorted(self.folder.glob("*.eml")) if self.folder.exists() else []
        read = [email.message_from_bytes(file.read_bytes(), policy=email.policy.default) for file in files]
        return [{"subject": str(one["Subject"]), "body": one.get_content()} for one in read if one["To"] == to]

    def link(self, to: str) -> str:
        """The path of the link that was last mailed to this address."""
        (found,) = re.findall(r"https://sms\.example(/console/link/\S+)", self.letters(to)[-1]["body"])
        return str(found)

    def trail(self, action: str) -> list[str]:
        """Who did this, as the audit trail has it."""
        with self.runtime.read() as tx:
            rows = tx.all(select(schema.audit).where(schema.audit.c.action == action).order_by(schema.audit.c.id))
        return [row.actor for row in rows]
