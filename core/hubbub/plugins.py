"""Call what is loaded through one typed facade: the only caller of hooks."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from typing import Any, Final, Generic, NamedTuple, TypeAlias, TypeVar, cast

import pluggy
import structlog
from pydantic import BaseModel

from hubbub.sdk.errors import HubError
from hubbub.sdk.mailbox import MailboxType
from hubbub.sdk.routing import Inquiry, Outcome
from hubbub.sdk.screening import Drop, Hold, Incoming, Outgoing, Quarantine, Refuse
from hubbub.sdk.session import SessionType
from hubbub.sdk.templates import MessageTemplate
from hubbub.sdk.types import ChannelType, ConditionType, Pages, RouteType, Source
from hubbub.sdk.values import (
    Accepted,
    Call,
    Checked,
    Connection,
    Draft,
    Event,
    Exchange,
    FetchedMedia,
    Part,
    Verdict,
)

#: The hooks that tell plugins of what was committed.
TELLING: Final = (
    "message_received",
    "message_routed",
    "delivery_advanced",
    "channel_status_changed",
    "conversation_changed",
)
#: What foreign code may raise: some libraries end a process, or a task, in the middle of a call.
RAISED: Final = (Exception, SystemExit, asyncio.CancelledError)
_M = TypeVar("_M")
_V = TypeVar("_V")
log = structlog.get_logger(__name__)


class UnknownType(HubError):
    """No loaded plugin offers this type."""

    code = "unknown_type"


@dataclass(frozen=True, kw_only=True)
class PluginStatus:
    """How one plugin fares: ``loaded``, ``refused`` (and why), ``disabled``, ``not named``."""

    name: str
    state: str
    reason: str = ""
    distribution: str = ""
    version: str = ""
    channel_types: tuple[str, ...] = ()
    route_types: tuple[str, ...] = ()
    #: The hooks it implements itself.
    hooks: tuple[str, ...] = ()


#: Calls a hook of one type; its arguments go by name.
_Asks: TypeAlias = Callable[..., object]


def _asking(manager: pluggy.PluginManager, hook: str, others: set[Any]) -> _Asks:
    """Return what calls ``hook`` of all plugins but ``others``, all types but one among them.

    pluggy finds out anew at each call who is asked: 6 microseconds, and every message has eight
    of them. So a type that no wrapper stands around is asked itself.
    """
    caller = manager.subset_hook_caller(hook, others)
    asked = caller.get_hookimpls()
    spec = caller.spec
    if len(asked) == 1 and spec is not None and asked[0].argnames == spec.argnames:
        return asked[0].function
    return caller


class ChannelHooks:
    """Everything the core asks of one channel type; the only caller of ``channel_...`` hooks."""

    def __init__(
        self, kind: ChannelType[Any], manager: pluggy.PluginManager, others: set[Any]
    ) -> None:
        self.kind = kind
        self.type = kind.type
        self.capabilities = kind.capabilities
        self._manager = manager
        self._others = others
        self._callers: dict[str, _Asks] = {}

    def validate(self, credentials: Mapping[str, Any], settings: Mapping[str, Any]) -> BaseModel:
        """Return the type's ``fields``. Raises `pydantic.ValidationError`."""
        return self.kind.fields.model_validate(
            {"credentials": dict(credentials), "settings": dict(settings)}
        )

    def account(self, connection: Connection[Any]) -> str | None:
        """Return what no second channel may share, or None."""
        return cast("str | None", self._call("account", connection=connection))

    def family(self, connection: Connection[Any]) -> str | None:
        """Return what channels share that are called at one address, or None."""
        return cast("str | None", self._call("family", connection=connection))

    def address(self, text: str, connection: Connection[Any]) -> str:
        """Return how the channel writes an address. Raises `hubbub.sdk.BadAddress`."""
        return cast("str", self._call("address", text=text, connection=connection))

    def sender(self, connection: Connection[Any]) -> str | None:
        """Return the address from which we write, or None."""
        return cast("str | None", self._call("sender", connection=connection))

    def owns(self, address: str, connection: Connection[Any]) -> bool:
        """Return whether ``address`` is one of ours."""
        return bool(self._call("owns", address=address, connection=connection))

    def window(self, connection: Connection[Any], *, by_person: bool) -> timedelta | None:
        """Return how long free-form messages may follow a contact's last one; None: always."""
        found = self._call("window", connection=connection, by_person=by_person)
        return cast("timedelta | None", found)

    def verify(self, call: Call, connection: Connection[Any]) -> Verdict:
        """Say whether ``call`` is authentic."""
        return cast("Verdict", self._call("verify", call=call, connection=connection))

    def parse(self, call: Call, connection: Connection[Any]) -> Iterable[Event]:
        """Yield the events of ``call``."""
        return cast("Iterable[Event]", self._call("parse", call=call, connection=connection))

    def render(self, draft: Draft, part: Part, connection: Connection[Any]) -> tuple[Part, ...]:
        """Return ``draft`` as parts that the channel can carry."""
        parts = self._call("render", draft=draft, part=part, connection=connection)
        return tuple(cast("Iterable[Part]", parts))

    def send(self, part: Part, connection: Connection[Any]) -> Exchange[Accepted]:
        """Send one part."""
        return cast("Exchange[Accepted]", self._call("send", part=part, connection=connection))

    def find(self, part: Part, connection: Connection[Any]) -> Exchange[Accepted | None]:
        """Ask the provider about a part whose answer was lost."""
        found = self._call("find", part=part, connection=connection)
        return cast("Exchange[Accepted | None]", found)

    def check(self, connection: Connection[Any]) -> Exchange[Checked]:
        """Ask the provider whether all is well."""
        return cast("Exchange[Checked]", self._call("check", connection=connection))

    def setup(self, connection: Connection[Any]) -> Exchange[Checked]:
        """Register our webhook."""
        return cast("Exchange[Checked]", self._call("setup", connection=connection))

    def teardown(self, connection: Connection[Any]) -> Exchange[None]:
        """Undo `setup`."""
        return cast("Exchange[None]", self._call("teardown", connection=connection))

    def templates(self, connection: Connection[Any]) -> Exchange[tuple[MessageTemplate, ...]]:
        """Return every template that the channel has at the provider."""
        found = self._call("templates", connection=connection)
        return cast("Exchange[tuple[MessageTemplate, ...]]", found)

    def fetch_media(self, ref: str, connection: Connection[Any]) -> Exchange[FetchedMedia]:
        """Fetch a file."""
        found = self._call("fetch_media", ref=ref, connection=connection)
        return cast("Exchange[FetchedMedia]", found)

    def read_media(self, ref: str, call: Call, connection: Connection[Any]) -> FetchedMedia:
        """Return a file that came within ``call``."""
        found = self._call("read_media", ref=ref, call=call, connection=connection)
        return cast("FetchedMedia", found)

    def profile(self, address: str, connection: Connection[Any]) -> Exchange[str | None]:
        """Ask what a contact is called."""
        found = self._call("profile", address=address, connection=connection)
        return cast("Exchange[str | None]", found)

    def wants_ack(self, call: Call) -> bool:
        """Say whether the provider waits for `acknowledge`."""
        return bool(self._call("wants_ack", call=call))

    def acknowledge(self, call: Call, connection: Connection[Any]) -> Exchange[None]:
        """Tell the provider that ``call`` was processed."""
        return cast("Exchange[None]", self._call("acknowledge", call=call, connection=connection))

    def mark_read(
        self, address: str, external_id: str, connection: Connection[Any]
    ) -> Exchange[None]:
        """Tell a contact that their message was read."""
        given = {"address": address, "external_id": external_id, "connection": connection}
        return cast("Exchange[None]", self._call("mark_read", **given))

    def typing(self, address: str, external_id: str, connection: Connection[Any]) -> Exchange[None]:
        """Show that somebody is writing."""
        given = {"address": address, "external_id": external_id, "connection": connection}
        return cast("Exchange[None]", self._call("typing", **given))

    def offers(self, method: str) -> bool:
        """Whether the type overrides the optional ``method``."""
        return getattr(type(self.kind), method) is not getattr(ChannelType, method)

    def _call(self, method: str, **arguments: Any) -> object:
        caller = self._callers.get(method)
        if caller is None:
            caller = _asking(self._manager, f"channel_{method}", self._others)
            self._callers[method] = caller
        return caller(**arguments)


