"""Tell what there is of the things that a setting may name, so that one is chosen and not typed.

A schema says by its ``format`` of what kind these are: ``team``; ``channel``; or ``channel.email``,
which are the channels of one group of types.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

from hubbub.connect import queries as channel_queries
from hubbub.hub import Hub
from hubbub.people import team_queries
from hubbub.store.session import reading


@dataclass(frozen=True, kw_only=True)
class Source:
    """What there is of one kind."""

    #: What people call each, by the word that is stored.
    labels: Mapping[str, str]
    #: What else may be stored for one, in small letters, and the word for it above.
    spelled: Mapping[str, str] = field(default_factory=dict)
    #: Where one is made, and what the link to there says.
    make: str
    make_title: str

    def offered(self, value: str) -> dict[str, str]:
        """Return the labels by what is stored; ``value`` stays as it is, known or not."""
        if not value or value in self.labels:
            return dict(self.labels)
        known = self.spelled.get(value.strip().lower())
        if known is None:
            return {value: f"{value} (there is none)", **self.labels}
        return {value if word == known else word: said for word, said in self.labels.items()}


Sources: TypeAlias = Mapping[str, Source]
#: Where nobody is to choose: what was typed is read without them.
NO_SOURCES: Final[Sources] = {}


def sources_of(hub: Hub) -> Sources:
    """Return what there is now, by the format that asks for it."""
    with reading(hub.engine) as db:
        teams, rows = team_queries.names(db), channel_queries.channels(db)
    found = {"team": _teams(teams), "channel": _channels({row.id: row.name for row in rows})}
    for group in {kind.group for kind in hub.plugins.channels.values()}:
        types = {kind.type for kind in hub.plugins.channels.values() if kind.group == group}
        named = {row.id: row.name for row in rows if row.type in types}
        found[f"channel.{group}"] = _channels(named)
    return found


def _teams(names: Mapping[str, str]) -> Source:
    return Source(
        labels={name: name for name in names.values()},
        spelled={
            **{name.lower(): name for name in names.values()},
            **{team_id.lower(): name for team_id, name in names.items()},
        },
        make="ui.new_team",
        make_title="Make a team",
    )


def _channels(names: Mapping[str, str]) -> Source:
    return Source(labels=names, make="ui.add_channel", make_title="Add a channel")
