"""Show the page on which a person is the customer."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from flask import Blueprint, Response, abort, redirect, render_template, request, url_for
from werkzeug.datastructures import FileStorage
from werkzeug.wrappers import Response as AnyResponse

from hubbub.sandbox.journal import Called, Entry
from hubbub.sandbox.providers import ChatView, Desk, Persona, Provider, Saying
from hubbub.sandbox.world import NoSuchThing, World
from hubbub.sandbox.wsgi import Upload

_NAME_LIMIT: Final = 60
_CALLS_SHOWN: Final = 6
_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)


@dataclass(frozen=True)
class _Seat:
    """Who sits in front of the page, and to whom they write."""

    provider: Provider
    desk: Desk
    persona: Persona

    @property
    def channel(self) -> str:
        return channel_of(self.desk)

    def chat(self) -> ChatView:
        return self.provider.chat(self.desk.id, self.persona)


def channel_of(desk: Desk) -> str:
    """Return the name of a desk in the page's address."""
    return f"{desk.provider}:{desk.id}"


def page_blueprint(world: World, providers: Mapping[str, Provider]) -> Blueprint:
    """Return the customer's page."""
    blueprint = Blueprint("page", "hubbub.sandbox.pages")
    _add_views(blueprint, world, providers)
    _add_media(blueprint, world)
    _add_acts(blueprint, providers)
    blueprint.before_request(_refuse_other_sites)
    blueprint.after_request(_harden)
    blueprint.register_error_handler(NoSuchThing, _gone)
    blueprint.register_error_handler(ValueError, _unusable)
    blueprint.add_app_template_filter(_clock, "clock")
    blueprint.add_app_template_global(channel_of, "channel_of")
    return blueprint


def _add_views(blueprint: Blueprint, world: World, providers: Mapping[str, Provider]) -> None:
    @blueprint.get("/")
    def home() -> str:
        desks = [desk for provider in providers.values() for desk in provider.desks()]
        name = request.args.get("persona", "You")
        if "channel" not in request.args:
            return render_template(
                "home.html",
                desks=desks,
                chosen=next(
                    (desk for desk in desks if desk.connected), desks[0] if desks else None
                ),
                persona=name,
                hub_url=world.config.hub_url,
            )
        seat = _seat(providers, request.args)
        seat.provider.opened(seat.desk.id, seat.persona)
        return render_template(
            "chat.html",
            desks=desks,
            seat=seat,
            chat=seat.chat(),
            calls=_recent(world, seat),
            hub_url=world.config.hub_url,
        )

    @blueprint.get("/thread")
    def thread() -> AnyResponse:
        seat = _seat(providers, request.args)
        if request.args.get("visible") == "1":
            seat.provider.opened(seat.desk.id, seat.persona)
        page = render_template(
            "_thread.html", seat=seat, chat=seat.chat(), calls=_recent(world, seat)
        )
        mark = hashlib.sha256(page.encode()).hexdigest()[:16]
        if request.args.get("seen") == mark:
            return Response(status=204)
        return Response(page, headers={"X-Thread": mark})


def _add_media(blueprint: Blueprint, world: World) -> None:
    @blueprint.get("/media/<file_id>")
    def media(file_id: str) -> AnyResponse:
        stored = world.files.get(file_id)
        if stored is None:
            abort(404)
        if stored.is_image:
            return Response(stored.data, mimetype=stored.mime_type)
        response = Response(stored.data, mimetype="application/octet-stream")
        response.headers.set("Content-Disposition", "attachment", filename=stored.name)
        return response


