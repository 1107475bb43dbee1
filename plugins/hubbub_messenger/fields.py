"""Describe the form that connects a Page, and validate what is entered."""

from typing import Any, Final, TypeAlias

from pydantic import Field, model_validator

from hubbub.sdk import Connection, Fields
from hubbub.sdk.graph import (
    ACCESS_TOKEN,
    APP_SECRET,
    GRAPH_ID,
    GraphId,
    GraphIdOrNothing,
    GraphSettings,
    GraphToken,
)

_SECRET: Final[dict[str, Any]] = {"writeOnly": True, "format": "password"}
_APPS: Final = "https://developers.facebook.com/apps"


class Credentials(Fields):
    """What proves us to Meta, and Meta to us."""

    page_access_token: GraphToken = Field(
        title="Page access token",
        description='App Dashboard > Messenger > API settings > "Generate token" next to the Page.',
        min_length=1,
        repr=False,
        json_schema_extra={**_SECRET, "link": _APPS, "looks_like": ACCESS_TOKEN},
    )
    app_secret: str = Field(
        title="App secret",
        description="App Dashboard > App settings > Basic. It signs webhooks.",
        min_length=1,
        repr=False,
        json_schema_extra={**_SECRET, "link": _APPS, "looks_like": APP_SECRET},
    )


class Settings(GraphSettings):
    """Which Page it is, and what its app may do."""

    page_id: GraphId = Field(
        title="Page ID",
        description="Page > About > Page transparency, or Meta Business Suite.",
        json_schema_extra={"looks_like": GRAPH_ID},
    )
    app_id: GraphIdOrNothing = Field(
        "",
        title="App ID",
        description="App settings > Basic. With it the hub registers the webhook, and tells its "
        "own messages from those of other apps.",
        json_schema_extra={"link": _APPS, "looks_like": GRAPH_ID},
    )
    human_agent_enabled: bool = Field(
        default=False,
        title="The app has the feature Human Agent",
        description="Granted by App Review: people may then answer for seven days instead of one.",
    )

    @model_validator(mode="after")
    def _not_swapped(self) -> "Settings":
        if self.page_id == self.app_id:
            raise ValueError("Page ID and App ID are two different numbers")
        return self


class MessengerFields(Fields):
    """All that the set-up form asks for."""

    credentials: Credentials
    settings: Settings


MessengerConnection: TypeAlias = Connection[MessengerFields]
