"""Which plugins run, with which settings, and that a bad one harms no other."""

from importlib.metadata import EntryPoint
from types import SimpleNamespace
from typing import Any

import pytest

from hubbub import cli, loading
from hubbub.sdk import ChannelType, ConditionType, Fields, RouteType, hookimpl

GUEST = EntryPoint("guest", "tests.services.guest:Guest", "hubbub.plugins")
INBOX = EntryPoint("inbox", "hubbub_inbox", "hubbub.plugins")
PARROT = EntryPoint("parrot", "tests.services.parrot", "hubbub.plugins")


class Sealed:
    """Loads whatever it holds, as an entry point does."""

    def __init__(self, name, what):
        self.name, self.dist, self._what = name, None, what

    def load(self):
        if isinstance(self._what, BaseException):
            raise self._what
        return self._what


@pytest.fixture
def load(tmp_path):
    """Return what loads the plugins that these sections of plugins.toml name."""

    def loaded(sections, *points):
        file = tmp_path / "plugins.toml"
        file.write_text(sections)
        return loading.load(file, list(points))

    return loaded


def fate(plugins, name):
    (status,) = (one for one in plugins.statuses if one.name == name)
    return status.state, status.reason


def test_a_plugin_is_made_with_its_validated_settings(load):
    plugins = load('[plugins.guest]\nenabled = true\nopen_to = "admins"', GUEST)
    guest = plugins.manager.get_plugin("guest")
    assert (guest.options.open_to, guest.options.broken) == ("admins", ())


@pytest.mark.parametrize(
    ("setting", "reason"),
    [
        ("opn_to = 1", "opn_to in plugins.toml: Extra inputs are not permitted."),
        ("open_to = 1", "open_to in plugins.toml: Input should be a valid string."),
        ('broken = ["a", 2]', "broken.1 in plugins.toml: Input should be a valid string."),
    ],
)
def test_a_bad_setting_refuses_its_plugin_with_a_sentence_that_names_it(load, setting, reason):
    plugins = load(f"[plugins.guest]\n{setting}\n[plugins.inbox]", GUEST, INBOX)
    assert fate(plugins, "guest") == ("refused", reason)
    assert fate(plugins, "inbox") == ("loaded", "")
    assert plugins.conditions == {}


def test_the_value_of_a_bad_setting_is_not_shown(load):
    plugins = load('[plugins.guest]\nopen_to = ["a secret"]', GUEST)
    assert "a secret" not in fate(plugins, "guest")[1]


def test_a_plugin_without_settings_takes_none(load):
    plugins = load("[plugins.inbox]\ncolour = 1", INBOX)
    assert fate(plugins, "inbox") == (
        "refused",
        "It has no setting 'colour' (plugins.toml).",
    )


class Parrot(ChannelType[Any]):
    type = "parrot"
    label = "Parrot"
    fields = Fields


class Length(ConditionType):
    type = "length"


class Inbox(RouteType):
    type = "inbox"


def offering(hook, *kinds):
    return SimpleNamespace(**{hook: hookimpl(lambda: kinds)})


def misspelt():
    @hookimpl
    def message_recieved(message):
        del message

    return SimpleNamespace(message_recieved=message_recieved)


def overbearing():
    @hookimpl
    def message_received(message, everything):
        del message, everything

    return SimpleNamespace(message_received=message_received)


@pytest.mark.parametrize(
    ("what", "reason"),
    [
        (ImportError("there is no such module"), "ImportError: there is no such module"),
        (SystemExit(3), "SystemExit: 3"),
        (SimpleNamespace(api_version=(2, 0)), "version 2.0 of the plugin API"),
        (SimpleNamespace(api_version=(1, 99)), "version 1.99 of the plugin API"),
        (misspelt(), "unknown hook 'message_recieved'"),
        (overbearing(), "Argument(s) {'everything'}"),
        (offering("register_channel_types", Parrot()), "already offers the type 'parrot'"),
        (offering("register_route_types", Inbox()), "already offers the type 'inbox'"),
        (offering("register_conditions", Length()), "already offers the type 'length'"),
    ],
)
def test_a_plugin_that_cannot_be_used_is_refused_and_harms_no_other(load, what, reason):
    sections = "[plugins.guest]\n[plugins.parrot]\n[plugins.inbox]\n[plugins.odd]"
    plugins = load(sections, GUEST, PARROT, INBOX, Sealed("odd", what))
    state, told = fate(plugins, "odd")
    assert (state, reason in told) == ("refused", True), told
    assert {name: fate(plugins, name)[0] for name in ("guest", "parrot", "inbox")} == {
        "guest": "loaded",
        "parrot": "loaded",
        "inbox": "loaded",
    }


