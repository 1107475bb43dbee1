"""Give what the API answers its JSON form; every key is always there."""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Generic, Literal, TypeVar

from pydantic import (
    BaseModel,
    Field,
    WithJsonSchema,
)

from hubbub.people.rules import Role, Scope

T = TypeVar("T")

#: Stands for the schema of a content, which `hubbub.api.openapi` makes of the SDK's own types.
CONTENT_MARK: Final[dict[str, Any]] = {"$comment": "content"}
#: The JSON of a message's content.
ContentJson = Annotated[dict[str, Any], WithJsonSchema(CONTENT_MARK)]
MessageStatus = Literal[
    "received",
    "queued",
    "sending",
    "sent",
    "delivered",
    "read",
    "failed",
    "unknown",
    "cancelled",
]
Direction = Literal["inbound", "outbound"]
ConversationStatus = Literal["open", "snoozed", "resolved"]
ChannelStatus = Literal["connected", "error", "inactive"]
TemplateStatusWord = Literal[
    "approved", "pending", "rejected", "paused", "disabled", "deleted", "unknown"
]
CallStateWord = Literal["pending", "done", "dead", "quarantined"]


class Listing(BaseModel, Generic[T]):
    """One page of a list."""

    items: list[T]
    next_cursor: str | None


# --- channels --------------------------------------------------------------------------------


class SetupStepJson(BaseModel):
    """What a person does at the provider."""

    title: str
    text: str
    link: str | None = Field(description="May hold facts of the channel in braces.")
    at: Literal["start", "webhook", "test"] = Field(
        description="Before the form, while the webhook is set up, or with the first message."
    )


class ChannelTypeJson(BaseModel):
    """A provider's protocol that a plugin offers."""

    type: str
    label: str
    description: str
    legacy: str = Field(
        description="Where the provider has retired it: what to use instead. Else empty."
    )
    icon_url: str | None
    plugin: str
    fields: dict[str, Any] = Field(description="JSON Schema of `credentials` and `settings`.")
    capabilities: dict[str, Any]
    setup: list[SetupStepJson]
    group: Literal["messaging", "sms", "web", "email", "other"]
    needs: list[str] = Field(description="What one has to have before one begins.")
    minutes: int | None = Field(description="How long it takes to connect a channel.")
    changes: list[str] = Field(description="What connecting changes at the provider.")


def _is_none(value: object) -> bool:
    return value is None


class ChannelJson(BaseModel):
    """A configured account of a channel type. Credentials are never returned."""

    id: str
    type: str
    name: str
    status: ChannelStatus
    status_reason: str
    status_since: datetime
    webhook_url: str
    verify_token: str | None
    last_active_at: datetime | None
    enabled: bool
    settings: dict[str, Any]
    old_credentials_until: datetime | None = Field(
        description="Until when calls are accepted also where the credentials from before prove "
        "them."
    )
    bulk_paused_until: datetime | None = Field(
        description="Until when no campaigns are sent, as the provider limits them: replies go on."
    )
    created_at: datetime
    widget_url: str | None = Field(
        default=None,
        exclude_if=_is_none,
        description="The script that opens the chat window; left out where there is none.",
    )
    embed: str | None = Field(
        default=None,
        exclude_if=_is_none,
        description="The line to paste into a site for that window; likewise.",
    )


class FindingJson(BaseModel):
    """One thing that a check looked at."""

    code: str
    ok: bool
    detail: str
    fix: str
    until: datetime | None = Field(description="When what is fine now ends, such as a token.")


class CheckedChannelJson(ChannelJson):
    """A channel, and what the provider just said about it."""

    findings: list[FindingJson]


class TriedChannelJson(BaseModel):
    """What a provider said of credentials that were only tried."""

    status: ChannelStatus
    status_reason: str
    findings: list[FindingJson]


class HealthPartJson(BaseModel):
    """How one part of a channel is; `unknown`: nothing is known yet."""

    name: Literal["auth", "webhook", "inbound", "outbound"]
    state: Literal["fine", "warning", "wrong", "unknown"]
    detail: str


