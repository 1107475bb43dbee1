"""Look for tracebacks in the logs, and for secrets everywhere."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, select

from hubbub.store.session import reading
from hubbub.store.tables import metadata

#: The sandbox plays the providers, who know the secrets.
THEIRS = frozenset({"sandbox.log", "command.out"})


def tracebacks(folder: Path) -> Iterator[str]:
    """Say which tracebacks are in the logs: by process, event and last line."""
    found: Counter[str] = Counter()
    for log in sorted(folder.glob("*.log")):
        for line in log.read_text(errors="replace").splitlines():
            if "Traceback" in line:
                found[f"{log.stem.partition('-')[0]}: {_told(line)}"] += 1
    yield from (f"A traceback, {count} times, in {what}" for what, count in found.items())


def _told(line: str) -> str:
    try:
        entry: dict[str, Any] = json.loads(line)
    except ValueError:
        return line[:200]
    trace = next((str(value) for value in entry.values() if "Traceback" in str(value)), "")
    lines = [one for one in trace.strip().splitlines() if one and not one.startswith(" ")]
    last = next((one for one in reversed(lines) if not one.startswith(("(Background", "["))), "")
    return f"{str(entry.get('event'))[:60]}: {last[:120]}"


def leaks(folder: Path, engine: Engine, secrets: dict[str, str]) -> Iterator[str]:
    """Say where a secret stands in plain text: in a file of the hub, or in its database."""
    for name, secret in secrets.items():
        yield from (f"{name} is in {file}" for file in _files_with(folder, secret))
        yield from (f"{name} is in {column}" for column in _columns_with(engine, secret))


def _files_with(folder: Path, secret: str) -> Iterator[Path]:
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        place = file.relative_to(folder)
        theirs = file.name in THEIRS or "postgres" in place.parts
        if not theirs and secret.encode() in file.read_bytes():
            yield place


def _columns_with(engine: Engine, secret: str) -> Iterator[str]:
    with reading(engine) as db:
        for table in metadata.sorted_tables:
            for row in db.execute(select(table)):
                values = row._asdict().items()
                yield from (
                    f"{table.name}.{name}" for name, value in values if _holds(value, secret)
                )


def _holds(value: object, secret: str) -> bool:
    if isinstance(value, bytes):
        return secret.encode() in value
    if isinstance(value, str):
        return secret in value
    return isinstance(value, dict | list) and secret in json.dumps(value)
