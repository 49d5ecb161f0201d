import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import inspect, text

from core import Database, Refused
from hub import database
from hub.migrations import regenerate
from hub.migrations.compare import same_type
from hub.migrations.tables import metadata
from tests.support.databases import built_in


@pytest.fixture
def bare(database_url: str) -> Iterator[Database]:
    """A database with no table at all."""
    opened = Database(database_url)
    for tables in (metadata, *{table.metadata for one in built_in() for table in one.tables}):
        tables.drop_all(opened.engine)
    yield opened
    with opened.engine.begin() as connection:
        connection.execute(text("DROP TABLE IF EXISTS alembic_version"))
        metadata.drop_all(connection)
    opened.close()


def url_of(opened: Database) -> str:
    return opened.url.render_as_string(hide_password=False)


def differences(opened: Database) -> list[object]:
    with opened.engine.connect() as connection:
        options = {"compare_type": same_type, "compare_server_default": True}
        return list(compare_metadata(MigrationContext.configure(connection, opts=options), metadata))


def test_an_upgraded_database_is_what_the_code_says(bare: Database) -> None:
    database.upgrade(url_of(bare))
    assert differences(bare) == []


def test_a_difference_would_be_seen(bare: Database) -> None:
    database.upgrade(url_of(bare))
    with bare.engine.begin() as connection:
        connection.execute(text("DROP INDEX ix_messages_account_id_id"))
        connection.execute(text("ALTER TABLE messages ADD COLUMN stray BIGINT"))
    assert len(differences(bare)) == 2


def test_the_checks_and_partial_indexes_are_there_too(bare: Database) -> None:
    database.upgrade(url_of(bare))
    look = inspect(bare.engine)
    assert {check["name"] for check in look.get_check_constraints("ledger_accounts")} == {
        "ck_ledger_accounts_kind",
        "ck_ledger_accounts_balance",
    }
    (waiting,) = [index for index in look.get_indexes("outbox") if index["name"] == "ix_outbox_waiting"]
    assert "relayed_at IS NULL" in str(next(iter(waiting["dialect_options"].values())))


def test_upgrading_again_changes_nothing(bare: Database) -> None:
    database.upgrade(url_of(bare))
    database.upgrade(url_of(bare))
    assert differences(bare) == []


def test_a_branch_of_a_connector_is_upgraded_too(bare: Database, tmp_path: Path) -> None:
    words = 'revision = "shoe1"\ndown_revision = None\nbranch_labels = ("shoes",)\ndepends_on = None\n'
    upgrade = "from alembic import op\n\ndef upgrade():\n    op.execute('CREATE TABLE shoes (size INTEGER)')\n"
    (tmp_path / "shoe1.py").write_text(words + upgrade)
    database.upgrade(url_of(bare), [tmp_path])
    assert inspect(bare.engine).has_table("shoes")
    assert inspect(bare.engine).has_table("messages")
    with bare.engine.begin() as connection:
        connection.execute(text("DROP TABLE shoes"))


def test_a_branch_whose_connector_is_gone_stays_as_it_is(bare: Database, tmp_path: Path) -> None:
    words = 'revision = "shoes_1"\ndown_revision = None\nbranch_labels = ("shoes",)\ndepends_on = None\n'
    (tmp_path / "one.py").write_text(words + "\ndef upgrade():\n    pass\n")
    database.upgrade(url_of(bare), [tmp_path])
    database.upgrade(url_of(bare))
    database.upgrade(url_of(bare), [tmp_path])
    with bare.read() as connected:
        heads = MigrationContext.configure(connected.connection).get_current_heads()
        assert "shoes_1" in heads
        assert database.strangers_among(connected.connection) == ["shoes"]
        assert database.strangers_among(connected.connection, [tmp_path]) == []
    assert len(heads) == 2


def functions(source: str) -> list[str]:
    """What a revision does, whatever its layout."""
    return [ast.dump(node) for node in ast.parse(source).body if isinstance(node, ast.FunctionDef)]


def test_the_revisions_are_those_that_the_tables_in_code_would_make() -> None:
    wanted = {path: functions(source) for path, source in regenerate.revisions().items()}
    folders = {path.parent for path in wanted}
    kept = {path: functions(path.read_text()) for folder in folders for path in folder.glob("*.py")}
    assert kept == wanted, "the schema has changed: run python -P -m hub.migrations.regenerate"


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_an_upgrade_does_not_wait_for_a_table_that_somebody_holds(bare: Database) -> None:
    url = url_of(bare)
    database.upgrade(url)
    with bare.begin() as other:
        other.connection.execute(text("LOCK TABLE alembic_version IN ACCESS EXCLUSIVE MODE"))
        with pytest.raises(Refused, match="held by another transaction"):
            database.upgrade(url)
