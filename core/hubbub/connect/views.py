"""Let people end what is sent to many by one click: ``/unsubscribe/<address>``.

Source: RFC 8058. Programs that look at links only fetch them, and get a page with a button; mail
programs and the button post to it, and that ends it. The link is known to nobody but whom it was
sent to, and outlives its channel.
"""

from typing import Final

from flask import Blueprint, Response, request
from markupsafe import Markup

from hubbub.connect import wishes
from hubbub.connect.rules import has_threads
from hubbub.hub import Hub
from hubbub.store.session import DatabaseDown, reading, transaction
from hubbub.store.types import UNKEPT

_BUTTON: Final = ("List-Unsubscribe", "One-Click")
#: Bytes of a click.
_LARGEST: Final = 64 << 10
_POLICY: Final = "default-src 'none'; form-action 'self'; frame-ancestors 'none'"
_PAGE: Final = Markup("""\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="referrer" content="no-referrer">
<title>{title}</title>
<h1>{title}</h1>
<p>{text}</p>
{form}
</html>
""")
_FORM: Final = Markup(
    '<form method="post"><button name="{}" value="{}">Unsubscribe</button></form>'
).format(*_BUTTON)
_UNKNOWN: Final = "Perhaps the end of it is missing. Copy the whole link, or answer the letter."
_AGAIN: Final = "Nothing was changed. Try again in a minute."


def make_unsubscribing(hub: Hub) -> Blueprint:
    """Return the route for links to unsubscribe."""
    blueprint = Blueprint("unsubscribing", __name__)

    @blueprint.route("/unsubscribe/", defaults={"address_id": ""}, methods=["GET", "POST"])
    @blueprint.route("/unsubscribe/<address_id>", methods=["GET", "POST"])
    def unsubscribe(address_id: str) -> Response:
        try:
            return _answer(hub, address_id)
        except DatabaseDown:
            return _page("This cannot be done now", _AGAIN, status=503)

    return blueprint


def _answer(hub: Hub, address_id: str) -> Response:
    who = None
    if not UNKEPT.search(address_id):
        with reading(hub.engine) as db:
            who = wishes.recipient(db, address_id)
    if who is None:
        return _page("This link is not complete", _UNKNOWN, status=404)
    if not _clicked():
        of = f"letters of {who.sender}" if who.sender else "messages of ours"
        text = f"{_named(who)} will get no more {of} that go to many. Answers still come."
        return _page("Unsubscribe?", text, form=_FORM)
    threads = has_threads(hub, who.type)
    with transaction(hub.engine) as db:
        wishes.end_marketing(db, address_id, threads=threads, now=hub.now())
    return _page("You are unsubscribed", f"{_named(who)} will get no more of these letters.")


def _named(who: wishes.Recipient) -> str:
    """Return what to call them; who was erased has no address here."""
    return who.address or "You"


def _clicked() -> bool:
    request.max_content_length = _LARGEST
    name, value = _BUTTON
    return request.method == "POST" and request.form.get(name) == value


def _page(title: str, text: str, *, form: str = "", status: int = 200) -> Response:
    page = Response(_PAGE.format(title=title, text=text, form=form), status)
    page.headers["Content-Security-Policy"] = _POLICY
    page.headers["Cache-Control"] = "no-store"
    return page
