"""Hold what both halves of the inbox name: people, teams and tags."""

from dataclasses import dataclass
from typing import Self

from sqlalchemy import Connection

from hubbub.people import team_queries
from hubbub.store.tags import used_tags
from hubbub.ui import queries


@dataclass(frozen=True, kw_only=True)
class Desk:
    """Names by ids, and the tags in use: asked for once for a page."""

    people: dict[str, str]
    teams: dict[str, str]
    tags: list[str]

    @classmethod
    def of(cls, db: Connection) -> Self:
        """Return it as it is now."""
        return cls(people=queries.names(db), teams=team_queries.names(db), tags=used_tags(db))
