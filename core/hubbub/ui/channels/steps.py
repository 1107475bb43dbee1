"""Build what the steps show by which a channel is set up."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from hubbub.connect import routes
from hubbub.connect.drafts import ChannelDraft
from hubbub.connect.health import channel_health
from hubbub.connect.pasted import Mould, found_in, mixed_up
from hubbub.connect.rules import embed_line, has_widget, webhook_url, widget_url
from hubbub.connect.simulator import can_simulate, customers_page
from hubbub.connect.work import find_channel
from hubbub.hub import Hub
from hubbub.people.errors import Complaint, Invalid
from hubbub.sdk.content import from_json, preview
from hubbub.sdk.errors import HubError
from hubbub.sdk.types import ChannelType, SetupStep
from hubbub.sdk.values import Finding
from hubbub.store.session import reading
from hubbub.store.types import AnyRow
from hubbub.ui import queries, words
from hubbub.ui.channels.calls_page import CallRow, last_calls
from hubbub.ui.channels.checklist import Item, of_mailbox, of_webhook, of_window
from hubbub.ui.channels.form import FormPage, draft_form, read_form
from hubbub.ui.channels.head import webhook_title
from hubbub.ui.channels.listing import ChannelRow, When, channel_rows
from hubbub.ui.forms import Form, FormField
from hubbub.ui.nodes import Act, fields_of
from hubbub.ui.schema_form import SchemaForm
from hubbub.ui.sources import sources_of

STEPS: Final = (
    ("start", "Before you start"),
    ("credentials", "Credentials"),
    ("webhook", "Webhook"),
    ("test", "Test message"),
    ("routing", "Routing"),
)
_CALLS: Final = 20
_MESSAGES: Final = 6


@dataclass(frozen=True, kw_only=True)
class StepMark:
    """A step in the list of them. ``state`` is ``done``, ``skipped``, ``now`` or ``later``."""

    name: str
    title: str
    state: str


@dataclass(frozen=True, kw_only=True)
class StartPage:
    """What to know before one begins."""

    steps: tuple[StepMark, ...]
    type: str
    label: str
    description: str
    legacy: str
    needs: tuple[str, ...]
    minutes: int | None
    guide: tuple[SetupStep, ...]
    changes: tuple[str, ...]
    simulator: bool
    #: The draft that one came back from.
    draft_id: str


@dataclass(frozen=True, kw_only=True)
class CredentialsPage:
    """The form, with what was typed so far."""

    steps: tuple[StepMark, ...]
    draft_id: str
    form: FormPage
    saved: When
    simulated: bool
    simulator: bool
    changes: tuple[str, ...]
    findings: tuple[Finding, ...]
    #: Whether the provider refused, so that only who insists goes on.
    refused: bool


@dataclass(frozen=True, kw_only=True)
class Embed:
    """How a chat window comes into people's sites, where the hub itself is the provider."""

    line: str
    #: Where its loader is on this very host, to try the window here.
    path: str


@dataclass(frozen=True, kw_only=True)
class WebhookPage:
    """What has to happen until the provider calls us."""

    steps: tuple[StepMark, ...]
    row: ChannelRow
    #: How people call the place from which messages come.
    title: str
    fetches: bool
    embed: Embed | None
    #: Whether the hub enters its webhook at the provider itself.
    registers: bool
    webhook_url: str
    verify_token: str | None
    guide: tuple[SetupStep, ...]
    items: tuple[Item, ...]
    findings: tuple[Finding, ...]
    calls: tuple[CallRow, ...]


@dataclass(frozen=True, kw_only=True)
class Line:
    """A message of the test."""

    id: str
    inbound: bool
    who: str
    text: str
    at: When
    tick: words.Tick
    problem: str


