"""Send every log, ours and our libraries', one way: as lines for people or as JSON."""

import logging
import os
import socket
import sys
from typing import Any, Final, TextIO

import structlog
from structlog.typing import EventDict, Processor

from hubbub.redact import redacting_processor

#: Libraries that say more than operators want to know, or more than they may: an HTTP client
#: logs addresses, and an address may hold a token.
_QUIET: Final = {
    "_granian": logging.ERROR,
    "alembic": logging.WARNING,
    "asyncio": logging.WARNING,
    "dramatiq": logging.WARNING,
    "httpcore2": logging.CRITICAL,
    "httpx2": logging.CRITICAL,
    "sqlalchemy": logging.WARNING,
    "urllib3": logging.CRITICAL,
    "werkzeug": logging.WARNING,
}
#: What granian gets instead of a configuration of its own.
GRANIAN: Final[dict[str, Any]] = {
    "handlers": {},
    "loggers": {"_granian": {"handlers": [], "propagate": True}},
}


def configure(
    kind: str, *, json: bool, level: int = logging.INFO, stream: TextIO | None = None
) -> None:
    """Route every log of this process to ``stream`` (standard error), secrets taken out.

    ``kind`` (web, worker, ...) and the process go with each line. Safe to run twice.
    """
    stream = stream or sys.stderr
    about = {"kind": kind, "process": f"{socket.gethostname()}-{os.getpid()}"}
    ours = [_naming(about), _stamping(json=json), *_SHARED]
    structlog.configure(
        processors=[*ours, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=ours,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                redacting_processor,
                _renderer(json=json, colors=stream.isatty()),
            ],
        )
    )
    logging.root.handlers = [handler]
    logging.root.setLevel(level)
    for name, quiet in _QUIET.items():
        logging.getLogger(name).setLevel(quiet)
    logging.captureWarnings(capture=True)


_SHARED: Final[list[Processor]] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_log_level,
    structlog.processors.StackInfoRenderer(),
    # Before the redactor, which so sees the traceback's text.
    structlog.processors.format_exc_info,
]


def _naming(about: dict[str, str]) -> Processor:
    def add(_logger: object, _method: str, event: EventDict) -> EventDict:
        return {**about, **event}

    return add


def _stamping(*, json: bool) -> Processor:
    """Return what adds the time: all of it for machines, the part people look for otherwise."""
    if json:
        return structlog.processors.TimeStamper(fmt="iso", utc=True)
    return structlog.processors.TimeStamper(fmt="%H:%M:%S", utc=False)


def _renderer(*, json: bool, colors: bool) -> Processor:
    if json:
        return structlog.processors.JSONRenderer(ensure_ascii=False, default=str)
    return structlog.dev.ConsoleRenderer(
        colors=colors, exception_formatter=structlog.dev.plain_traceback
    )