class ChannelHealthJson(BaseModel):
    """How a channel is, and what went through it in the last 24 hours."""

    parts: list[HealthPartJson]
    expires_at: datetime | None = Field(description="When the credentials end, if that is known.")
    waiting: int = Field(description="Messages that wait to be sent; 1000 stands for more.")
    quarantined: int = Field(description="Calls in quarantine; 1000 stands for more.")
    received: int
    sent: int
    failed: int
    last_received_at: datetime | None
    last_sent_at: datetime | None
    hours: list[int] = Field(description="Messages in each of the 24 hours, the oldest first.")


# --- messages --------------------------------------------------------------------------------


class SenderJson(BaseModel):
    """Who wrote."""

    address: str
    name: str | None


class ErrorJson(BaseModel):
    """Why a message failed, or what its last try met while it is tried again."""

    code: str
    provider_code: str | None
    detail: str
    retryable: bool


class WaitsForJson(BaseModel):
    """What a message waits for, though nothing is wrong with itself."""

    reason: str
    message_id: str | None = Field(
        description="The earlier message behind which it waits, so that both arrive in their "
        "order. Null: it waits for the channel."
    )
    until: datetime | None = Field(
        description="Then it is sent, whatever became of the other message. Null: once the channel "
        "is mended."
    )


class MessageJson(BaseModel):
    """What was said."""

    id: str
    channel_id: str
    conversation_id: str
    contact_id: str
    direction: Direction
    content: ContentJson
    sender: SenderJson
    external_id: str | None
    reply_to: str | None
    reply_to_external_id: str | None
    status: MessageStatus
    automatic: bool = Field(
        description="A program wrote it: a bot or another program here, or, of what came in, one "
        "that shows it (`content.automatic`)."
    )
    send_at: datetime | None = Field(description="It is not sent before this time.")
    waits_for: WaitsForJson | None = Field(
        description="What holds it up: that it is tried again later, an earlier message whose "
        "outcome is unknown or that is tried again, or a pause of the channel."
    )
    error: ErrorJson | None
    provider_at: datetime | None
    created_at: datetime
    edited_at: datetime | None
    deleted_at: datetime | None


class VersionJson(BaseModel):
    """What a message said before an edit or a deletion."""

    content: ContentJson
    replaced_at: datetime


class WholeMessageJson(MessageJson):
    """A message with its earlier versions, oldest first."""

    versions: list[VersionJson]


class TraceItemJson(BaseModel):
    """One thing that happened to a message."""

    at: datetime
    stage: Literal["receive", "normalise", "route", "deliver", "track"]
    what: str
    detail: dict[str, Any]
    duration_ms: int | None


class TraceJson(BaseModel):
    """Everything that happened to a message, oldest first."""

    items: list[TraceItemJson]


# --- templates -------------------------------------------------------------------------------


class TemplateParameterJson(BaseModel):
    """One thing that a template wants filled in."""

    name: str = Field(description="Its key in `content.parameters`.")
    required: bool
    holds: Literal["text", "url"] = Field(description="A text, or the public address of a file.")
    max_length: int | None = Field(description="Characters.")


class TemplateJson(BaseModel):
    """A template that the provider approves, as it was last told."""

    id: str
    channel_id: str
    name: str
    language: str
    status: TemplateStatusWord
    provider_status: str = Field(description="The provider's own word for it.")
    reason: str
    external_id: str | None
    category: str
    quality: str
    parameter_format: str
    parameters: list[TemplateParameterJson] | None = Field(
        description="Null: only the provider knows."
    )
    components: list[dict[str, Any]] = Field(description="As the provider tells them.")
    created_at: datetime
    changed_at: datetime


class TemplatesReadJson(BaseModel):
    """How many templates the provider listed, and what was new about them."""

    templates: int
    added: int
    changed: int
    removed: int


# --- conversations ---------------------------------------------------------------------------


class ConversationJson(BaseModel):
    """What one channel and one contact say to each other."""

    id: str
    channel_id: str
    contact_id: str
    contact_name: str | None
    address: str
    status: ConversationStatus
    snoozed_until: datetime | None = Field(
        description="When a snoozed one is open again. Null: once the contact writes."
    )
    assignee: str | None = Field(description="The id of the user who answers.")
    team: str | None = Field(description="The id of the team in whose queue it is.")
    owner: str = Field(description="queue, people, user:<id> or bot:<route type>.")
    tags: list[str]
    unread: int = Field(description="Inbound messages that nobody has seen.")
    preview: str
    last_message_at: datetime
    last_inbound_at: datetime | None
    version: int = Field(description="Rises when somebody else takes over.")
    related_id: str | None = Field(
        description="The conversation that it began by answering, though its writer has no part "
        "in that one."
    )
    created_at: datetime


