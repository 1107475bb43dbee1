"""Build what the page shows on which a channel is changed, or deleted."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Connection

from hubbub.connect.rules import stored_credentials
from hubbub.connect.work import find_channel, mark_of_channel
from hubbub.hub import Hub
from hubbub.people.overtaken import Overtaken
from hubbub.sdk.errors import HubError
from hubbub.store.session import reading
from hubbub.store.types import AnyRow
from hubbub.ui import queries, words
from hubbub.ui.channels.form import FormPage, change_form, read_change, sections_with
from hubbub.ui.channels.head import ChannelHead, head_of
from hubbub.ui.forms import Form
from hubbub.ui.sources import sources_of

#: Conversations, and messages, of which is said how many there are.
_COUNTED: Final = 10_000


@dataclass(frozen=True, kw_only=True)
class SettingsPage:
    """What can be changed of one channel. ``form`` is None while its plugin is not loaded."""

    head: ChannelHead
    form: FormPage | None
    #: The mark of what the form shows, and what somebody else saved meanwhile, if that is so.
    seen: str
    theirs: tuple[tuple[str, str], ...] | None
    #: Until when the credentials from before prove calls; empty where they do not.
    old_until: str
    #: What deleting it would touch, in words.
    touches: str
    problem: str


@dataclass(frozen=True, kw_only=True)
class Typed:
    """What somebody typed into the form, and why it was not saved, if somebody tried to."""

    form: Form
    error: HubError | None = None


def settings_page(
    hub: Hub,
    channel_id: str,
    *,
    opened: Collection[str],
    typed: Typed | None = None,
    problem: str = "",
) -> SettingsPage:
    """Return what can be changed of a channel; ``opened`` as for `change_form`.

    Raises `NotFound`.
    """
    row = find_channel(hub, channel_id)
    form, theirs = _forms(hub, row, typed, opened)
    now = hub.now()
    with reading(hub.engine) as db:
        line = hub.directory.usable(db, channel_id)
        former = line.former if line and line.former and line.former.until > now else None
        return SettingsPage(
            head=head_of(hub, row),
            form=form,
            seen=_seen(hub, row, typed),
            theirs=theirs,
            old_until=words.exact(former.until) if former else "",
            touches=_touches(db, channel_id),
            problem=problem,
        )


def _forms(
    hub: Hub, row: AnyRow, typed: Typed | None, opened: Collection[str]
) -> tuple[FormPage | None, tuple[tuple[str, str], ...] | None]:
    """Return the form, and what somebody else saved meanwhile, if that is so."""
    kind = hub.plugins.channels.get(row.type)
    if kind is None:
        return None, None
    kept, sources = stored_credentials(hub, row), sources_of(hub)
    if typed is None:
        return change_form(kind, row, kept, sources=sources, opened=opened), None
    # Without scripts nobody says what is open.
    opened = opened or sections_with(kind, read_change(kind, row, typed.form))
    overtaken = isinstance(typed.error, Overtaken)
    error = None if overtaken else typed.error
    form = change_form(kind, row, kept, typed.form, error, sources=sources, opened=opened)
    if not overtaken:
        return form, None
    return form, form.stored_instead(change_form(kind, row, kept, sources=sources))


def _seen(hub: Hub, row: AnyRow, typed: Typed | None) -> str:
    """Return what the form repeats: what it repeated before, until it was told of something new."""
    before = "" if typed is None else typed.form.get("seen", "")
    overtaken = typed is not None and isinstance(typed.error, Overtaken)
    return mark_of_channel(hub, row) if overtaken or not before else before


def _touches(db: Connection, channel_id: str) -> str:
    conversations, messages = queries.counts_of_channel(db, channel_id, most=_COUNTED)
    return f"{_several(conversations, 'conversation')} with {_several(messages, 'message')}"


def _several(count: int, word: str) -> str:
    number = f"more than {_COUNTED:,}" if count > _COUNTED else f"{count:,}"
    return f"{number} {word}{'' if count == 1 else 's'}"
