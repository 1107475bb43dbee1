"""The team inbox as a destination: people answer."""

from collections.abc import Iterable

from hubbub.sdk import Exchange, Fields, HandOver, Inquiry, Outcome, RouteType, hookimpl


class InboxFields(Fields):
    """The settings of the destination ``inbox``."""

    team: str | None = None


class Inbox(RouteType):
    """Puts the conversation in front of people."""

    type = "inbox"
    label = "Team inbox"
    description = "People answer."
    fields = InboxFields

    def handle(self, inquiry: Inquiry, settings: InboxFields) -> Exchange[Outcome]:
        """Leave the message to people; there is nothing to ask for that."""
        del inquiry
        yield from ()
        team = f" (team {settings.team})" if settings.team else ""
        return Outcome(actions=(HandOver(to="queue"),), why=f"People answer{team}.")


@hookimpl
def register_route_types() -> Iterable[RouteType]:
    """Offer the destination ``inbox``."""
    return [Inbox()]