def test_only_what_plugins_toml_names_and_enables_is_imported(load):
    never = Sealed("never", AssertionError("it was imported"))
    off = Sealed("off", AssertionError("it was imported"))
    plugins = load("[plugins.off]\nenabled = false\n[plugins.gone]", never, off)
    assert fate(plugins, "never") == ("not named", "plugins.toml does not name it.")
    assert fate(plugins, "off") == ("disabled", "")
    assert fate(plugins, "gone")[0] == "refused"


@pytest.mark.parametrize("value", ['"false"', '"perhaps"', "0"])
def test_only_true_or_false_enables_or_disables(load, value):
    state, reason = fate(load(f"[plugins.guest]\nenabled = {value}", GUEST), "guest")
    assert state == "refused"
    assert reason.startswith("enabled is true or false in its section")


def test_a_status_says_what_a_plugin_does(load):
    plugins = load("[plugins.parrot]\n[plugins.guest]", GUEST, PARROT)
    parrot, guest = plugins.statuses
    assert (parrot.channel_types, parrot.hooks) == (("parrot",), ("register_channel_types",))
    assert {"contribute_commands", "screen_inbound", "channel_send"} <= set(guest.hooks)


# --- commands ----------------------------------------------------------------------------------


@pytest.fixture
def hubbub(tmp_path, monkeypatch, capsys):
    """Run a command of a hub whose plugins.toml says so; return status and both outputs."""
    points = [GUEST, INBOX]
    monkeypatch.setattr(loading, "entry_points", lambda group: points)
    monkeypatch.setenv("HUBBUB_PLUGINS_FILE", str(tmp_path / "plugins.toml"))

    def run(sections, *arguments):
        (tmp_path / "plugins.toml").write_text(sections)
        return cli.run(arguments), *capsys.readouterr()

    return run


def test_a_plugin_brings_commands_under_its_name(hubbub):
    status, out, _ = hubbub("[plugins.guest]", "guest", "greet", "Ada")
    assert (status, out) == (0, "Hello Ada, the plugin is open to people.\n")
    status, out, _ = hubbub("[plugins.guest]", "guest", "--help")
    assert (status, "Greet somebody." in out) == (0, True)


@pytest.mark.parametrize(
    ("sections", "name", "status", "told"),
    [
        ("[plugins]", "guest", 2, "No such command 'guest'"),
        ("[plugins.inbox]", "inbox", 2, "No such command 'inbox'"),
        ("[plugins.guest]\nenabled = false", "guest", 1, "The plugin 'guest' is disabled."),
        ("[plugins.guest]\ncolour = 1", "guest", 1, "The plugin 'guest' is refused."),
        (
            '[plugins.guest]\nbroken = ["contribute_commands"]',
            "guest",
            1,
            "The plugin 'guest' failed: RuntimeError: contribute_commands is broken",
        ),
    ],
)
def test_who_asks_for_commands_that_are_not_there_is_told_why(hubbub, sections, name, status, told):
    found, out, err = hubbub(sections, name, "greet", "Ada")
    assert (found, out) == (status, "")
    assert told in err
    assert "Traceback" not in err


def test_a_broken_plugin_harms_no_command_of_the_hub(hubbub):
    assert hubbub("[plugins.guest]\ncolour = 1", "--help")[0] == 0
    assert hubbub("[plugins.guest]\ncolour = 1", "plugins", "--help")[0] == 0
