"""The doctor says what is wrong, why it matters and how to mend it."""

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import insert

from hubbub import cli, doctor
from hubbub.commands import doctor as command
from hubbub.doctor import NoSuchChannel, examine
from hubbub.health import Check
from hubbub.keyring import rekey
from hubbub.redis_client import make_redis
from hubbub.relay import Desk
from hubbub.sdk.errors import HubError
from hubbub.sdk.values import Finding
from hubbub.store.migrate import migrate
from hubbub.store.session import make_engine, transaction
from hubbub.store.tables import Channel, Process, table
from hubbub.vault import Vault

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture
def healthy(make_settings, tmp_path, valkey_url):
    """Settings of a hub that runs."""
    (tmp_path / "plugins.toml").write_text("[plugins]\n")
    settings = make_settings(plugins_file=tmp_path / "plugins.toml", redis_url=valkey_url)
    engine = make_engine(settings.database)
    migrate(engine)
    with transaction(engine) as db:
        for kind in ("worker", "scheduler"):
            row = {"id": kind, "kind": kind, "host": "h", "started_at": NOW}
            db.execute(insert(table(Process)), {**row, "seen_at": datetime.now(UTC)})
    engine.dispose()
    return settings


@pytest.fixture
def add_channel(healthy):
    """Add a channel to the healthy hub."""

    def add(channel_id, *, type="telegram", enabled=True, secrets=b"", settings=()):
        row = {
            "id": channel_id,
            "type": type,
            "name": f"Shop {channel_id}",
            "enabled": enabled,
            "status": "connected",
            "status_since": NOW,
            "webhook_key": channel_id,
            "settings": dict(settings),
            "secrets": secrets,
            "facts": {},
            "created_at": NOW,
        }
        engine = make_engine(healthy.database)
        with transaction(engine) as db:
            db.execute(insert(table(Channel)), row)
        engine.dispose()

    return add


def test_a_healthy_hub_has_nothing_to_mend(healthy):
    checks = list(examine(healthy))
    assert [check.name for check in checks if not check.ok] == []
    assert {check.name for check in checks} == {
        *("Database", "Redis", "Plugins", "Disk", "Media store", "Public URL"),
        *("Secret key", "Worker", "Scheduler", "Backup"),
    }


@pytest.mark.parametrize(
    ("change", "name", "detail", "fix"),
    [
        ({"redis_url": "redis://127.0.0.1:1"}, "Redis", "refused", "HUBBUB_REDIS_URL"),
        (
            {"database_url": "postgresql://u:canary@127.0.0.1:1/d"},
            *("Database", "refused", "HUBBUB_DATABASE_URL"),
        ),
        ({"data_dir": "/dev/null/x"}, "Disk", "not writable", "HUBBUB_DATA_DIR"),
        ({"plugins_file": "/nowhere"}, "Plugins", "there is no file", "Mend /nowhere"),
        ({"public_url": "http://hub.example.com"}, "Public URL", "http://hub", "HUBBUB_PUBLIC_URL"),
    ],
)
def test_what_is_broken_is_named_with_how_to_mend_it(
    healthy, make_settings, change, name, detail, fix
):
    given = {
        "database_url": healthy.database,
        "redis_url": healthy.redis_url,
        "plugins_file": healthy.plugins_file,
        "data_dir": healthy.data_dir,
        **change,
    }
    found = {check.name: check for check in examine(make_settings(**given))}[name]
    assert not found.ok
    assert detail in found.detail
    assert fix in found.fix
    assert found.why
    assert "canary" not in str(found)


@pytest.mark.parametrize(
    "url",
    ["https://hub.example.com", "http://localhost:8000", "http://192.168.1.7", "http://hub.local"],
)
def test_plain_http_is_fine_nearby_only(healthy, make_settings, url):
    checks = examine(make_settings(public_url=url, plugins_file=healthy.plugins_file))
    assert [check.ok for check in checks if check.name == "Public URL"] == [True]


def test_a_database_behind_this_version_is_to_be_migrated(make_settings):
    found = {check.name: check for check in examine(make_settings())}
    assert found["Database"].fix == "Run `hubbub migrate`."
    assert "Worker" not in found, "what needs the database is left out"


def test_a_misspelt_variable_is_told_with_what_may_be_meant(healthy, monkeypatch):
    monkeypatch.setenv("HUBBUB_PUBLIC_ULR", "https://hub.example.com")
    (wrong,) = [check for check in examine(healthy) if not check.ok]
    assert wrong.detail == "HUBBUB_PUBLIC_ULR is set, and no setting has this name"
    assert wrong.fix == "Did you mean HUBBUB_PUBLIC_URL?"


def test_a_channel_whose_type_was_retired_is_told_of(healthy, add_channel, monkeypatch):
    healthy.plugins_file.write_text("[plugins.telegram]\n")
    monkeypatch.setattr("hubbub_telegram.channel.Telegram.legacy", "Use Telegraph.")
    add_channel("c1")
    told = [check for check in examine(healthy, "c1") if "legacy" in check.detail]
    assert [(check.ok, check.detail) for check in told] == [(True, "legacy: Use Telegraph.")]


def test_a_session_that_nobody_holds_is_told_until_a_listener_takes_it(
    healthy, add_channel, monkeypatch
):
    healthy.plugins_file.write_text("[plugins.sms_smpp]\n")
    monkeypatch.setattr(doctor, "look_at_channel", lambda _hub, _channel: ())
    add_channel("s1", type="sms_smpp")
    (wrong,) = [check for check in examine(healthy, "s1") if not check.ok]
    assert wrong.detail == "no listener holds its session"
    assert "`hubbub listener` runs" in wrong.fix
    with make_redis(healthy.redis_url) as client:
        Desk(client, "s1").open()
        assert all(check.ok for check in examine(healthy, "s1"))
        Desk(client, "s1").close()


