"""Which settings of a destination are shown, and which secrets are put back."""

import pytest
from pydantic import Field, SecretStr

from hubbub.connect.hidden import HIDDEN, hidden, revealed, still_hidden
from hubbub.sdk import Fields, RouteType


class Header(Fields):
    name: str
    value: SecretStr


class Login(Fields):
    user: str
    password: SecretStr | None = None


class DeepFields(Fields):
    url: str
    secret: SecretStr | None = None
    login: Login | None = None
    headers: tuple[Header, ...] = ()
    by_name: dict[str, SecretStr] = Field(default_factory=dict)


class Deep(RouteType):
    type = "deep"
    fields = DeepFields


WHOLE = {
    "type": "deep",
    "url": "https://bot.example",
    "secret": "one",
    "login": {"user": "ada", "password": "two"},
    "headers": [{"name": "X-A", "value": "three"}, {"name": "X-B", "value": "four"}],
    "by_name": {"a": "five"},
}
SHOWN = {
    "type": "deep",
    "url": "https://bot.example",
    "secret": HIDDEN,
    "login": {"user": "ada", "password": HIDDEN},
    "headers": [{"name": "X-A", "value": HIDDEN}, {"name": "X-B", "value": HIDDEN}],
    "by_name": {"a": HIDDEN},
}


@pytest.fixture
def plugins(hub):
    """Plugins of which one keeps secrets at every depth."""
    hub.plugins.routes["deep"] = Deep()
    return hub.plugins


def test_secrets_are_hidden_at_any_depth(plugins):
    assert hidden(plugins, WHOLE) == SHOWN


def test_what_was_left_hidden_is_put_back(plugins):
    changed = {
        **SHOWN,
        "url": "https://BOT.example/v2?x=1",
        "login": {"user": "bob", "password": HIDDEN},
    }
    expected = {
        **WHOLE,
        "url": "https://BOT.example/v2?x=1",
        "login": {"user": "bob", "password": "two"},
    }
    assert revealed(plugins, changed, WHOLE) == expected


def test_a_secret_that_is_given_anew_replaces_the_old_one(plugins):
    assert revealed(plugins, {**SHOWN, "secret": "new"}, WHOLE)["secret"] == "new"
    assert "secret" not in revealed(plugins, {"type": "deep", "url": "x"}, WHOLE)


@pytest.mark.parametrize(
    "asked",
    [
        {**SHOWN, "type": "inbox"},
        {"type": "deep", "url": HIDDEN},
        {"type": "deep", "by_name": {"b": HIDDEN}},
        {"type": "deep", "headers": [{"name": "X-B", "value": HIDDEN}]},
    ],
)
def test_no_secret_is_put_where_none_stood(plugins, asked):
    assert list(still_hidden(revealed(plugins, asked, WHOLE), "to"))


@pytest.mark.parametrize(
    "url",
    [
        "https://thief.example",
        "http://bot.example",
        "https://bot.example:8443",
        "https://bot.example.thief.example",
        "https://bot.example@thief.example",
        "https://thief.example\\@bot.example",
        "https://bot.example\\.thief.example",
        "https:thief.example",
        " https://thief.example",
        "ht\ttps://thief.example",
        "\x01https://thief.example",
        "HTTPS:\\\\thief.example",
        "ftp://thief.example",
    ],
)
def test_no_secret_goes_where_it_did_not_go_before(plugins, url):
    for elsewhere in ({**SHOWN, "url": url}, {**SHOWN, "login": {"user": url}}):
        found = revealed(plugins, elsewhere, WHOLE)
        assert {"to.secret", "to.by_name.a"} <= set(still_hidden(found, "to"))


def test_what_is_still_hidden_is_named_by_its_path():
    value = {"a": HIDDEN, "b": [{"c": HIDDEN}, "d"]}
    assert list(still_hidden(value, "to")) == ["to.a", "to.b.0.c"]


def test_everything_is_hidden_where_the_plugin_is_missing(plugins):
    del plugins.routes["deep"]
    shown = hidden(plugins, WHOLE)
    assert shown.pop("type") == "deep"
    assert set(shown.values()) == {HIDDEN}
