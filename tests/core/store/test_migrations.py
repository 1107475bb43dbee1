"""Migrations make what the tables say, once, whoever else is at it."""

import shutil
import stat
import subprocess
import sys
import threading
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from hubbub.api.work import ConversationChange, change_conversation
from hubbub.sdk.errors import HubError
from hubbub.store import migrate
from hubbub.store.migrations import revise
from hubbub.store.session import make_engine, make_file, reading, transaction
from hubbub.store.tables import metadata

MIGRATE = "import sys; from hubbub.cli import run; sys.exit(run(['migrate']))"


@pytest.fixture
def empty(engine):
    """A database with nothing in it."""
    _clear(engine)
    return engine


def test_migrations_make_exactly_the_tables_that_the_code_defines(engine):
    _clear(engine)
    metadata.create_all(engine)
    defined = _described(engine)
    _clear(engine)
    migrate.migrate(engine)
    assert _described(engine) == defined


def test_alembic_finds_nothing_left_to_migrate(empty):
    migrate.migrate(empty)
    with reading(empty) as db:
        assert compare_metadata(revise.context(db), metadata) == []


def test_tags_of_before_are_counted_and_those_of_no_conversation_forgotten(world):
    line = world.channel()
    for number, tags in enumerate((("vip", "late"), ("vip",), ())):
        world.hear(line, {"from": f"+{number}", "text": "Hi"})
        new = world.one("SELECT id FROM conversations ORDER BY id DESC LIMIT 1")["id"]
        change_conversation(world.hub, new, ConversationChange(add_tags=tags), actor="cli")
    world.write("INSERT INTO tags (name, used_at) SELECT 'biling', used_at FROM tags LIMIT 1")
    world.write("ALTER TABLE tags DROP COLUMN carried")
    world.write("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)")
    world.write("INSERT INTO alembic_version VALUES ('0001')")
    assert migrate.migrate(world.hub.engine)
    assert world.rows("SELECT name, carried FROM tags ORDER BY name") == [
        {"name": "late", "carried": 1},
        {"name": "vip", "carried": 2},
    ]


def test_migrating_again_changes_nothing(empty):
    assert migrate.migrate(empty)
    assert not migrate.migrate(empty)
    assert migrate.version(empty) == migrate.head()


def test_two_processes_that_migrate_at_once_both_succeed(empty):
    environment = {"HUBBUB_DATABASE_URL": empty.url.render_as_string(hide_password=False)}
    both = [
        subprocess.Popen(
            [sys.executable, "-c", MIGRATE],
            env={**environment, "PYTHONPATH": ":".join(sys.path)},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    said = [process.communicate(timeout=60) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert sorted(out.split()[-1] for out, _ in said) == ["already.", "now."]
    assert migrate.is_current(empty)


def test_a_failed_migration_is_undone(empty, monkeypatch):
    def fail(_db):
        raise HubError("no")

    monkeypatch.setattr(migrate, "_check_references", fail)
    with pytest.raises(HubError, match="no"):
        migrate.migrate(empty)
    assert inspect(empty).get_table_names() == []


def test_a_new_database_is_not_current(empty):
    assert migrate.version(empty) == ""
    assert not migrate.is_current(empty)


def test_a_database_ahead_of_the_code_is_served_and_left_alone(empty):
    migrate.migrate(empty)
    with transaction(empty) as db:
        db.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert migrate.is_current(empty)
    assert not migrate.migrate(empty)


def test_waiting_for_a_migration_that_nobody_makes_says_what_to_do(empty):
    with pytest.raises(migrate.NotMigrated, match="run `hubbub migrate`"):
        migrate.wait_until_current(empty, seconds=0)


def test_waiting_ends_when_somebody_else_has_migrated(empty):
    other = make_engine(empty.url.render_as_string(hide_password=False))
    migrating = threading.Thread(target=migrate.migrate, args=(other,))
    migrating.start()
    migrate.wait_until_current(empty, seconds=30)
    migrating.join()
    other.dispose()
    assert migrate.is_current(empty)


def test_sqlite_keeps_the_rows_that_refer_to_a_table_being_replaced(sqlite_url):
    engine = make_engine(sqlite_url)
    with migrate._migrating(engine) as own, reading(own) as db:
        assert db.exec_driver_sql("PRAGMA foreign_keys").scalar() == 0
    with reading(engine) as db:
        assert db.exec_driver_sql("PRAGMA foreign_keys").scalar() == 1
    engine.dispose()


def test_a_folder_that_cannot_be_made_is_told_in_a_sentence(tmp_path):
    (tmp_path / "file").touch()
    engine = make_engine(f"sqlite:///{tmp_path}/file/hubbub.db")
    with pytest.raises(HubError, match=r"HUBBUB_DATA_DIR .* cannot be used: .*file"):
        migrate.migrate(engine)


def test_the_migrations_are_one_line_whose_end_is_the_version_of_the_code():
    config = Config()
    config.set_main_option("script_location", str(migrate.FOLDER))
    script = ScriptDirectory.from_config(config)
    assert script.get_heads() == [migrate.head()]
    numbers = sorted(revision.revision for revision in script.walk_revisions())
    assert numbers == [f"{number:04}" for number in range(1, len(numbers) + 1)]


def test_the_next_migration_is_written_with_the_next_number(tmp_path):
    versions = tmp_path / "versions"
    shutil.copytree(migrate.FOLDER / "versions", versions)
    path = revise.write("Change nothing.", versions)
    following = f"{int(migrate.head()) + 1:04}"
    assert path.name == f"{following}_change_nothing.py"
    namespace: dict[str, Any] = {}
    exec(path.read_text(), namespace)
    assert (namespace["revision"], namespace["down_revision"]) == (following, migrate.head())
    assert namespace["upgrade"]() is None


def _clear(engine):
    metadata.drop_all(engine)
    with transaction(engine) as db:
        db.execute(text("DROP TABLE IF EXISTS alembic_version"))


def _described(engine):
    """Return all that the database knows of its tables, in an order of its own."""
    inspector = inspect(engine)
    return {
        name: {
            "columns": [
                (column["name"], str(column["type"]), column["nullable"], column["default"])
                for column in inspector.get_columns(name)
            ],
            "primary key": inspector.get_pk_constraint(name)["constrained_columns"],
            "indexes": _sorted(inspector.get_indexes(name)),
            "unique": _sorted(inspector.get_unique_constraints(name)),
            "checks": _sorted(inspector.get_check_constraints(name)),
            "foreign keys": _sorted(inspector.get_foreign_keys(name)),
        }
        for name in inspector.get_table_names()
        if name != "alembic_version"
    }


def _sorted(found):
    return sorted(str(sorted(_plain(item).items())) for item in found)


def _plain(item):
    """Return the item with its SQL as text: two equal expressions are not equal objects."""
    return {
        key: _plain(value) if isinstance(value, dict) else str(value) for key, value in item.items()
    }


def test_a_new_sqlite_file_is_for_our_user_alone(tmp_path):
    tmp_path.chmod(0o755)
    engine = make_engine(f"sqlite:///{tmp_path / 'hubbub.db'}")
    migrate.migrate(engine)
    engine.dispose()
    assert stat.S_IMODE((tmp_path / "hubbub.db").stat().st_mode) == 0o600


def test_a_new_folder_of_the_database_is_for_our_user_alone(tmp_path):
    make_file(f"sqlite:///{tmp_path / 'var' / 'hubbub.db'}")
    assert stat.S_IMODE((tmp_path / "var").stat().st_mode) == 0o700
