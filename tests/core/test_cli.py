"""``hubbub``: what it prints, where, and with which status it ends."""

import io
import json
import logging
import shutil
import socket
import subprocess
import sys
from datetime import UTC, datetime

import click
import pytest
import structlog
from argon2 import PasswordHasher
from sqlalchemy import insert, select

from hubbub import cli
from hubbub.commands import given, ledger, replay
from hubbub.receive.work import NotReleasable
from hubbub.sdk.errors import HubError
from hubbub.store.migrate import head, migrate
from hubbub.store.session import make_engine, reading, transaction
from hubbub.store.tables import Call, Channel, Token, User, table
from hubbub.store.types import new_id
from hubbub.track.ledger import Ledger
from hubbub.vault import digest

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
CALLS, CHANNELS, TOKENS, USERS = (table(kind) for kind in (Call, Channel, Token, User))
PLUGINS = """\
# Ours, and why.
[plugins.inbox]   # people read there
enabled = true

[plugins.absent]
"""


@pytest.fixture(scope="session")
def migrated(tmp_path_factory):
    """A migrated SQLite file to copy."""
    path = tmp_path_factory.mktemp("migrated") / "hubbub.db"
    engine = make_engine(f"sqlite:///{path}")
    migrate(engine)
    engine.dispose()
    return path


@pytest.fixture(autouse=True)
def var(tmp_path, monkeypatch):
    """An empty data directory, which the environment names."""
    monkeypatch.setenv("HUBBUB_DATA_DIR", str(tmp_path / "var"))
    monkeypatch.setenv("HUBBUB_PLUGINS_FILE", str(tmp_path / "plugins.toml"))
    (tmp_path / "plugins.toml").write_text("[plugins]\n")
    (tmp_path / "var").mkdir()
    return tmp_path / "var"


@pytest.fixture
def engine(var, migrated):
    """An engine on the hub's database, ready for use."""
    shutil.copyfile(migrated, var / "hubbub.db")
    made = make_engine(f"sqlite:///{var / 'hubbub.db'}")
    yield made
    made.dispose()


@pytest.fixture(autouse=True)
def _logs_as_before():
    handlers, level = logging.root.handlers, logging.root.level
    yield
    logging.root.handlers, logging.root.level = handlers, level
    logging.captureWarnings(capture=False)
    structlog.reset_defaults()


@pytest.fixture
def hubbub(capsys):
    """Run a command; return its status, standard output and standard error."""

    def run(*arguments):
        status = cli.run(arguments)
        return status, *capsys.readouterr()

    return run


@pytest.fixture
def channel(engine):
    """A channel."""
    channel_id = new_id()
    with transaction(engine) as db:
        db.execute(
            insert(CHANNELS),
            {
                "id": channel_id,
                "type": "telegram",
                "name": "Shop",
                "enabled": True,
                "status": "error",
                "status_reason": "The token was revoked.",
                "status_since": NOW,
                "webhook_key": "k" * 24,
                "settings": {},
                "secrets": b"",
                "facts": {},
                "version": 1,
                "created_at": NOW,
            },
        )
    return channel_id


# --- finding commands, and failing -------------------------------------------------------------


def test_help_names_every_command_and_hides_what_is_not_for_people(hubbub):
    status, out, _ = hubbub("--help")
    listed = [line.split()[0] for line in out.partition("Commands:")[2].splitlines() if line]
    assert status == 0
    assert listed == [name for name in cli.COMMANDS if name not in {"background", "seed"}]


