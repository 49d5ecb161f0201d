"""One process serves an SQLite file."""

from pathlib import Path

import pytest

from core import Refused
from hub.roles.alone import alone, is_served
from hub.settings import Settings, read


def settings(folder: Path) -> Settings:
    return read({"SMSHUB_DATA": str(folder)})


def test_a_second_one_is_told_who_the_first_is(tmp_path: Path) -> None:
    with (
        alone(settings(tmp_path)),
        pytest.raises(Refused, match=r"is served already, by process \d+"),
        alone(settings(tmp_path)),
    ):
        raise AssertionError("two are alone")


def test_it_is_free_again_after_the_first_ended(tmp_path: Path) -> None:
    with alone(settings(tmp_path)):
        assert is_served(settings(tmp_path))
    assert not is_served(settings(tmp_path))
    with alone(settings(tmp_path)):
        assert is_served(settings(tmp_path))


def test_a_folder_that_nobody_ever_served_is_free(tmp_path: Path) -> None:
    assert not is_served(settings(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_other_folders_do_not_matter(tmp_path: Path) -> None:
    with alone(settings(tmp_path / "one")), alone(settings(tmp_path / "two")):
        assert is_served(settings(tmp_path / "one"))


def test_one_database_is_one_wherever_the_rest_of_the_data_is(tmp_path: Path) -> None:
    url = {"SMSHUB_DATABASE_URL": f"sqlite:///{tmp_path / 'shared.db'}"}
    one, two = (read({"SMSHUB_DATA": str(tmp_path / name)} | url) for name in ("one", "two"))
    with alone(one):
        assert is_served(two)
