"""Copy a prepared SQLite file for each test."""

import shutil
from pathlib import Path

from hubbub.store.session import make_engine
from hubbub.store.tables import metadata
from tests.services.shared import one_at_a_time, run_folder


def fresh_sqlite(folder: Path) -> str:
    """Return the address of a fresh database with every table, in ``folder``."""
    prepared = run_folder() / "prepared.db"
    with one_at_a_time("sqlite"):
        if not prepared.exists():
            _prepare(prepared)
    shutil.copyfile(prepared, folder / "test.db")
    return f"sqlite:///{folder / 'test.db'}"


def _prepare(path: Path) -> None:
    engine = make_engine(f"sqlite:///{path.with_suffix('.new')}")
    metadata.create_all(engine)
    # Closing the last connection moves everything into the one file.
    engine.dispose()
    path.with_suffix(".new").rename(path)
