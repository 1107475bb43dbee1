"""What authors derive from."""

import pytest
from pydantic import SecretStr, ValidationError, model_validator

from hubbub.sdk import ChannelSettings, Fields, wrong_fields


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