class NoteJson(BaseModel):
    """A remark among colleagues; never sent."""

    id: str
    conversation_id: str
    author: str
    text: str
    mentions: list[str] = Field(description="The ids of the users whom it names by `@`.")
    created_at: datetime


class ShownJson(BaseModel):
    """A message as its channel carries it."""

    parts: list[ContentJson]
    segments: int | None = Field(
        description="How many short messages that takes. Null: the channel does not count them."
    )


class CannedReplyJson(BaseModel):
    """Words that are said often."""

    id: str
    shortcut: str
    text: str
    created_at: datetime
    changed_at: datetime


class SendableTemplateJson(BaseModel):
    """A template that may be sent now."""

    id: str
    name: str
    language: str
    category: str
    parameters: list[TemplateParameterJson] | None = Field(
        description="Null: only the provider knows."
    )


class WithheldTemplateJson(BaseModel):
    """A template that may not be sent."""

    id: str
    name: str
    language: str
    reason: str


class SendableJson(BaseModel):
    """What may be sent now, until when, and why not the rest."""

    kinds: list[str]
    templates: list[SendableTemplateJson]
    until: datetime | None
    reasons: Mapping[str, str] = Field(description="By kind: why it may not be sent now.")
    withheld: list[WithheldTemplateJson] = Field(
        description="Templates that may not be sent, and why."
    )
    stopped: str | None = Field(
        description="Why what goes to many (`bulk`) may not be sent: the contact unsubscribed, or "
        "complained. Null: they did not."
    )


# --- events ----------------------------------------------------------------------------------


class OutcomeJson(BaseModel):
    """What became of one event in a call."""

    kind: str | None
    key: str | None
    outcome: str
    reason: str
    message_id: str | None


class EventJson(BaseModel):
    """A webhook call that was kept."""

    id: str
    channel_id: str
    received_at: datetime
    method: str
    url: str
    state: CallStateWord
    reason: str
    settled_at: datetime | None
    events: int
    applied: int
    duplicate: int
    ignored: int
    dead: int


class WholeEventJson(EventJson):
    """A kept call with all of it; secrets are taken out of its headers and body."""

    headers: dict[str, str]
    body: str
    #: ``withheld``: the channel's secrets, which might stand in the body, are not known here.
    body_encoding: Literal["text", "base64", "withheld"]
    outcomes: list[OutcomeJson]


class RehearsedJson(BaseModel):
    """A message that a call would bring; `destination` says where it would go, if anywhere."""

    direction: Direction
    content: ContentJson
    conversation_id: str
    destination: str | None


class RehearsalJson(BaseModel):
    """What running a call again would do. `refused`: why it would not be taken for authentic."""

    refused: str
    before: list[OutcomeJson]
    after: list[OutcomeJson]
    messages: list[RehearsedJson]


# --- operating -------------------------------------------------------------------------------


class FailureJson(BaseModel):
    """What failed on a channel for one cause: messages (`failed`, `unknown`), or calls."""

    kind: Literal["failed", "unknown", "dead", "quarantined"]
    channel_id: str
    cause: str
    detail: str
    count: int
    first_at: datetime
    last_at: datetime


class FailuresJson(BaseModel):
    """All that failed by its cause, the most first."""

    items: list[FailureJson]


class RequeueJson(BaseModel):
    """How far all that failed for one cause is tried again; `skipped` cannot be."""

    id: str
    kind: Literal["failed", "dead", "quarantined"]
    channel_id: str
    cause: str
    per_minute: int
    total: int
    done: int
    skipped: int
    state: Literal["running", "done", "stopped"]
    created_by: str
    created_at: datetime
    finished_at: datetime | None


class CheckJson(BaseModel):
    """One part that was looked at; `why` it matters and the `fix` count where it is not `ok`."""

    name: str
    ok: bool
    detail: str
    why: str
    fix: str


