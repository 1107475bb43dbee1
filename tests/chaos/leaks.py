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


def tracebacks(folder: Path) -> Counter[str]:
    """Return the last line of each traceback in the logs, with process and event."""
    found: Counter[str] = Counter()
    for log in sorted(folder.glob("*.log")):
        for line in log.read_text(errors="replace").splitlines():
            if "Traceback" in line:
                found[f"{log.stem.partition('-')[0]}: {_told(line)}"] += 1
    return found


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
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        if file.name in THEIRS or "postgres" in file.relative_to(folder).parts:
            continue
        data = file.read_bytes()
        for name, secret in secrets.items():
            if secret.encode() in data:
                yield f"{name} is in {file.relative_to(folder)}"
    with reading(engine) as db:
        for table in metadata.sorted_tables:
            for row in db.execute(select(table)):
                for column, value in row._asdict().items():
                    for name, secret in secrets.items():
                        if _holds(value, secret):
                            yield f"{name} is in {table.name}.{column}"


def _holds(value: object, secret: str) -> bool:
    if isinstance(value, bytes):
        return secret.encode() in value
    if isinstance(value, str):
        return secret in value
    return isinstance(value, dict | list) and secret in json.dumps(value)
