"""Let people answer."""

from pydantic import Field

from hubbub.sdk import Exchange, Fields, HandOver, Inquiry, Outcome, RouteType


class InboxFields(Fields):
    """Whose queue it is."""

    team: str | None = Field(
        None,
        title="Team",
        description="The team that should answer; left out, everybody may.",
        min_length=1,
        max_length=100,
        json_schema_extra={"format": "team", "labels": {"": "Everybody"}},
    )


class Inbox(RouteType):
    """The queue from which people take conversations."""

    type = "inbox"
    label = "Team inbox"
    description = "People answer in the inbox."
    fields = InboxFields

    def handle(self, inquiry: Inquiry, settings: InboxFields) -> Exchange[Outcome]:
        """Put the conversation into the queue."""
        del inquiry
        yield from ()
        whose = f"the team {settings.team}" if settings.team else "people"
        return Outcome(
            actions=(HandOver(to="queue", team=settings.team),), why=f"It is for {whose}."
        )

    def describe(self, settings: InboxFields) -> str:
        """Name whose queue it is."""
        return f"{self.label}, team {settings.team}" if settings.team else self.label
