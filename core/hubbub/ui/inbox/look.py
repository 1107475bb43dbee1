"""Say what of the inbox somebody looks at, and read it from the address that says so."""

from dataclasses import dataclass
from typing import Any, Final

from flask import request

VIEWS: Final = (
    ("open", "Open"),
    ("mine", "Mine"),
    ("unassigned", "Unassigned"),
    ("mentions", "Mentions"),
    ("snoozed", "Snoozed"),
    ("failed", "Failed"),
    ("resolved", "Resolved"),
    ("all", "All"),
)
#: What the list can be narrowed by, beside the view.
FILTERS: Final = ("channel", "team", "assignee", "tag")
#: What of an address a saved view keeps.
KEPT: Final = frozenset({"view", "q", *FILTERS})
#: Conversations in the list, at first and with each "Older conversations".
PAGE: Final = 40
#: Who looks for something further down searches.
MOST: Final = 400
_LONGEST: Final = 100
#: More than any conversation has messages, and as much as a database counts.
_LAST: Final = 2**31 - 1


@dataclass(frozen=True, kw_only=True)
class Look:
    """What of the inbox somebody looks at; every address within the inbox carries it on."""

    view: str = "open"
    q: str = ""
    #: Only those of a channel, of a team, of somebody (``none``: nobody's), or with a tag.
    channel: str = ""
    team: str = ""
    assignee: str = ""
    tag: str = ""
    #: How many conversations the list has.
    show: int = PAGE
    #: From which message on the conversation is shown; 0: the latest ones.
    since: int = 0

    @property
    def filters(self) -> dict[str, str]:
        """By what the list is narrowed."""
        return {name: value for name in FILTERS if (value := getattr(self, name))}

    @property
    def narrow(self) -> bool:
        """Whether there are conversations that it leaves out, whatever is looked for."""
        return self.view != "all" or bool(self.filters)

    @property
    def kept(self) -> dict[str, str]:
        """What a view that is saved keeps of it."""
        return {name: str(value) for name, value in self.args.items() if name in KEPT}

    @property
    def args(self) -> dict[str, Any]:
        """What stands in the address for the list."""
        told = {
            "view": self.view if self.view != "open" else "",
            "q": self.q,
            **self.filters,
            "show": self.show if self.show != PAGE else 0,
        }
        return {name: value for name, value in told.items() if value}


def look() -> Look:
    """Return what the address of this request asks for; what is odd in it is left out."""
    view = request.args.get("view", "")
    return Look(
        view=view if view in dict(VIEWS) else "open",
        q=request.args.get("q", "").strip()[:_LONGEST],
        **{name: request.args.get(name, "").strip()[:_LONGEST] for name in FILTERS},
        show=min(max(request.args.get("show", PAGE, type=int), PAGE), MOST),
        since=min(max(request.args.get("since", 0, type=int), 0), _LAST),
    )