def _add_acts(blueprint: Blueprint, providers: Mapping[str, Provider]) -> None:
    @blueprint.post("/say")
    def say() -> AnyResponse:
        seat = _seat(providers, request.form)
        saying = _saying(request.form, _uploads(request.files.getlist("file")))
        can = seat.provider.chat(seat.desk.id, seat.persona).skills
        if saying.files and not can.files:
            raise ValueError("No files are carried here.")
        if saying.says_something:
            seat.provider.say(seat.desk.id, seat.persona, saying)
        return _back(seat)

    @blueprint.post("/press")
    def press() -> AnyResponse:
        seat = _seat(providers, request.form)
        message, data = request.form.get("message", ""), request.form.get("data", "")
        seat.provider.press(seat.desk.id, seat.persona, message, data)
        return _back(seat)

    @blueprint.post("/react")
    def react() -> AnyResponse:
        seat = _seat(providers, request.form)
        message, emoji = request.form.get("message", ""), request.form.get("emoji", "")
        seat.provider.react(seat.desk.id, seat.persona, message, emoji)
        return _back(seat)

    @blueprint.post("/confirm")
    def confirm() -> AnyResponse:
        seat = _seat(providers, request.form)
        message, receipt = request.form.get("message", ""), request.form.get("receipt", "")
        seat.provider.confirm(seat.desk.id, seat.persona, message, receipt)
        return _back(seat)

    @blueprint.post("/leave")
    def leave() -> AnyResponse:
        seat = _seat(providers, request.form)
        left = request.form.get("left") == "1"
        seat.provider.leave(seat.desk.id, seat.persona, left=left)
        return _back(seat)


def _seat(providers: Mapping[str, Provider], given: Mapping[str, str]) -> _Seat:
    name, _, desk_id = given.get("channel", "").partition(":")
    provider = providers.get(name)
    desk = (
        next((desk for desk in provider.desks() if desk.id == desk_id), None) if provider else None
    )
    if provider is None or desk is None:
        raise NoSuchThing("The sandbox does not know this channel any more.")
    persona = Persona(given.get("persona", "").strip()[:_NAME_LIMIT] or "You")
    return _Seat(provider, desk, persona)


def _recent(world: World, seat: _Seat) -> Sequence[Entry[Called]]:
    endpoint = seat.desk.id.partition(":")[0]
    calls = world.calls.since(wanted=lambda called: called.endpoint == endpoint)
    return calls[-_CALLS_SHOWN:][::-1]


def _saying(form: Mapping[str, str], files: tuple[Upload, ...]) -> Saying:
    given = {name: value.strip() for name, value in form.items()}
    phone = given.get("card_phone", "")
    return Saying(
        text=given.get("text", ""),
        subject=given.get("subject", ""),
        files=files,
        kind=given.get("kind", ""),
        place=_place(given.get("latitude", ""), given.get("longitude", "")),
        place_name=given.get("place_name", ""),
        card=(given.get("card_name", "") or phone, phone) if phone else None,
        quotes=given.get("quotes", ""),
        edits=given.get("edits", ""),
        unsends=given.get("unsends", ""),
        by_colleague=given.get("by_colleague") == "1",
    )


def _place(latitude: str, longitude: str) -> tuple[float, float] | None:
    if not latitude and not longitude:
        return None
    try:
        return float(latitude), float(longitude)
    except ValueError:
        raise ValueError("A place needs its latitude and its longitude, as numbers.") from None


def _uploads(files: Sequence[FileStorage]) -> tuple[Upload, ...]:
    return tuple(
        Upload(file.filename, file.mimetype, file.read()) for file in files if file.filename
    )


def _back(seat: _Seat) -> AnyResponse:
    if request.headers.get("X-Requested-With") == "fetch":
        return Response(status=204)
    address = url_for("page.home", channel=seat.channel, persona=seat.persona.name)
    return redirect(address, code=303)


def _refuse_other_sites() -> None:
    # A page elsewhere must not write through the browser of somebody who runs a sandbox.
    if request.method == "POST" and request.headers.get("Sec-Fetch-Site") == "cross-site":
        abort(403)


def _harden(response: Response) -> Response:
    response.headers["Content-Security-Policy"] = _POLICY
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers.setdefault("Cache-Control", "no-store")
    return response


def _gone(error: NoSuchThing) -> tuple[str, int]:
    return render_template("gone.html", reason=str(error)), 404


def _unusable(error: ValueError) -> tuple[str, int]:
    return render_template("gone.html", reason=str(error), title="That cannot be sent"), 422


def _clock(at: float) -> str:
    return datetime.fromtimestamp(at).astimezone().strftime("%H:%M:%S")
