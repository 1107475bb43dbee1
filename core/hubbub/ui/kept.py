"""Keep what somebody typed whose login ended meanwhile, until they are logged in again.

It is kept in the page alone, and sent only once they have seen it. What may be a secret is left
out: somebody else may sit there by now.
"""

import re
from collections.abc import Iterable
from typing import Final

from flask import render_template
from werkzeug.datastructures import MultiDict

#: How the names of what is kept begin in the form of the login.
_PREFIX: Final = "kept."
#: Characters of all that is kept, and of one thing that is shown.
_MOST: Final = 200_000
_SHOWN: Final = 500
_SECRET: Final = re.compile("password|secret|token|key|credential", re.IGNORECASE)
#: What pages fill in by themselves.
_OURS: Final = frozenset({"zone", "seen", "hold", "version", "draft"})

Kept = tuple[tuple[str, str], ...]


def kept_of(form: MultiDict[str, str]) -> Kept:
    """Return what is kept of a form that nobody was logged in for."""
    found = tuple(
        (name, value) for name, value in form.items(multi=True) if not _SECRET.search(name)
    )
    return found if _length(found) <= _MOST else ()


def kept_before(form: MultiDict[str, str]) -> Kept:
    """Return what the form of a login still keeps."""
    return tuple(
        (name.removeprefix(_PREFIX), value)
        for name, value in form.items(multi=True)
        if name.startswith(_PREFIX)
    )


def login_page(
    problem: str,
    *,
    told: str = "",
    email: str = "",
    onward: str = "",
    kept: Kept = (),
    kept_for: str = "",
) -> str:
    """Return the page on which people log in, and then go ``onward`` or send what is kept.

    ``told``: why they see it, where they did not ask to.
    """
    return render_template(
        "people/login.html",
        problem=problem,
        told=told,
        email=email,
        next=onward,
        kept=[(f"{_PREFIX}{name}", value) for name, value in kept],
        kept_for=kept_for,
    )


def shown(kept: Kept) -> Iterable[tuple[str, str]]:
    """Return what somebody typed, to show it before it is sent."""
    return [
        (name.rpartition(".")[2].replace("_", " ").capitalize(), value[:_SHOWN])
        for name, value in kept
        if name not in _OURS and value.strip()
    ]


def _length(kept: Kept) -> int:
    return sum(len(name) + len(value) for name, value in kept)
