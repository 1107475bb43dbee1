"""Make one attempt at a delivery: no transaction is open here."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from pydantic import ValidationError

from hubbub.deliver import file_queries, queries
from hubbub.deliver.copies import COPY, original
from hubbub.deliver.gate import Recipient, check_still_sendable, past_window
from hubbub.deliver.rules import Refused, by_program
from hubbub.directory import Line
from hubbub.exchange import Entry, Ran, finished, steps
from hubbub.fetch import file_at
from hubbub.hub import Hub
from hubbub.people.errors import Invalid
from hubbub.plugins import RouteHooks, UnknownType
from hubbub.redact import Redactor, secrets_of
from hubbub.sdk.content import Content, Media, from_json, with_files
from hubbub.sdk.errors import Permanent, SendError, TemplateRefused, Transient
from hubbub.sdk.routing import Inquiry, Outcome, Wait
from hubbub.sdk.values import Accepted, Earlier, Exchange, HttpRequest, HttpResponse, Part
from hubbub.store.clean import LONGEST_ADDRESS, bounded, clean
from hubbub.store.session import DatabaseDown, reading
from hubbub.store.types import AnyRow
from hubbub.transport import AnswerLost
from hubbub.vault import Undecryptable

#: Of the earlier messages of a conversation, how many of the first and of the last are named.
_EARLIER: Final = 20
#: Bytes of a file that lies elsewhere.
_LARGEST_FILE: Final = 25_000_000
_NO_FILE: Final = "media_unreachable"

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Parcel:
    """A claimed delivery: what to say, to whom, by which channel."""

    row: AnyRow
    line: Line

    @property
    def id(self) -> str:
        """The delivery's id, which is also the reference that providers repeat."""
        return str(self.row.id)

    @property
    def to_contact(self) -> bool:
        """Whether it goes out to a contact, and not on to a destination."""
        return not self.row.onward

    @property
    def copy_alone(self) -> bool:
        """Whether it brings a copy to one who was put off when all others got it."""
        return bool(self.row.destination == COPY)

    @property
    def content(self) -> Content:
        """What this part says."""
        return from_json(self.row.content or self.row.message_content)


@dataclass(frozen=True, kw_only=True)
class Result:
    """How an attempt ended: ``accepted`` or ``outcome``, or ``error``."""

    parcel: Parcel
    started_at: datetime
    duration_ms: int = 0
    accepted: Accepted | None = None
    outcome: Outcome | None = None
    error: SendError | None = None
    exchanges: Sequence[Entry] = ()

    @property
    def waits(self) -> timedelta | None:
        """How long a destination wants to think before it answers, where it does."""
        for action in self.outcome.actions if self.outcome else ():
            if isinstance(action, Wait):
                return timedelta(seconds=action.seconds)
        return None


def attempt(hub: Hub, parcel: Parcel) -> Result:
    """Try to carry one delivery, and wait for its end; every way it can end is in the result."""
    return finished(attempting(hub, parcel), hub.http, files=media_bytes(hub))


def attempting(hub: Hub, parcel: Parcel) -> Generator[HttpRequest, HttpResponse, Result]:
    """Ask for the requests that try to carry one delivery; return how it ended.

    Only until the first request may it wait, for the database, and not where `ready` says so.
    """
    started_at = hub.now()
    try:
        if parcel.to_contact:
            part = part_of(hub, parcel)
            _check(parcel, part.content, started_at)
            sending = _sending(parcel.line, part)
            ran: Ran[Any] = yield from steps(sending, redact=parcel.line.redactor)
        else:
            handling = _handling(hub, parcel)
            ran = yield from steps(handling, redact=_redactor(hub, parcel))
    except SendError as error:
        return Result(parcel=parcel, started_at=started_at, error=error)
    except DatabaseDown as error:
        # Only before the first request is anything looked up: nothing has reached the provider.
        failed = Transient(error.detail, code=error.code)
        return Result(parcel=parcel, started_at=started_at, error=failed)
    value = ran.value
    return Result(
        parcel=parcel,
        started_at=started_at,
        duration_ms=ran.duration_ms,
        accepted=value if isinstance(value, Accepted) else None,
        outcome=value if isinstance(value, Outcome) else None,
        error=_named(ran.error, parcel),
        exchanges=ran.exchanges,
    )


