"""Describe the form that connects a LINE Official Account."""

from typing import Final, TypeAlias

from pydantic import Field, SecretStr

from hubbub.sdk import ChannelSettings, Connection, Fields

API_BASE: Final = "https://api.line.me"
#: Where files are; a simulator has them beside the rest.
DATA_BASE: Final = "https://api-data.line.me"


class Credentials(Fields):
    """What proves LINE to us, and us to LINE."""

    channel_secret: SecretStr = Field(title="Channel secret", description="Under Basic settings.")
    channel_access_token: SecretStr = Field(
        title="Channel access token", description="Long-lived, under Messaging API."
    )


class Settings(ChannelSettings):
    """Where LINE is."""

    api_base: str = Field(
        default=API_BASE,
        title="API base URL",
        description="A proxy, or a simulator.",
        json_schema_extra={"advanced": True},
    )


class LineFields(Fields):
    """The set-up form."""

    credentials: Credentials
    settings: Settings = Settings()


LineConnection: TypeAlias = Connection[LineFields]