def test_a_listener_is_missed_where_a_mailbox_is_to_be_watched(healthy, add_channel, monkeypatch):
    healthy.plugins_file.write_text("[plugins.email]\n")
    monkeypatch.setattr(doctor, "look_at_channel", lambda _hub, _channel: ())
    box = {"from_address": "shop@example.org", "smtp_host": "mail.example.org"}
    kept = {"credentials": {"smtp_password": "p"}, "webhook_secret": "s", "verify_token": None}
    for name, settings in (
        ("sends", box),
        ("fetches", {**box, "imap_host": "mail.example.org"}),
    ):
        secrets = Vault([healthy.secret_key]).seal(kept, name)
        add_channel(name, type="email", secrets=secrets, settings=settings)
    assert all(check.ok for check in examine(healthy, "sends"))
    (wrong,) = [check for check in examine(healthy) if not check.ok]
    assert (wrong.name, wrong.detail) == ("Listener", "never seen")
    assert wrong.fix == "Start `hubbub up`, or `hubbub listener`."


def test_a_process_that_fell_silent_is_missed(healthy):
    engine = make_engine(healthy.database)
    with transaction(engine) as db:
        long_ago = datetime.now(UTC) - timedelta(hours=1)
        db.execute(table(Process).update().values(seen_at=long_ago))
    engine.dispose()
    wrong = [check for check in examine(healthy) if not check.ok]
    assert [check.name for check in wrong] == ["Worker", "Scheduler"]
    assert wrong[0].fix == "Start `hubbub up`, or `hubbub worker`."


def test_a_refused_plugin_is_named_with_the_reason(healthy):
    healthy.plugins_file.write_text("[plugins.absent]\n")
    (wrong,) = [check for check in examine(healthy) if not check.ok]
    assert wrong.name == "Plugin absent"
    assert wrong.detail.startswith("No installed package offers it")


def test_each_channel_is_asked_and_those_switched_off_are_not(healthy, add_channel, monkeypatch):
    add_channel("a")
    add_channel("b", enabled=False)
    add_channel("c")
    findings = {
        "a": (Finding(code="token", ok=False, detail="was revoked", fix="Enter a new one."),),
        "c": (),
    }
    monkeypatch.setattr(doctor, "look_at_channel", lambda _hub, channel: findings[channel])
    told = [check for check in examine(healthy) if check.name.startswith("Channel ")]
    assert [(check.name, check.ok, check.detail, check.fix) for check in told[:1]] == [
        ("Channel Shop a (telegram)", False, "was revoked", "Enter a new one.")
    ]
    assert [(check.ok, check.detail) for check in told[1:]] == [
        (True, "is switched off, and so not checked"),
        (True, "nothing to report"),
    ]


def test_the_end_of_a_rotation_of_the_secret_key_is_told(healthy, add_channel, monkeypatch):
    new, old = "n" * 32, healthy.secret_key
    add_channel("a", secrets=Vault([old]).seal({}, "a"))
    monkeypatch.setattr(doctor, "look_at_channel", lambda _hub, _channel: ())
    rotated = healthy.model_copy(update={"secret_key": f"{new},{old}"})

    def told():
        return next(check.detail for check in examine(rotated) if check.name == "Secret key")

    assert "an earlier one is still needed, until `hubbub rekey`" in told()
    rekey(make_engine(rotated.database), (new, old))
    assert told() == "fits what is stored; the others may go"


def test_a_secret_key_that_does_not_fit_is_told(healthy, add_channel, make_settings, monkeypatch):
    add_channel("a", secrets=Vault(["the key of an earlier start"]).seal({}, "a"))
    monkeypatch.setattr(doctor, "look_at_channel", lambda _hub, _channel: ())
    (wrong,) = [check for check in examine(healthy) if not check.ok]
    assert wrong.name == "Secret key"
    assert wrong.detail.startswith(
        "1 channel has credentials or routes that were encrypted with a secret"
    )
    assert "secret.key" in wrong.fix


@pytest.mark.parametrize("wanted", ["a", "Shop a"])
def test_one_channel_is_checked_by_its_id_or_name(healthy, add_channel, monkeypatch, wanted):
    def refuse(_hub, _channel):
        raise HubError("The credentials cannot be decrypted.")

    add_channel("a")
    add_channel("c")
    monkeypatch.setattr(doctor, "look_at_channel", refuse)
    (told,) = examine(healthy, wanted)
    assert (told.ok, told.detail) == (False, "The credentials cannot be decrypted.")


def test_a_channel_that_is_not_there_cannot_be_checked(healthy):
    with pytest.raises(NoSuchChannel, match="There is no channel 'x'"):
        list(examine(healthy, "x"))


@pytest.mark.parametrize(
    ("checks", "status", "said"),
    [
        ([Check(name="Disk", ok=True, detail="roomy")], 0, "ok    Disk: roomy\n\nAll is well.\n"),
        (
            [Check(name="Disk", ok=False, detail="full", why="It stops.", fix="Make room.")],
            1,
            (
                "WRONG Disk: full\n      Why it matters: It stops.\n"
                "      How to mend it: Make room.\n\n1 to mend.\n"
            ),
        ),
    ],
)
def test_the_command_prints_each_check_and_ends_by_what_it_found(
    monkeypatch, capsys, checks, status, said
):
    monkeypatch.setattr(command, "examine", lambda _settings, _channel: checks)
    monkeypatch.setattr("hubbub.logs.configure", lambda *_, **__: None)
    assert cli.run(["doctor"]) == status
    assert capsys.readouterr().out == said