def _named(error: SendError | None, parcel: Parcel) -> SendError | None:
    """Return ``error`` with the provider called as people know it, and not by its host."""
    if not isinstance(error, AnswerLost) or not parcel.to_contact:
        return error
    named = AnswerLost(parcel.line.hooks.kind.label, error.reason)
    named.renewed = error.renewed
    return named


def ready(parcel: Parcel) -> bool:
    """Whether all that sending it needs is in ``parcel``: nothing has to be looked up."""
    content = parcel.row.content or parcel.row.message_content
    looked_up = parcel.line.hooks.capabilities.threads or (
        content.get("media") or content.get("attachments")
    )
    return parcel.to_contact and not looked_up


def part_of(hub: Hub, parcel: Parcel) -> Part:
    """Return the part that ``parcel`` carries, its files within the provider's reach."""
    part = _part_to_all(hub, parcel)
    if not parcel.copy_alone:
        return part
    with reading(hub.engine) as db:
        first = original(db, parcel.row.message_id)
    return replace(part, address=first.address, reference=first.id, only=parcel.row.address)


def _part_to_all(hub: Hub, parcel: Parcel) -> Part:
    return Part(
        content=with_files(parcel.content, lambda media: _within_reach(hub, media)),
        address=parcel.row.address,
        reply_to_external_id=parcel.row.reply_to_external_id,
        reference=parcel.id,
        our_address=parcel.row.our_address,
        created_at=parcel.row.starts_at or parcel.row.created_at,
        bulk=parcel.row.bulk,
        unsubscribe_url=unsubscribe_url(hub, parcel.row.address_id) if parcel.row.bulk else "",
        automatic=by_program(parcel.row.author),
        conversation_id=parcel.row.conversation_id,
        earlier=_earlier(hub, parcel),
        past_window=past_window(
            parcel.line, parcel.row.author, parcel.row.last_inbound_at, hub.now()
        ),
    )


def unsubscribe_url(hub: Hub, address_id: str) -> str:
    """Return the link by which whoever has an address ends what goes to many."""
    return f"{hub.settings.base_url}/unsubscribe/{address_id}"


def _earlier(hub: Hub, parcel: Parcel) -> tuple[Earlier, ...]:
    if not parcel.line.hooks.capabilities.threads:
        return ()
    with reading(hub.engine) as db:
        rows = queries.earlier(db, parcel.row.conversation_id, parcel.row.seq, most=_EARLIER)
    return tuple(
        Earlier(
            external_id=row.external_id,
            subject=row.content.get("subject") or "",
            inbound=row.direction == "inbound",
            reference=row.reference or "",
        )
        for row in rows
    )


def _within_reach(hub: Hub, media: Media) -> Media:
    """Return ``media`` as it is stored, called and referred to as its message does."""
    if not media.id:
        return media
    stored = stored_media(hub, media.id)
    return replace(stored, filename=media.filename or stored.filename, cid=media.cid)


def stored_media(hub: Hub, media_id: str) -> Media:
    """Return what is known of a stored file, with an address that anyone may fetch it from.

    Raises `Permanent` when there is no such file.
    """
    with reading(hub.engine) as db:
        row = file_queries.file(db, media_id)
    if row is None or row.state != "ready":
        raise Permanent("The file of this message is no longer stored.", code="media_gone")
    return Media(
        id=row.id,
        url=media_url(hub, row.id),
        mime_type=row.mime_type,
        filename=row.filename,
        size=row.size,
        state="ready",
        width=row.width,
        height=row.height,
        duration_ms=row.duration_ms,
    )


def with_links(hub: Hub, line: Line, content: Content) -> Content:
    """Return ``content`` with addresses for its files, if ``line`` can say those only in words."""
    if {content.type, "document"} & line.hooks.capabilities.outbound:
        return content
    return with_files(
        content,
        lambda media: replace(media, url=media_url(hub, media.id)) if media.id else media,
    )


def media_url(hub: Hub, media_id: str) -> str:
    """Return the address of a file, signed, so that who is given it may fetch it."""
    signature = hub.vault.sign(f"media:{media_id}")
    return f"{hub.settings.base_url}/api/v1/media/{media_id}?sig={signature}"


def media_bytes(hub: Hub) -> Callable[[Media], bytes]:
    """Return what gives the bytes of a file to a body: from the store, or from where it lies."""

    def read(media: Media) -> bytes:
        if media.id or not media.url:
            return hub.media.get(media.id)
        return _from_elsewhere(hub, media.url)

    return read


