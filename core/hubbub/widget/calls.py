"""Answer what windows ask of the hub: each call by a function of its own."""

import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack
from functools import partial
from typing import Any, Final, TypeAlias

from flask import Request, Response

from hubbub.api.endpoint import read_body
from hubbub.api.media import answer_with
from hubbub.api.problems import Problem, Refusal
from hubbub.live import Subscription
from hubbub.widget import inspection, shown, work
from hubbub.widget.bodies import (
    LIMIT,
    EndBody,
    MessageBody,
    OfflineBody,
    RatingBody,
    SeqBody,
    SessionBody,
    TypingBody,
    mended,
)
from hubbub.widget.desk import Desk, Guest
from hubbub.widget.limits import spend
from hubbub.widget.links import opens_media
from hubbub.widget.places import network_of
from hubbub.widget.sessions import open_session
from hubbub.widget.stream import CROWDED, events, listen, look, wait
from hubbub.widget.uploads import upload

#: What an answer says, and its status.
_Answer: TypeAlias = tuple[Any, int]
_Call: TypeAlias = Callable[[Desk, Guest, Request], _Answer]
#: Nothing that a visitor is told belongs into a cache.
_PRIVATE: Final = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
_DIGITS: Final = 9


def session(desk: Desk, key: str, request: Request) -> Response:
    """Say who somebody is, and give them a token."""
    desk.check_origin(request)
    line, settings = desk.line(key)
    network = network_of(request.remote_addr or "")
    spend(desk.hub.limiter, "session", visitor="", network=network)
    body = read_body(request, SessionBody, limit=LIMIT, mend=mended)
    return as_json(open_session(desk, line, settings, body), 200)


def media(desk: Desk, key: str, media_id: str, request: Request) -> Response:
    """Give a file to whoever has its signed address."""
    desk.line(key)
    if not opens_media(desk.hub.vault, media_id, request.args, desk.hub.now()):
        raise Refusal(Problem(code="not-found", detail="There is no such file any more."))
    return answer_with(desk.hub, media_id)


def stream(desk: Desk, key: str, request: Request) -> Response:
    """Tell of what happens, as it happens."""
    guest = desk.guest(key, request)
    spend(desk.hub.limiter, "stream", visitor=guest.who, network=guest.network)
    place = work.place_of(desk.hub, guest)
    if place is None:
        raise Refusal(Problem(code="not-found", detail="There is no conversation yet."))
    seq = _number(request, "after", _whole(request.headers.get("Last-Event-ID", "")) or 0)
    with ExitStack() as entering:
        news = entering.enter_context(listen(desk.hub, place))
        entering.enter_context(_seat(desk, guest, news))
        leaving = entering.pop_all()

    def welcome() -> bool:
        return desk.is_still_welcome(guest)

    answer = _flowing(events(desk.hub, place, seq, news, welcome))
    answer.call_on_close(leaving.close)
    return answer


def probe(desk: Desk, key: str, request: Request) -> Response:
    """Answer in two pieces, so that it is found out whether they come as two."""
    desk.line(key)
    leaving = ExitStack()
    network = network_of(request.remote_addr or "")
    spend(desk.hub.limiter, "probe", visitor="", network=network)
    # It is over in a moment anyway.
    leaving.enter_context(desk.room.place("probe", network, lambda: None))
    answer = _flowing(inspection.probe())
    answer.call_on_close(leaving.close)
    return answer


def _seat(desk: Desk, guest: Guest, news: Subscription) -> AbstractContextManager[None]:
    return desk.room.place(guest.who, guest.network, partial(news.put, CROWDED))


def _flowing(pieces: Iterator[str]) -> Response:
    answer = Response(pieces, content_type="text/event-stream")
    answer.headers.update({**_PRIVATE, "X-Accel-Buffering": "no"})
    return answer


def _write(desk: Desk, guest: Guest, request: Request) -> _Answer:
    body = read_body(request, MessageBody, limit=LIMIT, mend=mended)
    return work.write(desk, guest, body)


def _history(desk: Desk, guest: Guest, request: Request) -> _Answer:
    spend(desk.hub.limiter, "look", visitor=guest.who, network=guest.network)
    place = work.place_of(desk.hub, guest)
    limit = min(_number(request, "limit", shown.PAGE), shown.PAGE)
    before = _number(request, "before", 0) or None
    return {"messages": shown.before(desk.hub, place, before, limit) if place else []}, 200


def _leave(desk: Desk, guest: Guest, request: Request) -> _Answer:
    body = read_body(request, OfflineBody, limit=LIMIT, mend=mended)
    return work.leave(desk, guest, body)


def _end(desk: Desk, guest: Guest, request: Request) -> _Answer:
    work.end(desk, guest, read_body(request, EndBody, limit=LIMIT))
    return None, 204


def _rate(desk: Desk, guest: Guest, request: Request) -> _Answer:
    work.rate(desk, guest, read_body(request, RatingBody, limit=LIMIT))
    return None, 204


def _acknowledge(desk: Desk, guest: Guest, request: Request) -> _Answer:
    return _saw(desk, guest, request, "delivered")


def _read(desk: Desk, guest: Guest, request: Request) -> _Answer:
    return _saw(desk, guest, request, "read")


def _saw(desk: Desk, guest: Guest, request: Request, state: str) -> _Answer:
    spend(desk.hub.limiter, "read", visitor=guest.who, network=guest.network)
    body = read_body(request, SeqBody, limit=LIMIT)
    work.saw(desk, guest, body.seq, state)
    return None, 204


def _types(desk: Desk, guest: Guest, request: Request) -> _Answer:
    if read_body(request, TypingBody, limit=LIMIT).on:
        work.types(desk.hub, guest)
    return None, 204


def _upload(desk: Desk, guest: Guest, request: Request) -> _Answer:
    return upload(desk.hub, guest, request), 201


def _news(desk: Desk, guest: Guest, request: Request) -> _Answer:
    spend(desk.hub.limiter, "look", visitor=guest.who, network=guest.network)
    place = work.place_of(desk.hub, guest)
    after, seconds = _number(request, "after", 0), _number(request, "wait", 0)
    if place is None:
        return {"messages": [], "state": None}, 200
    if not seconds:
        return look(desk.hub, place, after), 200
    with listen(desk.hub, place) as news, _seat(desk, guest, news):
        return wait(desk.hub, place, after, news, seconds), 200


#: What a window asks with its visitor's token, by method and last part of the path.
CALLS: Final[tuple[tuple[str, str, _Call], ...]] = (
    ("POST", "messages", _write),
    ("GET", "messages", _history),
    ("POST", "offline", _leave),
    ("POST", "end", _end),
    ("POST", "rating", _rate),
    ("POST", "ack", _acknowledge),
    ("POST", "read", _read),
    ("POST", "typing", _types),
    ("POST", "uploads", _upload),
    ("GET", "events", _news),
)


def as_json(body: Any, status: int) -> Response:
    """Return an answer for one visitor alone."""
    text = "" if body is None else json.dumps(body)
    return Response(text, status, _PRIVATE, content_type="application/json")


def _number(request: Request, name: str, default: int) -> int:
    given = request.args.get(name)
    if given is None:
        return default
    found = _whole(given)
    if found is None:
        raise Refusal(Problem(code="invalid", detail=f"{name} is a whole number."))
    return found


def _whole(given: str) -> int | None:
    plain = given.isascii() and given.isdecimal() and len(given) <= _DIGITS
    return int(given) if plain else None
