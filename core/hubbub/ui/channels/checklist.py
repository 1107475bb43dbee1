"""Say what has to happen until messages come in, and how far that is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from hubbub.connect.health import Health
from hubbub.connect.simulator import customers_page
from hubbub.hub import Hub
from hubbub.store.types import AnyRow

#: What the state of a part is in a checklist.
_MARKS: Final = {"fine": "done", "warning": "done", "wrong": "wrong", "unknown": "waiting"}


@dataclass(frozen=True, kw_only=True)
class Item:
    """A line of the checklist. ``state`` is ``done``, ``waiting`` or ``wrong``."""

    state: str
    title: str
    detail: str = ""


def of_window(health: Health, *, heard: bool) -> Iterator[Item]:
    """Say how far a chat window is."""
    webhook = health.parts[1]
    detail = "" if webhook.state == "fine" else webhook.detail
    title = "Browsers of visitors reach the hub"
    yield Item(state=_MARKS[webhook.state], title=title, detail=detail)
    yield _in_the_inbox(heard=heard)


def of_mailbox(health: Health, *, heard: bool) -> Iterator[Item]:
    """Say how far a channel is that fetches what comes."""
    auth = health.parts[0]
    yield Item(state=_MARKS[auth.state], title="The hub is let in", detail=auth.detail)
    yield _in_the_inbox(heard=heard)


def of_webhook(
    hub: Hub, row: AnyRow, health: Health, *, heard: bool, asks_back: bool
) -> Iterator[Item]:
    """Say how far a channel is whose provider calls; ``asks_back``: whether it does so first."""
    webhook = health.parts[1]
    came = health.called or heard
    handshake = row.handshake or {}
    reached = came or bool(handshake) or bool(health.quarantined)
    if not came and not health.quarantined and webhook.state != "unknown":
        state = "done" if webhook.state == "fine" else "wrong"
        yield Item(state=state, title="The provider is told to call", detail=webhook.detail)
    yield Item(
        state="done" if reached else "waiting",
        title="The webhook URL is reached from outside",
        detail="" if reached else _unreached(hub, row),
    )
    if asks_back:
        yield from _handshake(handshake, called=came)
    yield _first_call(webhook.detail, called=came, quarantined=health.quarantined)
    yield _in_the_inbox(heard=heard)


def _unreached(hub: Hub, row: AnyRow) -> str:
    base_url = hub.settings.base_url
    if customers_page(hub, row):
        return "The simulator calls as soon as somebody writes."
    if base_url.startswith("https://"):
        return "Nothing came yet."
    return (
        f"This hub says that it is at {base_url}. Providers call public https addresses only: set "
        "HUBBUB_PUBLIC_URL to one that leads here."
    )


def _handshake(handshake: Mapping[str, str], *, called: bool) -> Iterator[Item]:
    wrong = handshake.get("problem", "")
    came = bool(handshake) or called
    yield Item(
        state="done" if came else "waiting",
        title="The provider asked whether somebody is here",
        detail="" if came else "It does so when you save Callback URL and Verify token there.",
    )
    state = "wrong" if wrong and not called else "done" if came else "waiting"
    yield Item(state=state, title="Its verify token is ours", detail="" if called else wrong)


def _first_call(said: str, *, called: bool, quarantined: int) -> Item:
    title = "A call came whose signature is right"
    if called:
        return Item(state="done", title=title)
    if quarantined:
        return Item(state="wrong", title=title, detail=f"{said} See why below.")
    return Item(state="waiting", title=title)


def _in_the_inbox(*, heard: bool) -> Item:
    return Item(
        state="done" if heard else "waiting",
        title="A message from outside is in the inbox",
        detail="" if heard else "Write to the channel as a customer would.",
    )