class QueueJson(BaseModel):
    """What waits, and since when the oldest of it does."""

    name: str
    waiting: int
    oldest_at: datetime | None


class ProcessJson(BaseModel):
    """A process of this instance."""

    id: str
    kind: str
    host: str
    started_at: datetime
    seen_at: datetime
    alive: bool


class SourceJson(BaseModel):
    """A channel from which a listener fetches, and which process does."""

    channel_id: str
    name: str
    holder: str
    alive: bool


class HealthJson(BaseModel):
    """How this instance is."""

    ok: bool
    version: str
    python: str
    checks: list[CheckJson]
    queues: list[QueueJson]
    processes: list[ProcessJson]
    sources: list[SourceJson]


class PluginJson(BaseModel):
    """How a plugin fares; `enabled` is what `plugins.toml` says for the next start."""

    name: str
    state: str
    reason: str
    distribution: str
    version: str
    channel_types: list[str]
    route_types: list[str]
    hooks: list[str]
    settings: dict[str, Any]
    enabled: bool


class PluginsJson(BaseModel):
    """Every plugin that is installed or named."""

    items: list[PluginJson]


class AuditJson(BaseModel):
    """What somebody changed."""

    id: str
    at: datetime
    actor: str
    action: str
    object_id: str
    detail: dict[str, Any]


# --- contacts --------------------------------------------------------------------------------


class AddressJson(BaseModel):
    """An id by which one channel reaches a contact."""

    id: str
    channel_id: str
    address: str
    name: str | None
    state: str
    state_reason: str
    #: Whether it may be sent marketing, and when its owner, or somebody for them, last said so.
    marketing: bool
    marketing_at: datetime | None
    #: When the contact last wrote from it, which proves that it is theirs; None: never.
    wrote_at: datetime | None


class ContactJson(BaseModel):
    """A person or group."""

    id: str
    name: str | None
    attributes: dict[str, Any]
    blocked: bool
    addresses: list[AddressJson]
    created_at: datetime


class HoldingsJson(BaseModel):
    """How much is held of a contact; `waiting` is still to be sent."""

    addresses: int
    conversations: int
    messages: int
    notes: int
    files: int
    waiting: int


class MergePreviewJson(BaseModel):
    """What a merge would do: what moves, and what the contact is then."""

    moves: HoldingsJson
    name: str | None
    attributes: dict[str, Any]
    blocked: bool


class MergeJson(BaseModel):
    """A contact that was merged into another. One that was `carried` came along with another."""

    id: str
    contact_id: str
    name: str | None
    addresses: int
    merged_at: datetime
    merged_by: str
    carried: bool


class MergesJson(BaseModel):
    """All that was merged into a contact, the latest first."""

    items: list[MergeJson]


# --- people ----------------------------------------------------------------------------------


class TokenJson(BaseModel):
    """An API token, without the token itself."""

    id: str
    name: str
    scopes: list[Scope]
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


class NewTokenJson(TokenJson):
    """A token just made; this is the only time that it is shown."""

    token: str


class PreferencesJson(BaseModel):
    """What somebody likes of the console."""

    shortcuts: bool = Field(description="Whether single keys do things in the inbox.")
    undo: bool = Field(description="Whether a reply waits a few seconds, to be taken back.")


class InviteJson(BaseModel):
    """A link by which somebody sets a password, once."""

    url: str
    expires_at: datetime


class UserJson(BaseModel):
    """A person who works here."""

    id: str
    email: str
    name: str
    role: Role
    disabled: bool
    available: bool = Field(description="Whether their teams give them conversations.")
    preferences: PreferencesJson
    created_at: datetime


class SavedViewJson(BaseModel):
    """What of the inbox somebody looks at often."""

    id: str
    name: str
    filters: dict[str, str]
    created_at: datetime


class TeamJson(BaseModel):
    """People who share a queue of the inbox."""

    id: str
    name: str
    members: list[str] = Field(description="The ids of its users.")
    created_at: datetime


# --- media -----------------------------------------------------------------------------------


class MediaJson(BaseModel):
    """A stored file."""

    id: str
    url: str
    mime_type: str | None
    filename: str | None
    size: int | None
    state: Literal["pending", "ready", "failed"]
