"""Start the processes of a hub from one parent that has loaded its code, as `hubbub up` does.

``python -m tests.chaos.nursery`` reads one JSON object a line, and answers each with one. It has
no threads, so that forking is safe; when its input ends, it kills what it started.
"""

import json
import multiprocessing
import os
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

from hubbub import steps
from hubbub.supervise import _be, load

LOADED = ("hubbub.web", "hubbub.worker", "hubbub.scheduler", "hubbub.listener", "hubbub.sandbox")
_FORK: Any = multiprocessing.get_context("fork")


def main() -> None:
    """Do as told until nobody tells any more."""
    load(LOADED)
    children: dict[str, BaseProcess] = {}
    _answer({"ready": True})
    try:
        for line in sys.stdin:
            _answer(_do(children, json.loads(line)))
    finally:
        for name in children:
            _end(children, name)


def _do(children: dict[str, BaseProcess], wish: Mapping[str, Any]) -> dict[str, Any]:
    match wish["do"]:
        case "start":
            process = _FORK.Process(
                target=_become, args=(wish["name"], wish["words"], wish["environment"], wish["log"])
            )
            process.start()
            children[wish["name"]] = process
            return {"pid": process.pid}
        case "end":
            _end(children, wish["name"])
        case "pids":
            return {name: process.pid for name, process in children.items() if process.is_alive()}
    return {name: process.exitcode for name, process in children.items()}


def _end(children: Mapping[str, BaseProcess], name: str) -> None:
    """Kill a process with all that it started, and wait until it is gone."""
    process = children.get(name)
    if process is None or process.pid is None:
        return
    # The group first: a process that is gone may have left children.
    for kill in (os.killpg, os.kill):
        if kill is os.killpg or process.exitcode is None:
            with suppress(ProcessLookupError, PermissionError):
                kill(process.pid, signal.SIGKILL)
    process.join()


def _become(name: str, words: Sequence[str], environment: dict[str, str], log: str) -> None:
    os.environ.update(environment)
    # Read from the environment when the code was loaded, which was before this process was born.
    steps._NAME, _, count = environment.get("HUBBUB_DIE_AT", "").partition(":")
    steps._left = int(count or 1)
    with Path(log).open("ab") as output, Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    _be(name, words)


def _answer(answer: Mapping[str, Any]) -> None:
    print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
