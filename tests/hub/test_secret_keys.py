import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from core import Refused
from hub import secret_keys, settings

LONG = "0123456789abcdef0123456789abcdef"


def test_a_key_is_made_once_and_is_the_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "data" / "secret_keys"
    (made,) = secret_keys.kept(path)
    assert secret_keys.kept(path) == (made,)
    assert len(made) == 64
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [each.name for each in path.parent.iterdir()] == ["secret_keys"]


def test_many_at_once_agree_on_one(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as crowd:
        assert len(set(crowd.map(lambda _: secret_keys.kept(tmp_path / "keys"), range(32)))) == 1


def test_a_key_put_on_a_line_before_it_is_the_first(tmp_path: Path) -> None:
    path = tmp_path / "secret_keys"
    path.write_text(f"{LONG}\n\n  {LONG[::-1]}\n")
    assert secret_keys.kept(path) == (LONG, LONG[::-1])


@pytest.mark.parametrize("held", ["", "\n", "short", f"{LONG}\nshort"])
def test_a_file_that_holds_no_keys_is_refused(tmp_path: Path, held: str) -> None:
    path = tmp_path / "secret_keys"
    path.write_text(held)
    with pytest.raises(Refused, match="a line each"):
        secret_keys.kept(path)


def test_keys_that_are_set_come_first(tmp_path: Path) -> None:
    given = settings.read({"SMSHUB_SECRET_KEYS": LONG, "SMSHUB_DATA": str(tmp_path)})
    assert secret_keys.of(given) == (LONG,)
    assert list(tmp_path.iterdir()) == []


def test_each_purpose_has_a_key_of_its_own() -> None:
    (cursor,), (session,) = secret_keys.derived([LONG], "cursor"), secret_keys.derived([LONG], "session")
    assert cursor != session
    assert len(cursor) == 32
