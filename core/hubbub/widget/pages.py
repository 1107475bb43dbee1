"""Serve loader, window and their files, each with the headers that strange pages need."""

import gzip
import hashlib
import json
import mimetypes
import re
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, Final

from flask import Request, Response, render_template

_FOLDER: Final = Path(__file__).parent / "static"
#: What the window is made of; the loader goes another way.
_LOADER: Final = "loader.js"
_ENTRY: Final = "app.js"
_CONFIG: Final = '"CONFIG"'
#: A string, with no other in it. Beside it, a sign with the spaces around it, and one without need.
_STRING: Final = r"""('(?:[^'\\\n]|\\.)*'|`[^`]*`)"""
_SPACED: Final = re.compile(_STRING + r"| ?(=>|[=(){}<>,;:?&|+!]+|(?<= )[-*/%](?= [^-])) ?")
_NEEDLESS: Final = re.compile(_STRING + r"|(?:;\n?(?=})|,\n?(?=[})\]]))()")
_LOADER_CACHE: Final = "public, max-age=300, stale-while-revalidate=86400"
_FOR_EVER: Final = "public, max-age=31536000, immutable"
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
    "img-src 'self' blob: data:; media-src 'self' blob:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors {ancestors}; require-trusted-types-for 'script'; trusted-types 'none'"
)
#: A page that isolates itself loads only what says that it may be loaded.
_ANYWHERE: Final = {"Cross-Origin-Resource-Policy": "cross-origin"}
_PLAIN: Final = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "strict-origin"}


def loader(request: Request, config: Mapping[str, Any]) -> Response:
    """Return the loader, a script for other people's pages, with ``config`` in it."""
    text = _bare_loader().replace(_CONFIG, _literal(config), 1)
    answer = Response(content_type="text/javascript; charset=utf-8")
    answer.headers.update(
        {
            **_PLAIN,
            **_ANYWHERE,
            "Cache-Control": _LOADER_CACHE,
            "Access-Control-Allow-Origin": "*",
        }
    )
    _fill(answer, request, text.encode(), gzip.compress)
    answer.set_etag(hashlib.sha256(text.encode()).hexdigest()[:32])
    answer.make_conditional(request)
    return answer


def frame(config: Mapping[str, Any], origins: tuple[str, ...]) -> Response:
    """Return the window, which only pages of ``origins`` may show; none: all may."""
    page = render_template(
        "frame.html",
        config=json.dumps(config),
        locale=config["locale"],
        base=f"/static/widget/{version()}/",
        modules=_modules(),
    )
    answer = Response(page, content_type="text/html; charset=utf-8")
    answer.headers.update(
        {
            **_PLAIN,
            **_ANYWHERE,
            "Cross-Origin-Embedder-Policy": "require-corp",
            "Content-Security-Policy": _POLICY.format(ancestors=ancestors(origins)),
            "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=()",
            "Cache-Control": "no-cache",
        }
    )
    return answer


def ancestors(origins: tuple[str, ...]) -> str:
    """Return who may show the window, in the words of a Content-Security-Policy."""
    return " ".join(("'self'", *origins)) if origins else "*"


def file(request: Request, name: str, wanted: str) -> Response | None:
    """Return a file of the window; None where there is none of this name.

    A window that was opened before an update asks for the files of then, and gets those of now.
    """
    if name not in _names():
        return None
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    content_type = f"{kind}; charset=utf-8" if kind.startswith("text/") else kind
    answer = Response(content_type=content_type)
    cached = _FOR_EVER if wanted == version() else "no-cache"
    answer.headers.update({**_PLAIN, **_ANYWHERE, "Cache-Control": cached})
    _fill(answer, request, _served(name), _small)
    return answer


@cache
def version() -> str:
    """Return what names the files of the window as they are now."""
    digest = hashlib.sha256()
    for name in sorted(_names()):
        digest.update(name.encode() + b"\0" + _text(name).encode() + b"\0")
    return digest.hexdigest()[:12]


def _fill(
    answer: Response, request: Request, body: bytes, shrink: Callable[[bytes], bytes]
) -> None:
    """Put a body into an answer, small where the browser reads that."""
    answer.vary.add("Accept-Encoding")
    if request.accept_encodings["gzip"]:
        answer.content_encoding = "gzip"
        body = shrink(body)
    answer.data = body


_small: Final = cache(gzip.compress)


@cache
def _served(name: str) -> bytes:
    """Return a file of the window as it is served: without what only its authors read."""
    text = (
        _bare(name)
        if name.endswith(".js")
        else re.sub(r"^\s+", "", _text(name), flags=re.MULTILINE)
    )
    return re.sub(r"(?<=[;,{}(\[])\n|\n(?=[?:)\]])", "", text).encode()


@cache
def _bare_loader() -> str:
    """Return the loader in one line: every visitor loads it.

    Each statement ends in a semicolon or a brace, so that lines may be joined.
    """
    return _bare(_LOADER).replace("\n", "")


def _bare(name: str) -> str:
    """Return a script without its comments, indents, spaces and needless signs.

    After code stands no comment, and no text goes over several lines. Strings are left as they are.
    """
    text = re.sub(r"^\s*//.*\n|^\s+", "", _text(name), flags=re.MULTILINE)
    for pattern in (_SPACED, _NEEDLESS):
        text = pattern.sub(lambda found: found[1] or found[2], text)
    return text


@cache
def _names() -> frozenset[str]:
    found = {path.name for path in _FOLDER.iterdir() if path.suffix in {".js", ".css", ".json"}}
    return frozenset(found - {_LOADER})


@cache
def _text(name: str) -> str:
    return (_FOLDER / name).read_text()


def _modules() -> list[str]:
    return sorted(name for name in _names() if name.endswith(".js") and name != _ENTRY)


def _literal(value: Mapping[str, Any]) -> str:
    """Return JSON that is the same in JavaScript, wherever it stands."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    return text.replace("<", "\\u003c")
