"""No new key is made beside secrets that need another one."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import insert, select

from hubbub.keyring import Fit, fit, rekey, secret_keys
from hubbub.settings import BadSettings, Settings
from hubbub.store.session import reading, transaction
from hubbub.store.tables import Channel, RouteSet, table
from hubbub.vault import Vault

EARLIER = "the key of an earlier start"
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def settings(database_url, tmp_path):
    """Settings of a hub whose key, if it needs one, is made."""
    return Settings.read(data_dir=tmp_path / "var", database_url=database_url)


@pytest.fixture
def keep(engine):
    """Store a channel whose credentials are encrypted with a key."""

    def add(channel_id, key):
        row = {
            "id": channel_id,
            "type": "telegram",
            "name": "Shop",
            "enabled": True,
            "status": "connected",
            "status_since": NOW,
            "webhook_key": channel_id,
            "settings": {},
            "secrets": Vault([key]).seal({}, channel_id),
            "facts": {},
            "created_at": NOW,
        }
        with transaction(engine) as db:
            db.execute(insert(table(Channel)), row)

    return add


def test_a_hub_without_secrets_makes_its_key(settings, engine):
    assert secret_keys(settings, engine) == (settings.key_file.read_text(),)


def test_a_key_that_has_gone_is_missed_and_none_is_made_in_its_place(settings, engine, keep):
    keep("a", EARLIER)
    with pytest.raises(BadSettings, match=r"Put back secret\.key from a backup"):
        secret_keys(settings, engine)
    assert not settings.key_file.exists()


def test_the_key_of_another_database_is_no_key(settings, engine, keep):
    keep("a", EARLIER)
    _ = settings.keys
    with pytest.raises(BadSettings, match="1 channel has credentials"):
        secret_keys(settings, engine)
    settings.key_file.write_text(EARLIER)
    again = Settings.read(data_dir=settings.data_dir, database_url=settings.database_url)
    assert secret_keys(again, engine) == (EARLIER,)


def test_whoever_names_a_new_key_starts_with_it(settings, engine, keep):
    keep("a", EARLIER)
    new = "n" * 32
    named = Settings.read(
        data_dir=settings.data_dir, database_url=settings.database_url, secret_key=new
    )
    assert secret_keys(named, engine) == (new,)
    keep("b", new)
    assert fit(named, engine) == Fit(readable=1, unreadable=1)


def test_what_an_earlier_key_encrypted_is_encrypted_with_the_first(settings, engine, keep):
    keys = ("n" * 32, EARLIER)
    named = Settings.read(
        data_dir=settings.data_dir, database_url=settings.database_url, secret_key=",".join(keys)
    )
    keep("a", EARLIER)
    keep("b", keys[0])
    routes = {"id": "r", "channel_id": "b", "version": 1, "created_at": NOW}
    with transaction(engine) as db:
        sealed = Vault([EARLIER]).seal({"routes": []}, "r")
        db.execute(insert(table(RouteSet)), {**routes, "sealed": sealed})
    assert fit(named, engine) == Fit(readable=2, earlier=2)
    assert [rekey(engine, keys) for _ in range(2)] == [2, 0]
    alone = Settings.read(
        data_dir=settings.data_dir, database_url=settings.database_url, secret_key=keys[0]
    )
    assert fit(alone, engine) == Fit(readable=2)
    with reading(engine) as db:
        kept = db.execute(select(table(RouteSet).c.sealed)).scalar_one()
    assert Vault(keys[:1]).open(kept, "r") == {"routes": []}


def test_routes_that_need_a_key_which_is_not_here_are_told_of(settings, engine, keep):
    keep("a", settings.keys[0])
    routes = {"id": "r", "channel_id": "a", "version": 1, "created_at": NOW}
    with transaction(engine) as db:
        sealed = Vault([EARLIER]).seal({}, "r")
        db.execute(insert(table(RouteSet)), {**routes, "sealed": sealed})
    assert fit(settings, engine) == Fit(unreadable=1)


def test_a_database_without_tables_needs_no_key_yet(tmp_path, make_settings):
    from hubbub.store.session import make_engine

    settings = make_settings()
    assert fit(settings, make_engine(settings.database)) == Fit()


def test_a_database_that_is_away_is_waited_for_with_the_key_that_is_there(tmp_path):
    from hubbub.store.session import DatabaseDown, make_engine

    url = "postgresql+psycopg://u@127.0.0.1:1/d"
    settings = Settings.read(data_dir=tmp_path, database_url=url)
    engine = make_engine(url)
    with pytest.raises(DatabaseDown):
        secret_keys(settings, engine)
    settings.key_file.write_text(EARLIER)
    assert secret_keys(settings, engine) == (EARLIER,)


def test_what_looks_into_a_new_database_first_leaves_it_to_our_user_alone(tmp_path, make_settings):
    from hubbub.store.session import make_engine

    tmp_path.chmod(0o755)
    settings = make_settings(database_url=f"sqlite:///{tmp_path / 'new.db'}")
    fit(settings, make_engine(settings.database))
    assert (tmp_path / "new.db").stat().st_mode & 0o777 == 0o600
