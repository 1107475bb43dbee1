"""Look for tracebacks in the logs, and for secrets everywhere."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import chain
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


def leaks(folder: Path, engine: Engine, secrets: Mapping[str, str]) -> Iterator[str]:
    """Say where a secret stands in plain text: in a file of the hub, or in its database."""
    for place, data in chain(_files(folder), _columns(engine)):
        yield from (
            f"{name} is in {place}" for name, one in secrets.items() if one.encode() in data
        )


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        place = file.relative_to(folder)
        if file.name not in THEIRS and "postgres" not in place.parts:
            yield str(place), file.read_bytes()


def _columns(engine: Engine) -> Iterator[tuple[str, bytes]]:
    with reading(engine) as db:
        for table in metadata.sorted_tables:
            for row in db.execute(select(table)):
                for name, value in row._asdict().items():
                    yield f"{table.name}.{name}", _plain(value)


def _plain(value: object) -> bytes:
    match value:
        case bytes():
            return value
        case str():
            return value.encode()
        case dict() | list():
            return json.dumps(value).encode()
    return b""
