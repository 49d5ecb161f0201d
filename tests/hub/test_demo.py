"""The demo account: made once, for hubs that reach nobody, with people whom the engine can text."""

import json
from pathlib import Path

from core import accounts, contacts, ledger, number, templates
from core.database import Database
from core.runtime import Runtime
from hub import demo
from hub.people import entrance, sessions
from hub.settings import Settings, read
from tests.support.world import runtime_on


def settings(folder: Path, **more: str) -> Settings:
    return read({"SMSHUB_DATA": str(folder), **more})


def prepared(url: str, folder: Path) -> tuple[Runtime, demo.Demo | None]:
    runtime = runtime_on(Database(url))
    return runtime, demo.prepare(runtime, settings(folder))


def test_everybody_has_a_number_of_their_own_that_can_be_texted() -> None:
    numbers = [person["number"] for person in demo.people()]
    assert len(set(numbers)) == len(numbers) == demo.CONTACTS
    assert all(number.lookup(text, "FR").country == "FR" for text in numbers)


def test_most_are_reached_and_some_meet_another_ending() -> None:
    endings = [demo.number(place) % 100 for place in range(demo.CONTACTS)]
    assert {ending for ending in endings if ending < 20} == set(demo.ENDINGS)
    assert sum(ending < 20 for ending in endings) == demo.CONTACTS // 10


def test_a_new_hub_gets_an_account_to_try(database_url: str, tmp_path: Path) -> None:
    runtime, made = prepared(database_url, tmp_path)
    assert made is not None
    caller = accounts.by_key(runtime, made.api_key)
    assert caller is not None
    assert caller.account_id == made.account_id
    with runtime.read() as tx:
        assert ledger.balance(tx, made.account_id).available == demo.CREDITS * 1000
        assert len(contacts.page(tx, made.account_id, 500, group=made.group_id).rows) == demo.CONTACTS
        assert len(templates.listed(tx, made.account_id, 10)) == 1
    assert demo.kept(settings(tmp_path)) == made
    assert (tmp_path / demo.FILE_NAME).stat().st_mode & 0o777 == 0o600
    runtime.database.close()


def test_its_owner_signs_in_with_the_password_that_is_kept(database_url: str, tmp_path: Path) -> None:
    runtime, made = prepared(database_url, tmp_path)
    assert made is not None
    person = sessions.whose(runtime, entrance.sign_in(runtime, made.owner, made.password, "203.0.113.7"))
    assert person is not None
    assert (person.account_id, person.role, person.email) == (made.account_id, "owner", "demo@example.com")
    runtime.database.close()


def test_a_file_of_an_older_version_is_read(tmp_path: Path) -> None:
    old = {"account_id": "a", "account_name": "Demo", "group_id": "g", "api_key": "k"}
    (tmp_path / demo.FILE_NAME).write_text(json.dumps(old))
    found = demo.kept(settings(tmp_path))
    assert found is not None
    assert (found.api_key, found.password) == ("k", "")


def test_a_hub_that_has_an_account_gets_none(database_url: str, tmp_path: Path) -> None:
    runtime, first = prepared(database_url, tmp_path)
    assert first is not None
    assert demo.prepare(runtime, settings(tmp_path)) is None
    assert demo.kept(settings(tmp_path)) == first
    runtime.database.close()


def test_a_hub_with_a_real_carrier_gets_none(database_url: str, tmp_path: Path) -> None:
    runtime = runtime_on(Database(database_url))
    real = settings(tmp_path, SMSHUB_CARRIERS='[{"name": "real", "kind": "http"}]')
    assert demo.prepare(runtime, real) is None
    assert demo.kept(real) is None
    runtime.database.close()