class RouteHooks:
    """Everything the core asks of one route type; the only caller of ``route_...`` hooks."""

    def __init__(self, kind: RouteType, manager: pluggy.PluginManager, others: set[Any]) -> None:
        self.kind = kind
        self.type = kind.type
        self.automatic = kind.automatic
        self._handle = _asking(manager, "route_handle", others)
        self._resume = _asking(manager, "route_resume", others)

    def validate(self, settings: Mapping[str, Any]) -> BaseModel:
        """Return the type's ``fields``. Raises `pydantic.ValidationError`."""
        return self.kind.fields.model_validate(dict(settings))

    def describe(self, settings: Mapping[str, Any]) -> str:
        """Return how such a destination reads; where it cannot say, what its type is called."""
        try:
            return str(self.kind.describe(self.validate(settings)))
        # A destination may be half filled in, and a plugin may fail in any way.
        except RAISED:
            return self.kind.label

    def doubt(self, settings: Mapping[str, Any]) -> str:
        """Return what was perhaps forgotten; empty where the type cannot say."""
        try:
            return str(self.kind.doubt(self.validate(settings)))
        # As above.
        except RAISED:
            return ""

    def handle(self, inquiry: Inquiry, settings: BaseModel) -> Exchange[Outcome]:
        """Decide what to do with a message."""
        return cast("Exchange[Outcome]", self._handle(inquiry=inquiry, settings=settings))

    def resume(self, inquiry: Inquiry, settings: BaseModel, answer: object) -> Outcome:
        """Turn a later answer into what to do."""
        found = self._resume(inquiry=inquiry, settings=settings, answer=answer)
        return cast("Outcome", found)


