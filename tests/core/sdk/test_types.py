"""What authors derive from."""

import pytest
from pydantic import SecretStr, ValidationError, model_validator

from hubbub.sdk import ChannelSettings, Fields, Wire, wrong_fields


class Credentials(Fields):
    key: SecretStr = SecretStr("")
    token: SecretStr = SecretStr("")


class Form(Fields):
    credentials: Credentials = Credentials()
    settings: ChannelSettings = ChannelSettings()

    @model_validator(mode="after")
    def _need_one(self):
        raise wrong_fields({("credentials", name): f"Enter {name}." for name in ("key", "token")})


def test_a_validator_of_a_form_says_at_which_fields_it_is_wrong():
    with pytest.raises(ValidationError) as refused:
        Form.model_validate({"credentials": {"key": "a-secret"}})
    told = {error["loc"]: error["msg"] for error in refused.value.errors()}
    assert told == {("credentials", "key"): "Enter key.", ("credentials", "token"): "Enter token."}
    assert "a-secret" not in str(refused.value)


class Said(Wire):
    text: str
    at: int = 0


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"text": "Look \\ud83d"}', "Look \ufffd"),
        (b'{"text": "Look \\ud83d\\ude00 \\ude00"}', "Look \U0001f600 \ufffd"),
        (b'{"text": "caf\xe9"}', "caf\ufffd"),
        ('{"text": "\ud83d"}', "\ufffd"),
        (b'{"text": "\\\\ud83d"}', "\\ud83d"),
    ],
)
def test_half_a_character_is_no_reason_to_read_nothing(body, text):
    assert Said.from_body(body).text == text


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[" * 100_000, b'{"text": 1}', b'{"text": "\xe9", "at": "soon"}']
)
def test_what_is_no_json_or_not_as_told_is_refused(body):
    with pytest.raises(ValidationError):
        Said.from_body(body)
