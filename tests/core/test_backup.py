"""A backup counts once it was restored, and somebody looked whether the hub could go on with it."""

from contextlib import closing, contextmanager
from pathlib import Path
from sqlite3 import connect
from urllib.parse import quote

import pytest
from sqlalchemy import insert, select, text

from hubbub import cli, health
from hubbub.backup import NotACopy, verify
from hubbub.commands import given
from hubbub.media import MediaStore
from hubbub.store import migrate
from hubbub.store.session import make_engine, reading, transaction
from hubbub.store.tables import MediaFile, User, metadata, table
from hubbub.store.types import new_id
from tests.services.sqlite import fresh_sqlite

USER = {"email": "agent@example.com", "name": "Agent", "password_hash": "", "role": "admin"}


@contextmanager
def changed(place):
    """A connection that changes the database at ``place``."""
    engine = make_engine(place if "://" in place else f"sqlite:///{quote(place)}")
    try:
        with transaction(engine) as db:
            yield db
    finally:
        engine.dispose()


def stamp(db):
    """Say of a database that migrations made it."""
    db.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
    db.execute(text("INSERT INTO alembic_version VALUES (:head)"), {"head": migrate.head()})


def wrong(hub, place, media=None):
    """What is to be mended, by its name."""
    return {check.name: check.detail for check in verify(hub, place, media) if not check.ok}


def backup(hub):
    """What the pages of the instance say of backups."""
    with reading(hub.engine) as db:
        return health.backup(db)


@pytest.fixture
def hub(world):
    """A hub at which somebody works, and to which somebody has written."""
    with transaction(world.hub.engine) as db:
        stamp(db)
        db.execute(insert(table(User)), {"id": "u1", "created_at": world.hub.now(), **USER})
    world.hear(world.channel(), {"id": "m1", "from": "+1", "text": "Hello"})
    return world.hub


@pytest.fixture
def restored(hub, tmp_path, request):
    """Where a copy of the hub's database is."""
    if hub.engine.dialect.name == "sqlite":
        folder = tmp_path / "50% off?"
        folder.mkdir()
        with (
            closing(connect(hub.engine.url.database)) as db,
            closing(connect(folder / "copy.db")) as copy,
        ):
            db.backup(copy)
        yield str(folder / "copy.db")
        return
    with request.getfixturevalue("_postgres").database() as url:
        with reading(hub.engine) as db, changed(url) as copy:
            stamp(copy)
            for one in metadata.sorted_tables:
                if rows := db.execute(select(one)).mappings().all():
                    copy.execute(insert(one), list(map(dict, rows)))
        yield url


def test_a_backup_that_is_whole_is_noted_with_until_when_it_holds_all(world, hub, restored):
    assert backup(hub).limited
    world.clock.forward(hours=3)
    world.hear(world.channel("Nest"), {"id": "m2", "from": "+1", "text": "Later"})
    found = {check.name: check for check in verify(hub, restored)}
    assert [check for check in found.values() if not check.ok] == []
    assert (
        found["Newest"].detail == "holds all until 2026-01-02T03:04:05Z, 3 hours less than the hub"
    )
    assert "1 calls, all accounted for" in found["Ledger"].detail
    noted = backup(hub)
    assert noted.detail == ("verified 2026-01-02T06:04:05Z, held all until 2026-01-02T03:04:05Z")


def test_a_copy_that_lacks_more_than_a_month_does_not_count(world, hub, restored):
    world.clock.forward(days=36)
    # Where nobody wrote, an old copy is as good as a new one; and it lacks for a day what came today.
    assert wrong(hub, restored) == {}
    world.hear(world.channel("Nest"), {"id": "m2", "from": "+1", "text": "Later"})
    assert wrong(hub, restored) == {}
    world.clock.forward(days=36)
    assert "36 days less than the hub" in wrong(hub, restored)["Newest"]


@pytest.mark.parametrize(
    ("harm", "name", "detail"),
    [
        ("UPDATE alembic_version SET version_num = '0000'", "Version", "0000; this program's is"),
        ("DELETE FROM alembic_version", "Version", "none; this program's is"),
        ("DROP TABLE readings", "Tables", "lacks readings"),
        ("UPDATE users SET id = 'u2'", "Whose it is", "none of the people of this hub"),
        (
            "INSERT INTO forgotten_calls SELECT id, 1, 0, 2, 1, 0, 0, 0 FROM channels",
            *("Ledger", "2 calls, not all accounted for"),
        ),
        (
            "UPDATE channels SET secrets = substr(secrets, 2)",
            *("Secret key", "encrypted with a secret key which is not here"),
        ),
        ("DELETE FROM messages; DELETE FROM calls", "Newest", "nothing was said"),
    ],
)
def test_what_is_wrong_with_a_backup_is_named_and_it_does_not_count(
    hub, restored, harm, name, detail
):
    with changed(restored) as db:
        for statement in harm.split("; "):
            db.execute(text(statement))
    found = wrong(hub, restored)
    assert detail in found[name]
    assert "none was verified" in backup(hub).detail


def test_what_a_restore_gave_up_on_after_the_rows_is_missed(hub, restored):
    gone = {"DROP INDEX ix_calls_pending": "ix_calls_pending"}
    if hub.engine.dialect.name == "postgresql":
        gone |= {
            "ALTER TABLE notes DROP CONSTRAINT pk_notes CASCADE": "pk_notes",
            "DROP INDEX ix_messages_words": "ix_messages_words",
        }
    for statement, name in gone.items():
        with changed(restored) as db:
            db.execute(text(statement))
        assert name in wrong(hub, restored)["Tables"]


