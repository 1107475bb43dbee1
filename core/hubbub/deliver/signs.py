"""Show contacts that people here read and write; where it fails, nothing is lost."""

from typing import Final, Literal

import structlog
from sqlalchemy import Connection, select

from hubbub.deliver.media import ask_aside
from hubbub.directory import Line
from hubbub.hub import Hub
from hubbub.sdk.types import SeenSettings
from hubbub.store.session import reading
from hubbub.store.tables import Address, Conversation, Message, table
from hubbub.store.types import AnyRow

_messages = table(Message)
_conversations = table(Conversation)
_addresses = table(Address)
log = structlog.get_logger(__name__)

#: What the contact said last, by the name that the provider has for it.
_HEARD: Final = (
    select(_messages.c.external_id, _messages.c.channel_id, _addresses.c.address)
    .join(_conversations, _conversations.c.id == _messages.c.conversation_id)
    .join(_addresses, _addresses.c.id == _conversations.c.address_id)
    .where(_messages.c.direction == "inbound", _messages.c.external_id.is_not(None))
    .order_by(_messages.c.seq.desc())
    .limit(1)
)


def show_read(hub: Hub, conversation_id: str) -> None:
    """Tell the contact that somebody has read what they wrote, where the channel does so."""
    _show(hub, conversation_id, "mark_read")


def show_typing(hub: Hub, conversation_id: str) -> None:
    """Show the contact that somebody is writing."""
    _show(hub, conversation_id, "typing")


def _show(hub: Hub, conversation_id: str, sign: Literal["mark_read", "typing"]) -> None:
    with reading(hub.engine) as db:
        heard = _heard(db, conversation_id)
        line = hub.directory.usable(db, heard.channel_id) if heard else None
    if heard is None or line is None or not _shows(line, sign):
        return
    ask = line.hooks.mark_read if sign == "mark_read" else line.hooks.typing
    ran = ask_aside(hub, line, ask(heard.address, heard.external_id, line.connection))
    if ran is not None and ran.error is not None:
        log.info("sign not shown", sign=sign, channel=line.id, error=ran.error.code)


def _heard(db: Connection, conversation_id: str) -> AnyRow | None:
    return db.execute(_HEARD.where(_conversations.c.id == conversation_id)).one_or_none()


def _shows(line: Line, sign: str) -> bool:
    settings = line.settings
    unwanted = isinstance(settings, SeenSettings) and not settings.read_receipts
    # A typing sign may tell that all was read, as WhatsApp's does.
    return line.hooks.offers(sign) and not unwanted