def _from_elsewhere(hub: Hub, url: str) -> bytes:
    """Fetch a file that a caller keeps. Raises `Permanent`, or `Transient`: it may come yet."""
    try:
        return file_at(hub.http, url, most=_LARGEST_FILE)
    except Permanent as error:
        raise Permanent(f"A file cannot be fetched. {error.detail}", code=_NO_FILE) from None
    except SendError as error:
        raise Transient(f"A file cannot be fetched. {error.detail}", code=_NO_FILE) from None


def storable(accepted: Accepted) -> Accepted:
    """Return what a provider answered, fit for every database and its indexes."""
    told = accepted.address or ""
    # It was sent: a form of the address that cannot be one is as good as none.
    address = accepted.address if len(told) <= LONGEST_ADDRESS else None
    external_id = bounded(accepted.external_id)
    return clean(replace(accepted, external_id=external_id, address=address))


def inquiry_of(hub: Hub, parcel: Parcel) -> Inquiry:
    """Return what a destination is asked about the message of ``parcel``."""
    row, line = parcel.row, parcel.line
    return Inquiry(
        message_id=row.message_id,
        channel_id=line.id,
        channel_type=line.type,
        channel_name=line.name,
        conversation_id=row.conversation_id,
        contact_id=row.contact_id,
        address=row.sender_address,
        name=row.sender_name,
        content=from_json(row.message_content),
        received_at=row.message_created_at,
        now=hub.now(),
        first=row.first_message,
        callback_url=f"{hub.settings.base_url}/callbacks/{row.id}",
        callback_token=hub.vault.sign(f"callback:{row.id}"),
        owner_version=row.owner_version or 0,
    )


def route_of(hub: Hub, parcel: Parcel) -> tuple[RouteHooks, Any]:
    """Return the destination of ``parcel`` with its settings. Raises `Permanent`."""
    row = parcel.row
    try:
        settings = hub.directory.destination_settings(
            parcel.line, row.destination, version=row.routes_version, route_id=row.route_id
        )
        kind = hub.plugins.route(row.destination)
        return kind, kind.validate(settings)
    except (UnknownType, Undecryptable, ValidationError) as error:
        raise Permanent(str(error).partition("\n")[0], code="destination_unusable") from None


def _redactor(hub: Hub, parcel: Parcel) -> Redactor:
    """Return what masks the secrets of a destination and of its answer."""
    _, settings = route_of(hub, parcel)
    return Redactor({*secrets_of(settings), inquiry_of(hub, parcel).callback_token})


def _check(parcel: Parcel, content: Content, now: datetime) -> None:
    """Ask the gate again: much may have happened since the message was taken.

    Raises `Permanent`.
    """
    row = parcel.row
    try:
        check_still_sendable(
            parcel.line,
            Recipient(
                row.address_state,
                bool(row.marketing),
                row.blocked_at is not None,
                row.last_inbound_at,
            ),
            content,
            author=row.author or "",
            bulk=bool(row.bulk),
            meant_for=row.starts_at or row.created_at,
            now=now,
        )
    except Refused as error:
        raise Permanent(error.detail, code=error.code) from None
    except Invalid as error:
        why = " ".join(one.message for one in error.complaints)
        raise TemplateRefused(why) from None


def _sending(line: Line, part: Part) -> Exchange[Accepted]:
    """Call the channel type inside the exchange, which judges all that it may raise or return."""
    accepted = yield from line.hooks.send(part, line.connection)
    if not (isinstance(accepted, Accepted) and isinstance(accepted.external_id, str)):
        raise TypeError("A channel type returns Accepted, with the provider's id as a text.")
    return storable(accepted)


def _handling(hub: Hub, parcel: Parcel) -> Exchange[Outcome]:
    if parcel.row.awaits_answer:
        raise Permanent("It promised an answer and gave none in time.", code="answer_timeout")
    kind, settings = route_of(hub, parcel)
    return _asking(kind, inquiry_of(hub, parcel), settings)


def _asking(kind: RouteHooks, inquiry: Inquiry, settings: Any) -> Exchange[Outcome]:
    """Call the destination, likewise."""
    outcome = yield from kind.handle(inquiry, settings)
    if not isinstance(outcome, Outcome):
        raise TypeError("A destination returns an Outcome.")
    return outcome
