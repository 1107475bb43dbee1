"""Write a migration from what the tables say and the migrations so far do not.

For people who work on the hub: at run time nothing comes here.
"""

import argparse
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, Literal

from alembic.autogenerate import produce_migrations, render_python_code
from alembic.migration import MigrationContext
from alembic.operations.ops import UpgradeOps
from sqlalchemy import Connection
from sqlmodel import AutoString

from hubbub.store import migrate
from hubbub.store.search import INDEXES
from hubbub.store.session import make_engine, reading
from hubbub.store.tables import metadata
from hubbub.store.types import Json, UtcDateTime

_MODULE: Final = '''"""{message}."""

{imports}

revision = "{revision}"
down_revision = {down_revision!r}


def upgrade() -> None:
    """Bring the database from the version before to this one."""
    {body}
'''
_IMPORTS: Final = {
    "sa.": "import sqlalchemy as sa",
    "op.": "from alembic import op",
    "Json": "from hubbub.store.types import Json",
    "UtcDateTime": "from hubbub.store.types import UtcDateTime",
}


def main(arguments: Sequence[str]) -> int:
    """Write the next migration, or with ``--anew`` one instead of them all; print its path."""
    parser = argparse.ArgumentParser(prog="python -m hubbub.store.migrate")
    commands = parser.add_subparsers(required=True)
    revision = commands.add_parser("revision", help="write the next migration")
    revision.add_argument("message", help="what it does, in a few words")
    revision.add_argument("--anew", action="store_true", help="replace every migration so far")
    given = parser.parse_args(arguments)
    versions = migrate.FOLDER / "versions"
    if given.anew:
        for path in versions.glob("[0-9]*.py"):
            path.unlink()
    print(write(given.message, versions))  # noqa: T201  # a command's answer
    return 0


def write(message: str, versions: Path) -> Path:
    """Write the migration to the tables as they are now into ``versions``; return its path."""
    last = max((path.name.partition("_")[0] for path in versions.glob("[0-9]*.py")), default="")
    revision = f"{int(last or 0) + 1:04}"
    body = _difference(migrated=bool(last))
    text = _MODULE.format(
        message=message.rstrip("."),
        imports="\n".join(dict.fromkeys(line for use, line in _IMPORTS.items() if use in body)),
        revision=revision,
        down_revision=last or None,
        body=body,
    )
    path = versions / f"{revision}_{re.sub(r'[^a-z0-9]+', '_', message.lower()).strip('_')}.py"
    path.write_text(text)
    for arguments in (["check", "--quiet", "--fix", "--select=I"], ["format", "--quiet"]):
        subprocess.run([sys.executable, "-m", "ruff", *arguments, path], check=True)  # noqa: S603  # our own file
    return path


def context(db: Connection) -> MigrationContext:
    """Return how Alembic compares the database with the tables."""
    return MigrationContext.configure(
        db,
        opts={
            "target_metadata": metadata,
            "compare_type": True,
            "compare_server_default": True,
            "include_name": lambda name, kind, _: kind != "index" or name not in INDEXES,
        },
    )


def _difference(*, migrated: bool) -> str:
    with tempfile.TemporaryDirectory() as folder:
        engine = make_engine(f"sqlite:///{folder}/hubbub.db")
        if migrated:
            migrate.migrate(engine)
        with reading(engine) as db:
            found = produce_migrations(context(db), metadata).upgrade_ops or UpgradeOps()
            code = render_python_code(found, render_as_batch=migrated, render_item=_item)
        engine.dispose()
    return re.sub(r"# ###.*\n?", "", code).strip()


def _item(kind: str, value: Any, _context: object) -> str | Literal[False]:
    if kind != "type":
        return False
    if value is Json:
        return "Json"
    if isinstance(value, UtcDateTime):
        return "UtcDateTime()"
    # SQLModel's own string type differs from SQLAlchemy's in nothing a database sees.
    return "sa.String()" if isinstance(value, AutoString) else False
