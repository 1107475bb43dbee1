"""Let people end what is sent to many by one click. Source: RFC 8058.

The link leads to the channel's webhook and proves itself. Programs that look at links only fetch
them, and get a page with a button; mail programs and the button post to it, and that ends it.
"""

import base64
import binascii
import html
import re
from collections.abc import Iterator
from typing import Final
from urllib.parse import parse_qs

from hubbub.sdk import (
    Accept,
    AddressChanged,
    Answer,
    Call,
    Challenge,
    Event,
    Reject,
    Unreadable,
    Verdict,
)
from hubbub_email import tokens
from hubbub_email.fields import EmailConnection
from hubbub_email.tokens import Purpose

_PARAMETER: Final = "u"
_CLICK: Final = re.compile(rb"List-Unsubscribe\b.{0,80}?\bOne-Click\b", re.DOTALL)
_PAGE: Final = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<meta name="referrer" content="no-referrer">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; form-action 'self'">
<title>{title}</title>
<h1>{title}</h1>
{body}
</html>
"""
_BUTTON: Final = """\
<p>{address} will get no more letters of {sender} that go to many. Answers still come.</p>
<form method="post"><button name="List-Unsubscribe" value="One-Click">Unsubscribe</button></form>
"""


def link(connection: EmailConnection, reference: str, address: str) -> str:
    """Return the link in the letter ``reference`` by which ``address`` ends them."""
    plain = f"{reference} {address}"
    named = base64.urlsafe_b64encode(plain.encode()).decode().rstrip("=")
    mac = tokens.mac(Purpose.UNSUBSCRIBE, plain, tokens.key_of(connection.webhook_secret))
    return f"{connection.webhook_url}?{_PARAMETER}={named}.{mac}"


def verdict(call: Call, connection: EmailConnection) -> Verdict:
    """Say whether ``call`` comes from a link of ours, and what is to be shown."""
    found = _opened(call, connection)
    if found is None:
        return Reject("It is no link of ours to unsubscribe, and nobody else calls.")
    _, address = found
    if call.method == "POST" and _CLICK.search(call.body):
        body = f"<p>{html.escape(address)} gets no more of these letters.</p>"
        return Accept(_page("You are unsubscribed", body))
    sender = connection.fields.settings.from_address
    body = _BUTTON.format(address=html.escape(address), sender=html.escape(sender))
    return Challenge(_page("Unsubscribe?", body))


def events(call: Call, connection: EmailConnection) -> Iterator[Event]:
    """Yield who wants no more of what is sent to many."""
    found = _opened(call, connection)
    if found is None:
        yield Unreadable(reason="It is neither a letter nor a link of ours to unsubscribe.")
        return
    reference, address = found
    yield AddressChanged(
        key=f"unsubscribe:{reference}:{address}",
        address=address,
        state=None,
        reason="They followed the link to unsubscribe.",
        marketing=False,
    )


def _opened(call: Call, connection: EmailConnection) -> tuple[str, str] | None:
    """Return the letter and the address of the link, if it is one of ours."""
    given = parse_qs(call.query, max_num_fields=100).get(_PARAMETER, [""])[0]
    named, _, mac = given.partition(".")
    if not given.isascii():
        return None
    try:
        plain = base64.urlsafe_b64decode(named + "=" * (-len(named) % 4)).decode()
    except (binascii.Error, ValueError):
        return None
    key = tokens.key_of(connection.webhook_secret)
    if not tokens.proves(mac, Purpose.UNSUBSCRIBE, plain, key):
        return None
    reference, _, address = plain.partition(" ")
    return reference, address


def _page(title: str, body: str) -> Answer:
    page = _PAGE.format(title=title, body=body)
    return Answer(body=page.encode(), content_type="text/html; charset=utf-8")
