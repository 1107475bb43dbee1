"""Turn rows into what the API answers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Self

from sqlalchemy import Connection, Row

from hubbub.api import queries, shapes
from hubbub.deliver.attempt import media_url
from hubbub.deliver.gate import Sendable
from hubbub.deliver.rules import by_program
from hubbub.hub import Hub
from hubbub.sdk.templates import TemplateParameter
from hubbub.store.states import NEVER
from hubbub.track.lane import Behind, Pause, held_up, paused, tried

#: What is read afresh of a file: it may have arrived after its message was stored.
_FRESH = ("mime_type", "filename", "size", "state")
_AGAIN = "It is tried again then."
_MEASURES = ("width", "height", "duration_ms")


@dataclass(frozen=True, kw_only=True)
class _Beside:
    """What is known of messages beside their rows: their files, and when they are to be sent."""

    files: Mapping[str, Row[Any]]
    send_at: Mapping[str, datetime]
    #: What holds up those that wait: a message before them, or their channel.
    behind: Mapping[str, Behind]
    paused: Mapping[str, Pause]
    #: What went wrong with those that are tried again.
    tried: Mapping[str, Row[Any]]

    @classmethod
    def of(
        cls,
        db: Connection,
        rows: Sequence[Row[Any]],
        earlier: Iterable[Row[Any]] = (),
        *,
        now: datetime,
    ) -> Self:
        """Return it for ``rows``, and the files of their ``earlier`` versions too."""
        ids = [found for row in (*rows, *earlier) for found in _ids(row.content)]
        outbound = [row.id for row in rows if row.direction == "outbound"]
        unsent = [row.id for row in rows if row.status in {"queued", "sending"}]
        return cls(
            files=queries.media_files(db, ids),
            send_at=queries.send_times(db, outbound),
            behind=held_up(db, unsent, now=now),
            paused=paused(db, unsent, now=now),
            tried=tried(db, unsent),
        )


def message_list(hub: Hub, db: Connection, rows: Sequence[Row[Any]]) -> list[shapes.MessageJson]:
    """Return messages, with what is known of their files by now."""
    beside = _Beside.of(db, rows, now=hub.now())
    return [shapes.MessageJson(**_message_fields(hub, row, beside)) for row in rows]


def whole_message(hub: Hub, db: Connection, row: Row[Any]) -> shapes.WholeMessageJson:
    """Return a message with its earlier versions."""
    # What its author took back says nothing, and never did.
    earlier = [] if row.deleted_at else queries.versions(db, row.id)
    beside = _Beside.of(db, [row], earlier, now=hub.now())
    versions = [
        shapes.VersionJson(
            content=_content(hub, version.content, beside.files), replaced_at=version.replaced_at
        )
        for version in earlier
    ]
    return shapes.WholeMessageJson(**_message_fields(hub, row, beside), versions=versions)


def _message_fields(hub: Hub, row: Row[Any], beside: _Beside) -> dict[str, Any]:
    return {
        "id": row.id,
        "channel_id": row.channel_id,
        "conversation_id": row.conversation_id,
        "contact_id": row.contact_id,
        "direction": row.direction,
        "content": _content(hub, row.content, beside.files),
        "sender": {"address": row.sender_address, "name": row.sender_name},
        "external_id": row.external_id,
        "reply_to": row.reply_to_id,
        "reply_to_external_id": row.reply_to_external_id,
        "status": row.status,
        "automatic": by_program(row.author) or bool(row.content.get("automatic")),
        "send_at": beside.send_at.get(row.id),
        "waits_for": _waits_for(
            beside.behind.get(row.id), beside.paused.get(row.id), beside.tried.get(row.id)
        ),
        "error": _error(beside.tried[row.id].error if row.id in beside.tried else row.error),
        "provider_at": row.provider_at,
        "created_at": row.created_at,
        "edited_at": row.edited_at,
        "deleted_at": row.deleted_at,
    }


def conversation(row: Row[Any]) -> shapes.ConversationJson:
    """Return a conversation."""
    return shapes.ConversationJson(
        id=row.id,
        channel_id=row.channel_id,
        contact_id=row.contact_id,
        contact_name=row.contact_name,
        address=row.address,
        status=row.status,
        snoozed_until=row.snoozed_until if row.status == "snoozed" else None,
        assignee=row.assignee_id,
        team=row.team_id,
        owner=row.owner,
        tags=row.tags or [],
        unread=row.unread,
        preview=row.preview,
        last_message_at=row.last_message_at,
        last_inbound_at=row.last_inbound_at,
        version=row.owner_version,
        related_id=row.related_id,
        created_at=row.created_at,
    )


def template(row: Row[Any]) -> shapes.TemplateJson:
    """Return a template."""
    return shapes.TemplateJson(**row._asdict())


def sendable(answer: Sendable) -> shapes.SendableJson:
    """Return what may be sent now."""
    return shapes.SendableJson(
        kinds=list(answer.kinds),
        templates=[
            shapes.SendableTemplateJson(
                id=one.id,
                name=one.name,
                language=one.language,
                category=one.category,
                parameters=_parameters(one.parameters),
            )
            for one in answer.templates
        ],
        until=answer.until,
        reasons=answer.reasons,
        withheld=[
            shapes.WithheldTemplateJson(
                id=one.id, name=one.name, language=one.language, reason=reason
            )
            for one, reason in answer.withheld
        ],
        stopped=answer.stopped or None,
    )


def contact(row: Row[Any], addresses: Iterable[Row[Any]]) -> shapes.ContactJson:
    """Return a contact with its addresses."""
    return shapes.ContactJson(
        id=row.id,
        name=row.name,
        attributes=row.attributes or {},
        blocked=row.blocked_at is not None,
        addresses=[
            shapes.AddressJson(
                id=one.id,
                channel_id=one.channel_id,
                address=one.address,
                name=one.name,
                state=one.state,
                state_reason=one.state_reason,
                marketing=one.marketing,
                marketing_at=one.marketing_at,
                wrote_at=one.wrote_at,
            )
            for one in addresses
        ],
        created_at=row.created_at,
    )


def media(hub: Hub, row: Mapping[str, Any]) -> shapes.MediaJson:
    """Return a stored file."""
    return shapes.MediaJson(
        id=row["id"],
        url=media_url(hub, row["id"]),
        **{name: row[name] for name in _FRESH},
    )


def _parameters(
    parameters: Iterable[TemplateParameter] | None,
) -> list[shapes.TemplateParameterJson] | None:
    if parameters is None:
        return None
    return [shapes.TemplateParameterJson(**asdict(parameter)) for parameter in parameters]


def _ids(content: Mapping[str, Any]) -> list[str]:
    return [one["id"] for one in _files(content) if one.get("id")]


def _files(content: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    single = content.get("media")
    return [*([single] if single else []), *content.get("attachments", ())]


def _content(hub: Hub, content: Mapping[str, Any], files: Mapping[str, Row[Any]]) -> dict[str, Any]:
    shown = dict(content)
    if shown.get("media"):
        shown["media"] = _file(hub, shown["media"], files)
    if "attachments" in shown:
        shown["attachments"] = [_file(hub, one, files) for one in shown["attachments"]]
    return shown


def _file(hub: Hub, kept: Mapping[str, Any], files: Mapping[str, Row[Any]]) -> dict[str, Any]:
    """Return a file as the contract shows it: never the provider's handle."""
    row = files.get(kept.get("id") or "")
    known = kept if row is None else {**kept, **{name: getattr(row, name) for name in _FRESH}}
    measures = {name: kept.get(name) if row is None else getattr(row, name) for name in _MEASURES}
    ready = row is not None and row.state == "ready"
    return {
        "id": kept.get("id") or None,
        "url": media_url(hub, row.id) if row is not None and ready else kept.get("url"),
        **{name: known.get(name) for name in _FRESH},
        # A message may call a file by another name than it was uploaded under.
        "filename": kept.get("filename") or known.get("filename"),
        **{name: value for name, value in measures.items() if value is not None},
        **({"cid": kept["cid"]} if kept.get("cid") else {}),
    }


def _waits_for(
    behind: Behind | None, pause: Pause | None, tried: Row[Any] | None
) -> shapes.WaitsForJson | None:
    if pause is not None:
        return shapes.WaitsForJson(reason=pause.sentence, message_id=None, until=pause.until)
    if tried is not None and tried.due_at != NEVER:
        return shapes.WaitsForJson(reason=_AGAIN, message_id=None, until=tried.due_at)
    if behind is None:
        return None
    return shapes.WaitsForJson(
        reason=behind.sentence, message_id=behind.message_id, until=behind.until
    )


def _error(error: Mapping[str, Any] | None) -> dict[str, Any] | None:
    if error is None:
        return None
    return {
        "code": error["code"],
        "provider_code": error.get("provider_code"),
        "detail": error.get("detail", ""),
        "retryable": bool(error.get("retryable")),
    }
