"""Count who has a tag."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_SQLITE = """
    SELECT value AS name, count(*) AS carried FROM conversations, json_each(conversations.tags)
    WHERE json_each.type = 'text' GROUP BY value
"""
_POSTGRESQL = """
    SELECT name, count(*) AS carried FROM conversations, jsonb_array_elements_text(
        CASE jsonb_typeof(tags) WHEN 'array' THEN tags ELSE '[]' END
    ) AS name GROUP BY name
"""


def upgrade() -> None:
    """Bring the database from the version before to this one."""
    with op.batch_alter_table("tags", schema=None) as batch_op:
        batch_op.add_column(sa.Column("carried", sa.Integer(), server_default="1", nullable=False))
    db = op.get_bind()
    query = _SQLITE if db.dialect.name == "sqlite" else _POSTGRESQL
    counted = [row._asdict() for row in db.execute(sa.text(query))]
    db.execute(sa.text("UPDATE tags SET carried = 0"))
    if counted:
        db.execute(sa.text("UPDATE tags SET carried = :carried WHERE name = :name"), counted)
    db.execute(sa.text("DELETE FROM tags WHERE carried = 0"))