class Screened(NamedTuple, Generic[_V]):
    """What a screen said, and which plugin it is."""

    plugin: str
    verdict: _V


class Screens(Generic[_M, _V]):
    """The screens of one direction; false where there are none."""

    def __init__(self, callers: Mapping[str, pluggy.HookCaller], *verdicts: type[_V]) -> None:
        self._callers = callers
        self._verdicts = verdicts

    def __bool__(self) -> bool:
        return bool(self._callers)

    def ask(self, message: _M) -> Screened[_V] | None:
        """Return the first answer, in the order of plugins.toml; one that fails gives none."""
        for plugin, caller in self._callers.items():
            try:
                verdict = caller(message=message)
            # A screen may fail in any way; no message is lost by that.
            except RAISED:
                log.exception("screen failed", plugin=plugin)
                continue
            if isinstance(verdict, self._verdicts):
                return Screened(plugin, verdict)
            if verdict is not None:
                log.error("screen gave no verdict", plugin=plugin, answer=type(verdict).__name__)
        return None


@dataclass(kw_only=True)
class Plugins:
    """What is loaded."""

    manager: pluggy.PluginManager
    channels: dict[str, ChannelType[Any]] = field(default_factory=dict)
    routes: dict[str, RouteType] = field(default_factory=dict)
    sources: list[Source] = field(default_factory=list)
    sessions: list[SessionType] = field(default_factory=list)
    mailboxes: list[MailboxType] = field(default_factory=list)
    conditions: dict[str, ConditionType] = field(default_factory=dict)
    statuses: list[PluginStatus] = field(default_factory=list)
    #: The plugin that offers each channel type.
    origin: dict[str, str] = field(default_factory=dict)

    def channel(self, channel_type: str) -> ChannelHooks:
        """Return the facade of ``channel_type``. Raises `UnknownType`."""
        try:
            return self._channel_hooks[channel_type]
        except KeyError:
            raise UnknownType(
                f"The plugin that offers {channel_type!r} is not loaded. "
                "`hubbub plugins` tells why."
            ) from None

    def route(self, route_type: str) -> RouteHooks:
        """Return the facade of ``route_type``. Raises `UnknownType`."""
        try:
            return self._route_hooks[route_type]
        except KeyError:
            raise UnknownType(f"No loaded plugin offers the destination {route_type!r}.") from None

    @property
    def fetched_types(self) -> frozenset[str]:
        """The types of which some channels are fetched."""
        return frozenset(
            [source.type for source in self.sources]
            + [session.type for session in self.sessions]
            + [mailbox.type for mailbox in self.mailboxes]
        )

    def destination(self, route_type: str, settings: Mapping[str, Any]) -> str:
        """Return how a destination reads; by its type where no loaded plugin offers it."""
        hooks = self._route_hooks.get(route_type)
        return route_type if hooks is None else hooks.describe(settings)

    def doubt(self, route_type: str, settings: Mapping[str, Any]) -> str:
        """Return what was perhaps forgotten of a destination; empty where nothing was."""
        hooks = self._route_hooks.get(route_type)
        return "" if hooks is None else hooks.doubt(settings)

    def fetches(self, channel_type: str, connection: Connection[Any]) -> bool:
        """Say whether the hub fetches what such a channel receives, and no provider calls it."""
        if any(session.type == channel_type for session in self.sessions):
            return True
        boxes = (mailbox for mailbox in self.mailboxes if mailbox.type == channel_type)
        if any(box.mailbox(connection) is not None for box in boxes):
            return True
        sources = (source for source in self.sources if source.type == channel_type)
        return any(source.wanted(connection) for source in sources)

    @cached_property
    def listeners(self) -> Mapping[str, Mapping[str, pluggy.HookCaller]]:
        """By hook and plugin, those that want to be told; a hook without any is not there."""
        found = {hook: self._one_by_one(hook) for hook in TELLING}
        return {hook: callers for hook, callers in found.items() if callers}

    @cached_property
    def inbound(self) -> Screens[Incoming, Drop | Quarantine]:
        """What screens the messages that come in."""
        return Screens(self._one_by_one("screen_inbound"), Drop, Quarantine)

    @cached_property
    def outbound(self) -> Screens[Outgoing, Refuse | Hold]:
        """What screens the messages that are to go out."""
        return Screens(self._one_by_one("screen_outbound"), Refuse, Hold)

    def pages(self) -> Iterator[tuple[str, Pages]]:
        """Yield the pages of each plugin that has any; one that fails has none."""
        for plugin, caller in self._one_by_one("contribute_blueprint").items():
            try:
                pages = caller()
            # A plugin may fail in any way; the pages of the others are served.
            except RAISED:
                log.exception("pages not served", plugin=plugin)
                continue
            yield plugin, pages

    def commands(self, plugin: str) -> list[Any]:
        """Return the commands of one plugin; what it raises is the caller's to tell."""
        caller = self._one_by_one("contribute_commands").get(plugin)
        return [] if caller is None else list(caller())

    @cached_property
    def _channel_hooks(self) -> dict[str, ChannelHooks]:
        every = set(self.channels.values())
        return {
            name: ChannelHooks(kind, self.manager, every - {kind})
            for name, kind in self.channels.items()
        }

    @cached_property
    def _route_hooks(self) -> dict[str, RouteHooks]:
        every = set(self.routes.values())
        return {
            name: RouteHooks(kind, self.manager, every - {kind})
            for name, kind in self.routes.items()
        }

    def _one_by_one(self, hook: str) -> dict[str, pluggy.HookCaller]:
        """Return what calls ``hook`` of each plugin alone, in the order of plugins.toml.

        Wrappers of other plugins stand around each.
        """
        found = {
            one.plugin_name: one.plugin
            for one in getattr(self.manager.hook, hook).get_hookimpls()
            if not (one.wrapper or one.hookwrapper)
        }
        every = set(found.values())
        return {
            name: self.manager.subset_hook_caller(hook, every - {found[name]})
            for name, _ in self.manager.list_name_plugin()
            if name in found
        }