@dataclass(frozen=True, kw_only=True)
class TrialPage:
    """The first message, there and back."""

    steps: tuple[StepMark, ...]
    row: ChannelRow
    sender: str
    guide: tuple[SetupStep, ...]
    #: Where one is the customer, at the simulator, or in the hub's own window.
    customers_page: str | None
    embed: Embed | None
    conversation_id: str
    lines: tuple[Line, ...]
    received: bool
    answered: bool
    text: str
    key: str
    problem: str


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A destination that needs no settings."""

    type: str
    label: str
    description: str


@dataclass(frozen=True, kw_only=True)
class RoutingPage:
    """Where messages go."""

    steps: tuple[StepMark, ...]
    row: ChannelRow
    choices: tuple[Choice, ...]
    chosen: str
    #: How many rules stand before the choice.
    rules: int
    problem: str


def marks(hub: Hub, channel_type: str, current: str, *, skipped: str = "") -> tuple[StepMark, ...]:
    """Return the steps, those before ``current`` being done but the one that was ``skipped``."""
    names = [name for name, _ in STEPS]
    titles = {**dict(STEPS), "webhook": webhook_title(hub, channel_type)}
    kind = hub.plugins.channels.get(channel_type)
    if kind and not any(_is_asked_secret(field) for field in _fields(kind)):
        titles["credentials"] = "Settings"
    here = names.index(current)
    state = {True: "done", False: "later"}
    return tuple(
        StepMark(
            name=name,
            title=titles[name],
            state={current: "now", skipped: "skipped"}.get(name, state[number < here]),
        )
        for number, name in enumerate(names)
    )


def _is_asked_secret(field: FormField) -> bool:
    return field.name.startswith("credentials.") and not field.advanced


def start_page(hub: Hub, kind: ChannelType[Any], draft_id: str) -> StartPage:
    """Return what to know before one begins."""
    return StartPage(
        steps=marks(hub, kind.type, "start"),
        type=kind.type,
        label=kind.label,
        description=kind.description,
        legacy=kind.legacy,
        needs=kind.needs,
        minutes=kind.minutes,
        guide=_guide(kind, "start", {}),
        changes=kind.changes,
        simulator=can_simulate(hub, kind.type),
        draft_id=draft_id,
    )


# --- credentials ---------------------------------------------------------------------------------


def typed_now(kind: ChannelType[Any], before: Mapping[str, Any], form: Form) -> dict[str, Any]:
    """Return what stands in a form now: values found in what was pasted, untouched secrets kept."""
    form = form.copy()
    for field in _fields(kind):
        if field.looks_like or field.kind == "password":
            form[field.name] = found_in(form.get(field.name, ""), field.looks_like)
    name = form.get("name", before.get("name", "")).strip()
    return {**read_form(kind, form, before), "name": name}


def _fields(kind: ChannelType[Any]) -> Iterator[FormField]:
    return fields_of(SchemaForm(kind.fields).nodes({}))


def credentials_page(
    hub: Hub,
    kind: ChannelType[Any],
    draft: ChannelDraft,
    *,
    error: HubError | None = None,
    findings: Sequence[Finding] = (),
    act: Act | None = None,
    opened: Collection[str] = (),
) -> CredentialsPage:
    """Return the form as far as it was filled in, and why it was refused."""
    return CredentialsPage(
        steps=marks(hub, kind.type, "credentials"),
        draft_id=draft.id,
        form=draft_form(
            kind,
            draft.typed,
            _explained(kind, draft.typed, error),
            act,
            sources=sources_of(hub),
            opened=opened,
        ),
        saved=When.of(draft.changed_at, hub.now()),
        simulated=draft.simulated,
        simulator=can_simulate(hub, kind.type),
        changes=kind.changes,
        findings=tuple(findings),
        refused=any(not one.ok for one in findings),
    )


def _explained(
    kind: ChannelType[Any], typed: Mapping[str, Any], error: HubError | None
) -> HubError | None:
    """Return ``error`` with the fields named that hold the value of another."""
    moulds = tuple(
        Mould(path=field.name, title=field.title, pattern=field.looks_like)
        for field in _fields(kind)
        if field.looks_like
    )
    mixed = dict(mixed_up(moulds, {one.path: _typed_at(typed, one.path) for one in moulds}))
    if not mixed:
        return error
    if error is not None and not isinstance(error, Invalid):
        return error
    others = error.complaints if error else ()
    return Invalid(
        *(Complaint(path, why) for path, why in mixed.items()),
        *(one for one in others if one.field not in mixed),
    )


def _typed_at(typed: Any, path: str) -> str:
    for name in path.split("."):
        typed = typed.get(name) if isinstance(typed, Mapping) else None
    return typed if isinstance(typed, str) else ""


# --- webhook -------------------------------------------------------------------------------------


def webhook_page(hub: Hub, channel_id: str, findings: Sequence[Finding] = ()) -> WebhookPage:
    """Return how far the webhook is. Raises `NotFound`."""
    row = find_channel(hub, channel_id)
    kind = hub.plugins.channels.get(row.type)
    with reading(hub.engine) as db:
        line = hub.directory.usable(db, channel_id)
        fetches = line is not None and hub.plugins.fetches(row.type, line.connection)
        verify_token = line.connection.verify_token if line else None
        heard = queries.heard(db, channel_id)
        health = channel_health(hub, db, row)
        embed = _embed(hub, row)
        if embed:
            items = of_window(health, heard=heard)
        elif fetches:
            items = of_mailbox(health, heard=heard)
        else:
            items = of_webhook(hub, row, health, heard=heard, asks_back=verify_token is not None)
        return WebhookPage(
            steps=marks(hub, row.type, "webhook"),
            row=channel_rows(hub, db, [row])[0],
            title=webhook_title(hub, row.type, fetches=fetches),
            fetches=fetches,
            embed=embed,
            registers=bool(kind and kind.capabilities.registers_webhook),
            webhook_url=webhook_url(hub.settings.base_url, row.webhook_key),
            verify_token=verify_token,
            guide=_guide(kind, "webhook", row.facts) if kind else (),
            items=tuple(items),
            findings=tuple(findings),
            calls=last_calls(db, channel_id, hub.now(), most=_CALLS),
        )


def _embed(hub: Hub, row: AnyRow) -> Embed | None:
    if not has_widget(hub, row):
        return None
    line = embed_line(widget_url(hub.settings.base_url, row.webhook_key))
    return Embed(line=line, path=widget_url("", row.webhook_key))


# --- test and routing ----------------------------------------------------------------------------


def trial_page(
    hub: Hub, channel_id: str, *, key: str, text: str = "", problem: str = ""
) -> TrialPage:
    """Return the first messages of a channel. Raises `NotFound`."""
    row = find_channel(hub, channel_id)
    kind = hub.plugins.channels.get(row.type)
    with reading(hub.engine) as db:
        shown = channel_rows(hub, db, [row])[0]
        conversation_id = queries.latest_conversation(db, channel_id) or ""
        lines = tuple(_lines(hub, db, conversation_id)) if conversation_id else ()
    return TrialPage(
        steps=marks(hub, row.type, "test"),
        row=shown,
        sender=row.sender or "",
        guide=_guide(kind, "test", row.facts) if kind else (),
        customers_page=customers_page(hub, row),
        embed=_embed(hub, row),
        conversation_id=conversation_id,
        lines=lines,
        received=any(line.inbound for line in lines),
        answered=any(not line.inbound and not line.problem for line in lines),
        text=text,
        key=key,
        problem=problem,
    )


def routing_page(hub: Hub, channel_id: str, *, problem: str = "") -> RoutingPage:
    """Return where messages of a channel may simply go. Raises `NotFound`."""
    row = find_channel(hub, channel_id)
    current = routes.current_routes(hub, channel_id)
    with reading(hub.engine) as db:
        shown = channel_rows(hub, db, [row])[0]
        heard = queries.heard(db, channel_id)
    return RoutingPage(
        steps=marks(hub, row.type, "routing", skipped="" if heard else "test"),
        row=shown,
        choices=tuple(_choices(hub)),
        chosen=current.fallback.type,
        rules=len(current.routes),
        problem=problem,
    )


def _lines(hub: Hub, db: Connection, conversation_id: str) -> Iterator[Line]:
    names = queries.names(db)
    for row in queries.messages(db, conversation_id, since=0, limit=_MESSAGES):
        inbound = row.direction == "inbound"
        yield Line(
            id=row.id,
            inbound=inbound,
            who=_who(row, names),
            text=preview(from_json(row.content)),
            at=When.of(row.created_at, hub.now()),
            tick=words.NO_TICK if inbound else words.TICKS[row.status],
            problem=(row.error or {}).get("detail", ""),
        )


def _who(row: AnyRow, names: dict[str, str]) -> str:
    if row.direction == "inbound":
        return str(row.sender_name or row.sender_address)
    return words.author(row.author, names)


def _choices(hub: Hub) -> Iterator[Choice]:
    for kind in sorted(hub.plugins.routes.values(), key=lambda one: one.type != "inbox"):
        if not any(field.is_required() for field in kind.fields.model_fields.values()):
            yield Choice(type=kind.type, label=kind.label, description=kind.description)


def _guide(kind: ChannelType[Any], at: str, facts: Mapping[str, str]) -> tuple[SetupStep, ...]:
    """Return what to do at a step, its links filled in with what is known of the channel."""
    steps = (step for step in kind.setup_steps if step.at == at)
    return tuple(
        SetupStep(title=one.title, text=one.text, link=_filled(one.link, facts), at=one.at)
        for one in steps
    )


def _filled(link: str | None, facts: Mapping[str, str]) -> str | None:
    try:
        return link.format_map(facts) if link else None
    except KeyError:
        return None
