"""Which mailboxes a process reads: those that there are, each with its settings of now, and by one process at a time."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import TimeoutError as NoneFree

from connectors.contract import Installation
from connectors.mail2sms.connector import CONNECTOR
from connectors.mail2sms.health import NO_WAY, NOBODY, health
from connectors.mail2sms.intake import leases
from connectors.mail2sms.intake.looking import Judge
from connectors.mail2sms.intake.mailboxes import Watch, watch
from connectors.mail2sms.settings import Office
from tests.support.dovecot import PASSWORD, USER, Dovecot
from tests.support.plugged import Plugged, plugged
from tests.support.postman import QUICK, Postman, letter
from tests.support.serving import wait_for

pytestmark = pytest.mark.peer


@pytest.fixture
def hub(database_url: str, tmp_path: Path) -> Iterator[Plugged]:
    with plugged(database_url, tmp_path, CONNECTOR) as made:
        yield made


@dataclass(slots=True)
class Process:
    """A process that reads mailboxes, as far as it concerns them. `postmen`: who took what, by installation."""

    hub: Plugged
    owner: str
    most: int = 200
    postmen: dict[str, Postman] = field(default_factory=dict)
    watch: Watch = field(init=False)

    def __post_init__(self) -> None:
        self.watch = Watch(self.hub.visit(CONNECTOR), self._judging, self.owner, QUICK, self.most)

    def _judging(self, office: Office) -> Judge:
        made = self.postmen[office.id] = Postman()
        return Judge(made.take, made.too_large)

    def looks_until(self, happened: Any) -> None:
        """Again and again, as it does every few seconds."""

        def looked() -> Any:
            self.watch.look()
            return happened()

        wait_for(looked)

    def reads(self, installation: Installation, *subjects: str) -> None:
        """Until these, and no others, came from that mailbox."""
        self.looks_until(lambda: installation.id in self.postmen)
        wait_for(lambda: self.postmen[installation.id].subjects == list(subjects))


@contextmanager
def process(hub: Plugged, owner: str = "one", most: int = 200) -> Iterator[Process]:
    made = Process(hub, owner, most)
    try:
        yield made
    finally:
        made.watch.end(30)


def mailbox(server: Dovecot, folder: str, **changes: Any) -> dict[str, Any]:
    plain = {"host": "127.0.0.1", "port": server.port, "tls": "none", "username": USER, "password": PASSWORD}
    return {**plain, "folder": folder, **changes}


def installed(hub: Plugged, server: Dovecot, name: str) -> Installation:
    """An account with a mailbox: a folder of its name."""
    with server.client() as client:
        client.create_folder(name)
    settings = {"domain": f"{name}.example", "mailbox": mailbox(server, name)}
    return hub.install(hub.visitor(name).account_id, CONNECTOR, settings)


def told(hub: Plugged, installation: Installation) -> Sequence[str]:
    now = hub.visit(CONNECTOR).tools.installations.get(installation.id)
    return health(hub.visit(CONNECTOR, now))


def row(hub: Plugged, installation: Installation) -> Any:
    with hub.runtime.read() as tx:
        return leases.find(tx, installation.id)


def test_mailboxes_are_read_from_when_they_are_set_until_they_are_taken_away(hub: Plugged, server: Dovecot) -> None:
    with process(hub) as one:
        one.watch.look()
        anne, ben = installed(hub, server, "anne"), installed(hub, server, "ben")
        server.append(letter("for anne"), folder="anne")
        server.append(letter("for ben"), folder="ben")
        one.reads(anne, "for anne")
        one.reads(ben, "for ben")
        wait_for(lambda: row(hub, anne).taken_at == hub.engine.clock.now)
        assert row(hub, anne).heard_at == hub.engine.clock.now
        hub.visit(CONNECTOR).tools.installations.remove(ben)
        one.looks_until(lambda: len(server.sessions()) == 1)
        assert row(hub, ben) is None
    assert row(hub, anne).owner is None


def test_settings_that_change_count_at_once_and_what_was_wrong_before_is_over(hub: Plugged, server: Dovecot) -> None:
    installations = hub.visit(CONNECTOR).tools.installations
    with process(hub) as one:
        anne = installed(hub, server, "anne")
        hub.engine.clock.forward(seconds=1)
        installations.change(anne, {"mailbox": {"password": "wrong"}})
        one.looks_until(lambda: "mailbox.password" in str(told(hub, anne)))
        since = row(hub, anne).failing_since
        assert told(hub, anne)[0].endswith("This is so since 2026-09-21T14:13:21.000Z.")
        hub.engine.clock.forward(seconds=5)
        installations.change(anne, {"mailbox": {"password": PASSWORD, "folder": "nowhere"}})
        one.looks_until(lambda: "mailbox.folder" in str(told(hub, anne)))
        assert row(hub, anne).failing_since > since
        hub.engine.clock.forward(seconds=5)
        installations.change(anne, {"mailbox": {"folder": "anne"}})
        server.append(letter("at last"), folder="anne")
        one.looks_until(lambda: one.postmen[anne.id].subjects == ["at last"])
        wait_for(lambda: not told(hub, anne))


def test_a_mailbox_is_read_by_one_process_and_by_another_once_that_is_gone(hub: Plugged, server: Dovecot) -> None:
    anne = installed(hub, server, "anne")
    with process(hub, "two") as two:
        with process(hub, "one") as one:
            server.append(letter("first"), folder="anne")
            one.reads(anne, "first")
            two.watch.look()
            hub.engine.clock.forward(seconds=25)
            one.watch.look()  # which renews its lease
            hub.engine.clock.forward(seconds=25)
            two.watch.look()
            assert not two.postmen
            assert row(hub, anne).owner == "one"
        server.append(letter("second"), folder="anne")
        two.reads(anne, "second")  # one gave its lease back
        hub.engine.clock.forward(seconds=40)  # two was paused for so long
        with process(hub, "three") as three:
            server.append(letter("third"), folder="anne")
            three.looks_until(lambda: three.postmen)
            wait_for(lambda: server.count("Processed") == 3)
            two.looks_until(lambda: len(server.sessions()) == 1)  # and finds that it has it no more
            assert row(hub, anne).owner == "three"


def test_a_process_reads_so_many_mailboxes_and_leaves_the_others_to_the_next(hub: Plugged, server: Dovecot) -> None:
    them = [installed(hub, server, name) for name in ("anne", "ben", "cleo")]
    with process(hub, "one", most=2) as one, process(hub, "two", most=2) as two:
        one.looks_until(lambda: len(one.postmen) == 2)
        one.watch.look()
        two.looks_until(lambda: len(two.postmen) == 1)
        assert {*one.postmen, *two.postmen} == {each.id for each in them}


def test_it_ends_when_it_is_told_and_an_outage_ends_nothing(hub: Plugged, server: Dovecot) -> None:
    anne = installed(hub, server, "anne")
    made, stop, looked = Postman(), threading.Event(), threading.Event()
    visit = hub.visit(CONNECTOR)

    class Installations:
        """Away once, and then as they are."""

        def every(self) -> Iterator[Installation]:
            if not looked.is_set():
                looked.set()
                raise NoneFree("no connection")
            return visit.tools.installations.every()

    lent = replace(visit, tools=replace(visit.tools, installations=Installations()))  # type: ignore[arg-type]
    judging = lambda _office: Judge(made.take, made.too_large)  # noqa: E731
    thread = threading.Thread(target=watch, args=(lent, stop, judging, QUICK, 0.05))
    thread.start()
    try:
        server.append(letter("first"), folder="anne")
        made.waits(1)
        assert looked.is_set()
    finally:
        stop.set()
        thread.join(30)
    assert not thread.is_alive()
    assert row(hub, anne).owner is None


def test_health_tells_who_is_not_read_and_who_is_not_heard(hub: Plugged, server: Dovecot) -> None:
    anne = installed(hub, server, "anne")
    assert told(hub, anne) == []  # it is new
    hub.engine.clock.forward(seconds=61)
    assert told(hub, anne) == [NOBODY]
    with process(hub) as one:
        one.looks_until(lambda: row(hub, anne).heard_at)
        wait_for(lambda: told(hub, anne) == [])
        server.stop()
        one.looks_until(lambda: "can't be reached" in str(told(hub, anne)))
    assert told(hub, anne) == [NOBODY]


def test_health_tells_since_when_nothing_was_heard(hub: Plugged) -> None:
    settings = {"domain": "anne.example", "mailbox": {"host": "127.0.0.1", "username": "sms", "password": "x"}}
    anne = hub.install(hub.visitor("anne").account_id, CONNECTOR, settings)
    assert leases.held(hub.runtime, "one", [anne.id], 200) == {anne.id}
    hub.engine.clock.forward(minutes=6)
    leases.held(hub.runtime, "one", [anne.id], 200)
    assert told(hub, anne) == ["Nothing was heard of the mail server: see that it is up, and that the hub is."]
    leases.Diary(hub.runtime, anne.id, 10).heard()
    assert told(hub, anne) == []
    hub.engine.clock.forward(minutes=6)
    leases.held(hub.runtime, "one", [anne.id], 200)
    (sentence,) = told(hub, anne)
    assert sentence.startswith("Nothing was heard of the mail server since 2026-09-21T")


def test_health_tells_that_mails_have_no_way_in(hub: Plugged) -> None:
    anne = hub.install(hub.visitor("anne").account_id, CONNECTOR, {"domain": "anne.example"})
    assert list(told(hub, anne)) == [NO_WAY]
