"""Store rows that may be there already, in one statement that nobody gets between."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table
from sqlalchemy.dialects import postgresql, sqlite


def upsert(
    db: Connection,
    rows: Table,
    values: Sequence[Mapping[str, Any]],
    *,
    added: Collection[str] = (),
) -> None:
    """Insert ``values``, which all name the same columns; change the rows that are there.

    To what these have in the columns ``added``, it is added.
    """
    if not values:
        return
    insert = sqlite.insert if db.dialect.name == "sqlite" else postgresql.insert
    adding = insert(rows)
    keys = [column.name for column in rows.primary_key]
    rest: dict[str, Any] = {
        name: rows.c[name] + adding.excluded[name] if name in added else adding.excluded[name]
        for name in values[0]
        if name not in keys
    }
    db.execute(adding.on_conflict_do_update(index_elements=keys, set_=rest), list(values))