def test_help_loads_nothing_that_takes_long():
    script = (
        "import sys; from hubbub.cli import run; run(['--help']);"
        "print({'pydantic', 'sqlalchemy', 'structlog', 'hubbub.sdk'} & set(sys.modules))"
    )
    said = subprocess.run(
        [sys.executable, "-c", script],
        env={"PYTHONPATH": ":".join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert said.stdout.endswith("set()\n")


@pytest.mark.parametrize("name", [name for name in cli.COMMANDS if name != "seed"])
def test_every_command_is_where_the_list_says_and_does_what_it_says(name):
    command = cli.cli.get_command(click.Context(cli.cli), name)
    assert command is not None
    assert (command.help or "").partition("\n\n")[0] == cli.COMMANDS[name][1]


@pytest.mark.parametrize(
    "words",
    [
        "nonsense",
        "up --nonsense",
        "user add",
        "user add a@example.com --role king",
        "up --port 99999",
        "token create",
        "replay",
        "replay some-call --channel some-channel",
    ],
)
def test_calling_it_wrongly_is_status_2(hubbub, words):
    status, out, err = hubbub(*words.split())
    assert (status, out) == (2, "")
    assert err.startswith("hubbub: ")
    assert err.count("\n") == 1


def test_a_group_without_a_command_shows_what_there_is(hubbub):
    status, _, err = hubbub("user")
    assert status == 2
    assert "Commands:\n  add " in err


@pytest.mark.parametrize(
    ("name", "value", "said"),
    [
        ("PORT", "abc", "HUBBUB_PORT cannot be used: "),
        ("DATABASE_URL", "postgresql://u:secret@127.0.0.1:1/d", "The database (127.0.0.1) did not"),
        (
            "DATABASE_URL",
            "sqlite:////dev/null/x/hubbub.db",
            "HUBBUB_DATA_DIR or HUBBUB_DATABASE_URL",
        ),
        ("PLUGINS_FILE", "/nowhere/plugins.toml", "HUBBUB_PLUGINS_FILE cannot be used: there is"),
    ],
)
def test_what_can_be_expected_to_fail_is_one_sentence_on_standard_error(
    hubbub, engine, monkeypatch, name, value, said
):
    monkeypatch.setenv(f"HUBBUB_{name}", value)
    status, out, err = hubbub("channels")
    assert (status, out) == (1, "")
    assert err.startswith(f"hubbub: {said}")
    assert err.count("\n") == 1
    assert "HUBBUB_" in err
    assert "secret" not in err


def test_a_database_that_is_not_migrated_is_told_with_what_to_do(hubbub):
    assert hubbub("channels") == (
        1,
        "",
        f"hubbub: The database is at version none and this needs {head()}: run `hubbub migrate`.\n",
    )


def test_a_port_in_use_is_told_before_anything_starts(hubbub, var):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        status, out, err = hubbub("up", "--port", str(port))
    assert (status, out) == (1, "")
    assert err.startswith(f"hubbub: Port {port} on 127.0.0.1 cannot be used: address already in")
    assert list(var.iterdir()) == []


def test_what_nobody_expected_is_a_sentence_too_and_its_origin_on_request(hubbub, monkeypatch):
    def fail():
        raise KeyError("x")

    monkeypatch.setattr(given, "hub", fail)
    status, _, err = hubbub("ledger")
    assert status == 1
    assert err.startswith("hubbub: Something unexpected went wrong: KeyError: ")
    assert err.count("\n") == 1
    with pytest.raises(KeyError):
        hubbub("--trace", "ledger")


def test_a_reason_that_another_process_has_told_is_not_told_again(hubbub, monkeypatch):
    def fail():
        raise HubError

    monkeypatch.setattr(given, "hub", fail)
    assert hubbub("ledger") == (1, "", "")


# --- database ------------------------------------------------------------------------------------


def test_migrate_can_be_run_twice(hubbub):
    assert hubbub("migrate") == (0, f"The database is at version {head()} now.\n", "")
    assert hubbub("migrate") == (0, f"The database is at version {head()} already.\n", "")


def test_what_is_stored_is_encrypted_with_the_first_key(hubbub, engine):
    said = "0 encrypted anew. All that is stored needs the first key alone.\n"
    assert hubbub("rekey") == (0, said, "")


# --- people --------------------------------------------------------------------------------------


def test_a_person_is_added_with_the_password_from_standard_input(hubbub, engine, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse\n"))
    add = ("user", "add", "ada@example.com", "--role", "admin", "--password-stdin")
    assert hubbub(*add) == (0, "ada@example.com can log in as admin.\n", "")
    with reading(engine) as db:
        row = db.execute(select(USERS)).one()
    assert (row.email, row.role) == ("ada@example.com", "admin")
    assert PasswordHasher().verify(row.password_hash, "correct horse")


def test_without_anybody_to_ask_a_password_is_made_up_and_shown_once(hubbub, engine, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO())
    status, out, _ = hubbub("user", "add", "ada@example.com", "--name", "Ada")
    password = out.splitlines()[1].removeprefix("Password: ")
    assert status == 0
    with reading(engine) as db:
        row = db.execute(select(USERS)).one()
    assert (row.name, row.role) == ("Ada", "agent")
    assert PasswordHasher().verify(row.password_hash, password)


def test_a_forgotten_password_is_replaced(hubbub, engine, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse\nbattery staple\n"))
    hubbub("user", "add", "ada@example.com", "--password-stdin")
    *changed, told = hubbub("user", "password", "Ada@example.com", "--password-stdin")
    assert changed == [0, "ada@example.com has a new password.\n"]
    # No hub runs here.
    assert told == (
        "No hub was told, as Redis does not answer: pages that are open notice at their next "
        "request.\n"
    )
    with reading(engine) as db:
        stored = db.execute(select(USERS.c.password_hash)).scalar_one()
    assert PasswordHasher().verify(stored, "battery staple")
    status, out, _ = hubbub("user", "password", "ada@example.com")
    made_up = out.splitlines()[1].removeprefix("Password: ")
    with reading(engine) as db:
        stored = db.execute(select(USERS.c.password_hash)).scalar_one()
    assert (status, PasswordHasher().verify(stored, made_up)) == (0, True)


def test_there_is_no_password_for_nobody(hubbub, engine, monkeypatch):
    monkeypatch.setattr("sys.stdin", io.StringIO("correct horse\n"))
    said = "hubbub: There is no user with the email nobody@example.com.\n"
    assert hubbub("user", "password", "nobody@example.com") == (1, "", said)


@pytest.mark.parametrize(
    ("email", "password", "said"),
    [("ada@example.com", "short", "password"), ("no address", "correct horse", "email")],
)
def test_a_person_who_cannot_be_added_is_refused_with_the_reason(
    hubbub, engine, monkeypatch, email, password, said
):
    monkeypatch.setattr("sys.stdin", io.StringIO(password))
    status, out, err = hubbub("user", "add", email, "--password-stdin")
    assert (status, out) == (2, "")
    assert err.startswith("hubbub: ")
    assert said in err


def test_a_token_without_a_name_is_the_wrong_use_of_the_command(hubbub, engine):
    status, out, err = hubbub("token", "create", "--name", "")
    assert (status, out) == (2, "")
    assert err.startswith("hubbub: name: ")


def test_nobody_is_added_twice(hubbub, engine, monkeypatch):
    for expected in (0, 1):
        monkeypatch.setattr("sys.stdin", io.StringIO("correct horse"))
        status, _, err = hubbub("user", "add", "ada@example.com", "--password-stdin")
        assert status == expected
    assert err == "hubbub: There is already a user with the email ada@example.com.\n"


def test_a_token_is_printed_alone_and_kept_only_as_its_digest(hubbub, engine):
    status, out, err = hubbub("token", "create", "--name", "CRM", "--scope", "read")
    assert (status, err) == (0, "")
    token = out.removesuffix("\n")
    assert token.isprintable()
    assert " " not in token
    with reading(engine) as db:
        row = db.execute(select(TOKENS)).one()
    assert (row.name, row.scopes, row.digest) == ("CRM", ["read"], digest(token))


def test_a_token_may_do_everything_unless_said(hubbub, engine):
    assert hubbub("token", "create", "--name", "x")[0] == 0
    with reading(engine) as db:
        assert set(db.execute(select(TOKENS.c.scopes)).scalar_one()) >= {"read", "write"}


# --- channels and plugins ------------------------------------------------------------------------


def test_channels_are_shown_to_people_and_to_machines(hubbub, channel):
    _, out, _ = hubbub("channels")
    why = "The plugin that offers 'telegram' is not loaded. `hubbub plugins` tells why."
    assert [" ".join(line.split()) for line in out.splitlines()] == [
        "ID TYPE NAME STATUS STATUS REASON",
        f"{channel} telegram Shop error {why}",
    ]
    status, out, _ = hubbub("channels", "--json")
    assert status == 0
    assert json.loads(out) == [
        {
            "id": channel,
            "type": "telegram",
            "name": "Shop",
            "enabled": True,
            "status": "error",
            "status_reason": why,
            "status_since": "2026-01-02T03:04:05Z",
            "last_active_at": None,
        }
    ]


def test_without_channels_people_are_told_and_machines_get_an_empty_list(hubbub, engine):
    assert hubbub("channels")[1].startswith("There is no channel yet.")
    assert hubbub("channels", "--json") == (0, "[]\n", "")


def test_plugins_are_shown_with_how_they_are_and_why(hubbub, tmp_path):
    (tmp_path / "plugins.toml").write_text("[plugins.absent]\n")
    status, out, _ = hubbub("plugins", "--json")
    assert status == 1  # something is wrong
    (absent, *_) = json.loads(out)
    assert (absent["name"], absent["state"]) == ("absent", "refused")
    assert absent["reason"].startswith("No installed package offers it")
    assert "absent" in hubbub("plugins")[1]
    (tmp_path / "plugins.toml").write_text("[plugins.inbox]\n")
    assert hubbub("plugins")[0] == 0


def test_disabling_and_enabling_a_plugin_leaves_the_rest_of_the_file_alone(
    hubbub, tmp_path, monkeypatch
):
    path = tmp_path / "plugins.toml"
    path.write_text(PLUGINS)
    assert hubbub("plugins", "disable", "inbox")[0] == 0
    assert path.read_text() == PLUGINS.replace("true", "false")
    assert hubbub("plugins", "enable", "inbox")[0] == 0
    assert path.read_text() == PLUGINS


def test_enabling_a_plugin_that_the_file_does_not_name_adds_it(hubbub, tmp_path):
    path = tmp_path / "plugins.toml"
    path.write_text("# Nothing yet.\n")
    assert hubbub("plugins", "enable", "inbox")[0] == 0
    assert path.read_text() == "# Nothing yet.\n\n[plugins.inbox]\nenabled = true\n"


@pytest.mark.parametrize("verb", ["enable", "disable"])
def test_a_plugin_that_is_not_there_cannot_be_switched(hubbub, tmp_path, verb):
    before = (tmp_path / "plugins.toml").read_text()
    status, out, err = hubbub("plugins", verb, "absent")
    assert (status, out) == (1, "")
    assert "'absent'" in err
    assert (tmp_path / "plugins.toml").read_text() == before


def test_a_broken_plugins_file_is_told_and_left_alone(hubbub, tmp_path):
    (tmp_path / "plugins.toml").write_text("[plugins")
    status, _, err = hubbub("plugins", "enable", "inbox")
    assert status == 1
    assert err.startswith("hubbub: HUBBUB_PLUGINS_FILE cannot be used: ")
    assert (tmp_path / "plugins.toml").read_text() == "[plugins"


# --- calls ---------------------------------------------------------------------------------------


def test_calls_are_replayed_one_by_one_and_those_that_cannot_be_are_named(
    hubbub, engine, monkeypatch
):
    asked = []

    def replay_call(_hub, call_id, *, force, actor):
        assert actor == "cli"
        asked.append((call_id, force))
        if call_id == "c2":
            raise NotReleasable("There is no such call.")

    monkeypatch.setattr(replay, "replay_call", replay_call)
    status, out, err = hubbub("replay", "c1", "c2", "c3", "--force")
    assert asked == [("c1", True), ("c2", True), ("c3", True)]
    assert status == 1
    assert out == "2 of 3 calls will be read again.\n"
    assert err == "hubbub: c2: There is no such call.\n"


def test_the_dead_calls_of_a_channel_are_replayed_since_a_time(
    hubbub, engine, channel, monkeypatch
):
    kept = {"method": "POST", "url": "", "headers": {}, "body": b"", "outcomes": []}
    calls = [("old", 1, "dead"), ("new", 3, "dead"), ("done", 3, "done"), ("newer", 4, "dead")]
    with transaction(engine) as db:
        for name, day, state in calls:
            received = NOW.replace(day=day)
            row = {"id": name, "channel_id": channel, "state": state, "received_at": received}
            db.execute(insert(CALLS), {**kept, **row})
    asked = []
    monkeypatch.setattr(replay, "replay_call", lambda _hub, call, **_: asked.append(call))
    status, out, _ = hubbub("replay", "--channel", channel, "--since", "2026-01-02")
    assert (status, out) == (0, "2 of 2 calls will be read again.\n")
    assert sorted(asked) == ["new", "newer"]


def test_replaying_for_a_channel_that_is_not_there_is_refused(hubbub, engine):
    status, _, err = hubbub("replay", "--channel", "nothing")
    assert status == 1
    assert err.startswith("hubbub: There is no")


def test_the_ledger_of_an_empty_hub_balances(hubbub, engine):
    status, out, _ = hubbub("ledger", "--json")
    found = json.loads(out)
    assert (status, found["balanced"]) == (0, True)
    assert not any(value for name, value in found.items() if name != "balanced")


def test_a_ledger_that_does_not_balance_is_status_1(hubbub, engine, monkeypatch):
    names = [name for name in Ledger.__dataclass_fields__ if name != "balanced"]
    found = Ledger(**dict.fromkeys(names, 7), balanced=False)
    monkeypatch.setattr(ledger, "count", lambda _db: found)
    status, out, _ = hubbub("ledger")
    assert status == 1
    assert "dead calls        7" in out
    assert "Quarantined calls are not among the calls above" in out
