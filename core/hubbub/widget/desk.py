"""Find out who asks, and of which channel, before anything is done for them."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from flask import Request, Response

from hubbub.api.endpoint import guarded
from hubbub.api.problems import Problem, Refusal
from hubbub.directory import Line
from hubbub.hub import Hub
from hubbub.plugins import UnknownType
from hubbub.receive.work import NotKept
from hubbub.sdk.widget import WidgetSettings
from hubbub.store.session import reading
from hubbub.vault import Undecryptable
from hubbub.widget import config
from hubbub.widget.identity import Unproven
from hubbub.widget.places import network_of
from hubbub.widget.reception import Reception
from hubbub.widget.stream import Room
from hubbub.widget.visitors import Visitor, read_token

#: When to come back where the database is away.
_REST: Final = {"Retry-After": "5"}


@dataclass(frozen=True, kw_only=True)
class Guest:
    """Who asks, of which channel, and from where."""

    line: Line
    settings: WidgetSettings
    visitor: Visitor
    #: The address that they come from.
    ip: str

    @property
    def network(self) -> str:
        """What counts as one place."""
        return network_of(self.ip)

    @property
    def who(self) -> str:
        """What counts as one visitor: sites number their users alike."""
        return f"{self.line.id}:{self.visitor.address}"


class Desk:
    """What a process answers windows with."""

    def __init__(self, hub: Hub) -> None:
        self.hub = hub
        self.reception = Reception(hub)
        self.room = Room(hub.settings.streams)

    def answer(self, make: Callable[[], Response]) -> Response:
        """Return what ``make`` answers, or the problem that it ran into; never raise."""
        return guarded(self.hub, lambda: _explained(make))

    def line(self, key: str) -> tuple[Line, WidgetSettings]:
        """Return the channel with this window. Raises `Refusal`."""
        try:
            with reading(self.hub.engine) as db:
                line = self.hub.directory.by_key(db, key)
        except (UnknownType, Undecryptable):
            line = None
        settings = config.settings_of(line) if line else None
        if line is None or settings is None:
            raise Refusal(Problem(code="not-found", detail="There is no such widget."))
        return line, settings

    def guest(self, key: str, request: Request) -> Guest:
        """Return who asks. Raises `Refusal` for somebody without a token of this channel."""
        self.check_origin(request)
        line, settings = self.line(key)
        scheme, _, token = request.headers.get("Authorization", "").partition(" ")
        visitor = self.visitor(line, settings, token) if scheme.lower() == "bearer" else None
        if visitor is None:
            detail = "Ask /session for a token, and send it as Authorization: Bearer."
            headers = {"WWW-Authenticate": 'Bearer realm="widget"'}
            raise Refusal(Problem(code="unauthorized", detail=detail, headers=headers))
        address = request.remote_addr or ""
        return Guest(line=line, settings=settings, visitor=visitor, ip=address)

    def visitor(self, line: Line, settings: WidgetSettings, token: str) -> Visitor | None:
        """Return whose token it is; None for one that opens nothing here, or no more."""
        visitor = read_token(self.hub.vault, token.strip(), line.id)
        if visitor is None or not visitor.is_welcome(self.hub.now(), settings.sign_out_before):
            return None
        return visitor

    def is_still_welcome(self, guest: Guest) -> bool:
        """Whether somebody who was let in would be let in now."""
        with reading(self.hub.engine) as db:
            line = self.hub.directory.usable(db, guest.line.id)
        settings = config.settings_of(line) if line else None
        if settings is None:
            return False
        return guest.visitor.is_welcome(self.hub.now(), settings.sign_out_before)

    def check_origin(self, request: Request) -> None:
        """Refuse what other pages ask: the window alone is on the hub's own origin."""
        site = request.headers.get("Sec-Fetch-Site", "same-origin")
        origin = urlsplit(request.headers.get("Origin", "")).netloc
        ours = {"", urlsplit(self.hub.settings.base_url).netloc, request.host}
        if site not in {"same-origin", "none"} or origin not in ours:
            raise Refusal(Problem(code="forbidden", detail="Only the hub's own window asks here."))


def _explained(make: Callable[[], Response]) -> Response:
    try:
        return make()
    except NotKept as error:
        problem = Problem(code="database-down", detail=error.detail, headers=_REST)
    except Unproven as error:
        problem = Problem(code=error.code.replace("_", "-"), detail=error.detail)
    raise Refusal(problem)
