import pytest
from pydantic import ValidationError

from hubbub_telegram.fields import TelegramFields

TOKEN = "5550900:AAExampleExampleExampleExampleExample"


def fields(token=TOKEN, **settings):
    return TelegramFields.model_validate({"credentials": {"token": token}, "settings": settings})


def test_only_the_token_is_needed():
    settings = TelegramFields.model_validate({"credentials": {"token": TOKEN}}).settings
    assert settings.api_base == "https://api.telegram.org"
    assert settings.mode is None
    assert settings.allow_groups is False
    assert settings.parse_mode == "none"


@pytest.mark.parametrize("around", ["", " ", "\n", "\t "])
def test_blanks_around_a_pasted_token_are_dropped(around):
    assert fields(around + TOKEN + around).credentials.token.get_secret_value() == TOKEN


@pytest.mark.parametrize(
    "token",
    [
        "",
        "AAExampleExampleExampleExampleExample",
        "5550900:short",
        "5550:AAExampleExampleExampleExampleExample",
        "5550900 AAExampleExampleExampleExampleExample",
        "5550900:AAExampleExample ExampleExampleExample",
        "bot5550900:AAExampleExampleExampleExampleExample",
        "٥٥٥٠٩٠٠:AAExampleExampleExampleExampleExample",
    ],
)
def test_what_is_no_token_is_refused_without_repeating_it(token):
    with pytest.raises(ValidationError, match="@BotFather") as caught:
        fields(token)
    assert not token or token not in str(caught.value)
    assert caught.value.errors()[0]["loc"] == ("credentials", "token")


@pytest.mark.parametrize("token", [None, 5, ["x"]])
def test_a_token_of_another_type_is_refused(token):
    with pytest.raises(ValidationError):
        fields(token)


def test_the_token_is_in_no_repr(connection):
    assert TOKEN not in repr(fields())
    assert TOKEN not in repr(connection())


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("", "https://api.telegram.org"),
        (" https://bots.example.com/ ", "https://bots.example.com"),
        ("http://127.0.0.1:8081/telegram", "http://127.0.0.1:8081/telegram"),
    ],
)
def test_another_server_may_be_named(given, kept):
    assert fields(api_base=given).settings.api_base == kept


@pytest.mark.parametrize(
    "given",
    [
        "api.telegram.org",
        "ftp://api.telegram.org",
        "https://",
        "https://[",
        "https://a.example/?x=1",
        "https://a.example/#x",
        "https://me:secret@a.example",
    ],
)
def test_what_is_no_base_address_is_refused(given):
    with pytest.raises(ValidationError) as caught:
        fields(api_base=given)
    assert "secret" not in str(caught.value)


def test_an_empty_mode_is_no_choice():
    assert fields(mode="").settings.mode is None


@pytest.mark.parametrize("settings", [{"mode": "push"}, {"parse_mode": "Markdown"}, {"other": 1}])
def test_unknown_settings_are_refused(settings):
    with pytest.raises(ValidationError):
        fields(**settings)


def test_the_form_marks_the_token_as_a_secret_and_titles_it_as_botfather_does():
    schema = TelegramFields.model_json_schema()["$defs"]["TelegramCredentials"]
    token = schema["properties"]["token"]
    assert token["title"] == "HTTP API token"
    assert token["writeOnly"] is True


def test_two_channels_of_one_bot_share_their_account(telegram, connection):
    assert telegram.account(connection()) == "5550900"
