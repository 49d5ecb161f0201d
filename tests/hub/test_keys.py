"""`smshub keys`: what is shown, what is sealed anew, and what a hub does without a key that it needs."""

import re
from pathlib import Path

from click.testing import Result
from sqlalchemy import select

from core.schema import audit
from hub import secrets
from tests.hub.test_cli import account, run, site_of, succeeded
from tests.support.sealed import AFTER, ALONE, BEFORE, NEW, OLD, Safe, safe_on
from tests.support.serving import Process, free_port, smshub


def filled(folder: Path, hooks: int = 3) -> Safe:
    """A hub with some secrets under the old key."""
    account(folder)
    safe = safe_on(site_of(folder).runtime)
    for _ in range(hooks):
        safe.hook()
    return safe


def keys(folder: Path, *arguments: str, given: str = f"{NEW},{OLD}", **more: str) -> Result:
    return run(folder, "keys", *arguments, SMSHUB_SECRET_KEYS=given, **more)


def test_each_key_is_shown_by_its_id_with_what_it_seals(tmp_path: Path) -> None:
    filled(tmp_path)
    listed = succeeded(keys(tmp_path, "list")).splitlines()
    assert listed == [
        f"{AFTER.first}          0 sealed  the first: it seals",
        f"{BEFORE.first}          3 sealed  opens what it sealed, until `smshub keys rotate`",
    ]
    assert OLD not in "".join(listed)


def test_after_the_rotation_the_old_one_may_be_taken_away(tmp_path: Path) -> None:
    safe = filled(tmp_path)
    said = succeeded(keys(tmp_path, "rotate"))
    assert f"Sealed anew under the key {AFTER.first}: 3 (hooks.secret 3)." in said
    assert f"may be taken away: {BEFORE.first}." in said
    assert f"{BEFORE.first}          0 sealed  may be taken away" in succeeded(keys(tmp_path, "list"))
    assert succeeded(keys(tmp_path, "list", given=NEW)) == f"{AFTER.first}          3 sealed  the first: it seals\n"
    assert "Sealed anew under the key" in succeeded(keys(tmp_path, "rotate", given=NEW))
    with safe.runtime.read() as tx:
        assert tx.scalar(select(audit.c.actor).where(audit.c.action == "keys.rotated")) == "operator"


def test_what_cannot_be_opened_is_a_failure_that_says_which_and_why(tmp_path: Path) -> None:
    filled(tmp_path)
    refused = keys(tmp_path, "rotate", given=NEW)
    assert refused.exit_code == 1
    assert "Could not be opened: 3." in refused.stdout
    assert re.search(rf"hooks.secret of [0-9a-f-]{{36}}: sealed with the key '{BEFORE.first}'", refused.stdout)
    assert "run it again" in refused.stderr


def test_without_a_key_that_seals_something_nothing_starts(tmp_path: Path) -> None:
    filled(tmp_path)
    refused = run(tmp_path, "account", "create", "Other", SMSHUB_SECRET_KEYS=NEW)
    assert refused.exit_code == 2
    assert f"SMSHUB_SECRET_KEYS: the database holds secrets sealed under the key {BEFORE.first}" in refused.stderr
    assert f"not in SMSHUB_SECRET_KEYS: put it back, or `smshub keys give-up {BEFORE.first}`" in succeeded(
        keys(tmp_path, "list", given=NEW)
    )
    assert f"sealed under the key {BEFORE.first}" in run(tmp_path, "check", SMSHUB_SECRET_KEYS=NEW).stderr
    serving = smshub("serve", folder=tmp_path, SMSHUB_SECRET_KEYS=NEW, PORT=str(free_port()))
    assert (serving.returncode, BEFORE.first in serving.stderr) == (2, True)


def test_a_key_that_is_lost_is_given_up_and_the_hub_starts(tmp_path: Path) -> None:
    safe = filled(tmp_path)
    asked = run(tmp_path, "keys", "give-up", BEFORE.first, stdin="n\n", SMSHUB_SECRET_KEYS=NEW)
    assert (asked.exit_code, "3 secrets are sealed under it" in asked.stderr) == (1, True)
    assert "was given up" in succeeded(keys(tmp_path, "give-up", BEFORE.first, "--yes", given=NEW))
    account_made = run(tmp_path, "account", "create", "Other", SMSHUB_SECRET_KEYS=NEW)
    assert account_made.exit_code == 0
    assert "given up: what it sealed stays closed" in succeeded(keys(tmp_path, "list", given=NEW))
    rotated = succeeded(keys(tmp_path, "rotate", given=NEW))
    assert "as their keys were given up: 3." in rotated
    assert "Sealed anew under the key" in succeeded(keys(tmp_path, "rotate"))  # it was found
    assert safe.sealing() == {ALONE.first: 3}


def test_only_a_key_that_is_missed_can_be_given_up(tmp_path: Path) -> None:
    filled(tmp_path)
    assert "it is not lost" in keys(tmp_path, "give-up", BEFORE.first, "--yes").stderr
    assert "no key 00000000 is missing" in keys(tmp_path, "give-up", "00000000", "--yes").stderr


def test_a_hub_that_runs_has_to_know_the_key_first(tmp_path: Path) -> None:
    filled(tmp_path)
    more = {"PORT": str(free_port())}
    with Process("serve", tmp_path, SMSHUB_SECRET_KEYS=OLD, **more) as serving:
        serving.ready()
        refused = keys(tmp_path, "rotate")
        assert refused.exit_code == 1
        assert "Restart them with these SMSHUB_SECRET_KEYS first." in refused.stderr
        serving.stop()
    with Process("serve", tmp_path, SMSHUB_SECRET_KEYS=f"{NEW},{OLD}", **more) as serving:
        serving.ready()
        assert "may be taken away" in succeeded(keys(tmp_path, "rotate"))
        serving.stop()


def test_a_hub_that_was_given_no_key_rotates_the_ones_in_its_file(tmp_path: Path) -> None:
    account(tmp_path)
    file = tmp_path / "secret_keys"
    own = file.read_text().strip()
    safe = safe_on(site_of(tmp_path).runtime)
    safe.hook(secrets.keys_from([own]))
    file.write_text(f"{NEW}\n{own}\n")
    assert "(hooks.secret 1)" in succeeded(run(tmp_path, "keys", "rotate"))
    file.write_text(f"{NEW}\n")
    assert succeeded(run(tmp_path, "keys", "list")) == f"{ALONE.first}          1 sealed  the first: it seals\n"
