"""Describe the form that connects a WhatsApp number, and validate what is entered."""

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

    access_token: GraphToken = Field(
        title="Access token",
        description="Of a system user: Business settings > Users > System users > Generate token, "
        "with whatsapp_business_messaging and whatsapp_business_management.",
        min_length=1,
        repr=False,
        json_schema_extra={
            **_SECRET,
            "link": "https://business.facebook.com/settings/system-users",
            "looks_like": ACCESS_TOKEN,
        },
    )
    app_secret: str = Field(
        title="App secret",
        description="App Dashboard > App settings > Basic. It signs webhooks.",
        min_length=1,
        repr=False,
        json_schema_extra={**_SECRET, "link": _APPS, "looks_like": APP_SECRET},
    )


class Settings(GraphSettings):
    """Which number it is, and where Meta's API is."""

    phone_number_id: GraphId = Field(
        title="Phone number ID",
        description="App Dashboard > WhatsApp > API Setup. It is not the phone number.",
        json_schema_extra={"link": _APPS, "looks_like": GRAPH_ID},
    )
    business_account_id: GraphIdOrNothing = Field(
        "",
        title="WhatsApp Business Account ID",
        description="On the same page. With it the hub subscribes to what the account hears.",
        json_schema_extra={"link": _APPS, "looks_like": GRAPH_ID},
    )
    app_id: GraphIdOrNothing = Field(
        "",
        title="App ID",
        description="App settings > Basic. With it a check also looks at the App secret and at "
        "how long the token lasts.",
        json_schema_extra={"link": _APPS, "looks_like": GRAPH_ID},
    )

    @model_validator(mode="after")
    def _not_swapped(self) -> "Settings":
        if self.phone_number_id == self.business_account_id:
            raise ValueError(
                "Phone number ID and WhatsApp Business Account ID are two different numbers"
            )
        return self


class WhatsAppFields(Fields):
    """All that the set-up form asks for."""

    credentials: Credentials
    settings: Settings


WhatsAppConnection: TypeAlias = Connection[WhatsAppFields]