def test_a_damaged_file_is_no_backup(hub, tmp_path):
    place = tmp_path / "damaged.db"
    place.write_bytes(b"text" * 5000)
    with pytest.raises(NotACopy, match="cannot be read: file is not a database"):
        wrong(hub, str(place))
    (tmp_path / "other").mkdir()
    with changed(fresh_sqlite(tmp_path / "other")) as db:
        stamp(db)
        rows = [
            {"id": f"u{number}", "created_at": hub.now(), **USER, "email": f"{number:0>200}"}
            for number in range(200)
        ]
        db.execute(insert(table(User)), rows)
    whole = (tmp_path / "other/test.db").read_bytes()
    # Either the table or its index, of which each says what the other one does.
    at = whole.rindex(b"0" * 190 + b"150")
    place.write_bytes(whole[:at] + b"x" + whole[at + 1 :])
    (tables,) = (check for check in verify(hub, str(place)) if check.name == "Tables")
    assert not tables.ok


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("/nowhere/copy.db", "There is no file /nowhere/copy.db"),
        ("sqlite:////nowhere/copy.db", "There is no file /nowhere/copy.db"),
        ("postgres://u:canary@host/d", "neither a file nor .*: the scheme 'postgres' is not one"),
        ("file://host:canary/copy.db", "the scheme 'file' is not one of sqlite:///"),
        ("postgresql://u:p@ss:canary@host/d", "it must read postgresql"),
        ("postgresql://u:canary@127.0.0.1:1/d", "cannot be read: connection failed"),
    ],
)
def test_where_no_backup_is_that_is_said(hub, place, said):
    with pytest.raises(NotACopy, match=said) as refused:
        wrong(hub, place)
    assert "canary" not in refused.value.detail


def test_a_copy_of_a_newer_version_will_do(hub, restored):
    with changed(restored) as db:
        db.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    assert wrong(hub, restored) == {}


def test_beside_the_copy_nothing_is_written_and_what_lies_there_counts(hub, tmp_path):
    place, later = tmp_path / "copy.db", tmp_path / "later.db"
    with closing(connect(place)) as copy:  # as .backup leaves it: it says that it has a log
        copy.executescript("PRAGMA journal_mode=WAL; CREATE TABLE alembic_version (version_num)")
        copy.executescript("INSERT INTO alembic_version VALUES ('0000')")
    before = place.read_bytes()
    assert wrong(hub, str(place))["Version"].startswith("0000;")
    assert [one.name for one in tmp_path.glob("copy.db*")] == ["copy.db"]
    assert place.read_bytes() == before
    with closing(connect(place)) as copy:
        copy.executescript("UPDATE alembic_version SET version_num = '0000b'")
        for beside in ("", "-wal"):
            (tmp_path / f"{later.name}{beside}").write_bytes(Path(f"{place}{beside}").read_bytes())
    assert wrong(hub, str(later))["Version"].startswith("0000b;")


def test_the_hubs_own_database_is_no_backup(hub):
    own = hub.engine.url.render_as_string(hide_password=False)
    with pytest.raises(NotACopy, match="that the hub works with"):
        wrong(hub, own)


def test_files_are_looked_for_where_they_were_restored(hub, restored, tmp_path):
    ids = [new_id() for _ in range(3)]
    store = MediaStore(f"file://{quote(f'{tmp_path}/50%25 off?')}")
    with changed(restored) as db:
        for one, state in zip(ids, ("ready", "ready", "failed"), strict=True):
            row = {"id": one, "state": state, "size": 5, "created_at": hub.now()}
            db.execute(insert(table(MediaFile)), row)
    store.put(ids[0], b"there")
    media = str(tmp_path / "50%25 off?")
    assert wrong(hub, restored, media) == {"Media": "1 of the 2 newest files are there"}
    store.put(ids[1], b"cut")
    assert wrong(hub, restored, media) == {"Media": "1 of the 2 newest files are there"}
    store.put(ids[1], b"whole")
    assert wrong(hub, restored, media) == {}
    assert wrong(hub, restored, f"file://{quote(media)}") == {}


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ("/nowhere/media", "There is no folder /nowhere/media."),
        ("file:///nowhere/media", "There is no folder /nowhere/media."),
        ("https://u:canary@host/media", "It must be a folder, or begin with file:// or s3://."),
    ],
)
def test_what_is_no_store_is_wrong_though_no_file_should_be_there(hub, restored, place, said):
    assert wrong(hub, restored, place) == {"Media": said}


def test_the_command_tells_machines_by_its_status(hub, restored, monkeypatch, capsys):
    monkeypatch.setattr(given, "hub", lambda quiet: hub)
    assert cli.run(["verify-backup", restored]) == 0
    assert "could go on with this backup" in capsys.readouterr().out
    with changed(restored) as db:
        db.execute(text("UPDATE users SET id = 'u2'"))
    assert cli.run(["verify-backup", restored]) == 1
    assert "How to mend it: Look which database" in capsys.readouterr().out
    assert cli.run(["verify-backup", "/nowhere"]) == 1
    assert "There is no file" in capsys.readouterr().err
