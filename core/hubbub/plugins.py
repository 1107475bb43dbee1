"""Load plugins one by one, each guarded, and call them through one typed facade."""

import inspect
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property, partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Final, cast

import pluggy
import structlog
from pluggy import HookimplOpts
from pydantic import BaseModel, ValidationError

from hubbub.sdk import hooks
from hubbub.sdk.errors import HubError
from hubbub.sdk.routing import Inquiry, Outcome
from hubbub.sdk.types import API_VERSION, ChannelType, RouteType, Source
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
from hubbub.settings import BadSettings

GROUP: Final = "hubbub.plugins"
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


class _Manager(pluggy.PluginManager):
    """Takes the overridden methods of a type as its hook implementations, undecorated."""

    def parse_hookimpl_opts(self, plugin: Any, name: str) -> HookimplOpts | None:
        for base, prefix in ((ChannelType, "channel_"), (RouteType, "route_")):
            if isinstance(plugin, base):
                return _type_hook(plugin, name, prefix, self)
        return super().parse_hookimpl_opts(plugin, name)


def _type_hook(plugin: Any, name: str, prefix: str, manager: _Manager) -> HookimplOpts | None:
    if name.startswith("_") or not hasattr(manager.hook, prefix + name):
        return None
    if not inspect.ismethod(getattr(plugin, name)):
        return None
    return {
        "wrapper": False,
        "hookwrapper": False,
        "optionalhook": False,
        "tryfirst": False,
        "trylast": False,
        "specname": prefix + name,
    }


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
        self._callers: dict[str, pluggy.HookCaller] = {}

    def validate(self, credentials: Mapping[str, Any], settings: Mapping[str, Any]) -> BaseModel:
        """Return the type's ``fields``. Raises `pydantic.ValidationError`."""
        return self.kind.fields.model_validate(
            {"credentials": dict(credentials), "settings": dict(settings)}
        )

    def account(self, connection: Connection[Any]) -> str | None:
        """Return what no second channel may share, or None."""
        return cast("str | None", self._call("account", connection=connection))

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

    def fetch_media(self, ref: str, connection: Connection[Any]) -> Exchange[FetchedMedia]:
        """Fetch a file."""
        found = self._call("fetch_media", ref=ref, connection=connection)
        return cast("Exchange[FetchedMedia]", found)

    def wants_ack(self, call: Call) -> bool:
        """Say whether the provider waits for `acknowledge`."""
        return bool(self._call("wants_ack", call=call))

    def acknowledge(self, call: Call, connection: Connection[Any]) -> Exchange[None]:
        """Tell the provider that ``call`` was processed."""
        return cast("Exchange[None]", self._call("acknowledge", call=call, connection=connection))

    def typing(self, address: str, connection: Connection[Any]) -> Exchange[None]:
        """Show that somebody is writing."""
        return cast("Exchange[None]", self._call("typing", address=address, connection=connection))

    def offers(self, method: str) -> bool:
        """Whether the type overrides the optional ``method``."""
        return getattr(type(self.kind), method) is not getattr(ChannelType, method)

    def _call(self, method: str, **arguments: Any) -> object:
        caller = self._callers.get(method)
        if caller is None:
            caller = self._manager.subset_hook_caller(f"channel_{method}", self._others)
            self._callers[method] = caller
        return caller(**arguments)


class RouteHooks:
    """Everything the core asks of one route type; the only caller of ``route_...`` hooks."""

    def __init__(self, kind: RouteType, manager: pluggy.PluginManager, others: set[Any]) -> None:
        self.kind = kind
        self.type = kind.type
        self.automatic = kind.automatic
        self._handle = manager.subset_hook_caller("route_handle", others)
        self._resume = manager.subset_hook_caller("route_resume", others)

    def validate(self, settings: Mapping[str, Any]) -> BaseModel:
        """Return the type's ``fields``. Raises `pydantic.ValidationError`."""
        return self.kind.fields.model_validate(dict(settings))

    def handle(self, inquiry: Inquiry, settings: BaseModel) -> Exchange[Outcome]:
        """Decide what to do with a message."""
        return cast("Exchange[Outcome]", self._handle(inquiry=inquiry, settings=settings))

    def resume(self, inquiry: Inquiry, settings: BaseModel, answer: object) -> Outcome:
        """Turn a later answer into what to do."""
        found = self._resume(inquiry=inquiry, settings=settings, answer=answer)
        return cast("Outcome", found)


@dataclass(kw_only=True)
class Plugins:
    """What is loaded."""

    manager: pluggy.PluginManager
    channels: dict[str, ChannelType[Any]] = field(default_factory=dict)
    routes: dict[str, RouteType] = field(default_factory=dict)
    sources: list[Source] = field(default_factory=list)
    statuses: list[PluginStatus] = field(default_factory=list)
    #: The plugin that offers each channel type.
    origin: dict[str, str] = field(default_factory=dict)

    def channel(self, channel_type: str) -> ChannelHooks:
        """Return the facade of ``channel_type``. Raises `UnknownType`."""
        try:
            return self._channel_hooks[channel_type]
        except KeyError:
            raise UnknownType(
                f"No loaded plugin offers the channel type {channel_type!r}. "
                "`hubbub plugins` tells what is loaded and why not."
            ) from None

    def route(self, route_type: str) -> RouteHooks:
        """Return the facade of ``route_type``. Raises `UnknownType`."""
        try:
            return self._route_hooks[route_type]
        except KeyError:
            raise UnknownType(f"No loaded plugin offers the destination {route_type!r}.") from None

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


def load(plugins_file: Path, found: Iterable[EntryPoint] | None = None) -> Plugins:
    """Load every plugin that ``plugins_file`` names and enables; one that fails harms no other.

    Raises `BadSettings` when the file itself cannot be used.
    """
    manager = _Manager(hooks.PROJECT)
    manager.add_hookspecs(hooks)
    plugins = Plugins(manager=manager)
    sections = read_plugins_file(plugins_file)
    points = {point.name: point for point in found or entry_points(group=GROUP)}
    for name in [*sections, *(name for name in points if name not in sections)]:
        plugins.statuses.append(_load_one(plugins, name, sections.get(name), points.get(name)))
    return plugins


def read_plugins_file(path: Path) -> dict[str, dict[str, Any]]:
    """Return the sections of ``plugins.toml`` by plugin name. Raises `BadSettings`."""
    try:
        sections = tomllib.loads(path.read_text()).get("plugins", {})
    except FileNotFoundError:
        raise BadSettings(
            f"HUBBUB_PLUGINS_FILE cannot be used: there is no file {path.name} in {path.parent}."
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadSettings(f"HUBBUB_PLUGINS_FILE cannot be used: {error}.") from None
    if not isinstance(sections, dict) or not all(isinstance(s, dict) for s in sections.values()):
        raise BadSettings(
            "HUBBUB_PLUGINS_FILE cannot be used: it must consist of sections [plugins.NAME]."
        )
    return sections


def _load_one(
    plugins: Plugins, name: str, section: dict[str, Any] | None, point: EntryPoint | None
) -> PluginStatus:
    status = partial(
        PluginStatus,
        name=name,
        distribution=point.dist.name if point and point.dist else "",
        version=point.dist.version if point and point.dist else "",
    )
    if section is None:
        return status(state="not named", reason="plugins.toml does not name it.")
    if not section.get("enabled", True):
        return status(state="disabled")
    if point is None:
        reason = "No installed package offers it: install the package, or remove its section."
        return status(state="refused", reason=reason)
    try:
        module = point.load()
        _check_version(module)
        offered = _register(plugins, name, module, section)
    # A plugin may fail in any way at all, and must not take the hub with it.
    except (Exception, SystemExit) as error:  # noqa: BLE001
        log.warning("plugin refused", plugin=name, error=f"{type(error).__name__}: {error}")
        reason = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
        return status(state="refused", reason=reason)
    return status(
        state="loaded", channel_types=offered["channel_types"], route_types=offered["route_types"]
    )


def _check_version(module: Any) -> None:
    wanted = getattr(module, "api_version", API_VERSION)
    if wanted[0] != API_VERSION[0] or wanted > API_VERSION:
        raise HubError(
            f"It was written for version {wanted[0]}.{wanted[1]} of the plugin API; "
            f"this hub has {API_VERSION[0]}.{API_VERSION[1]}."
        )


def _register(
    plugins: Plugins, name: str, module: Any, section: dict[str, Any]
) -> dict[str, tuple[str, ...]]:
    _check_options(module, section)
    probe = _Manager(hooks.PROJECT)
    probe.add_hookspecs(hooks)
    probe.register(module, name)
    # Asked alone first: what it offers is taken whole or not at all.
    channels = [kind for kinds in probe.hook.register_channel_types() for kind in kinds]
    routes = [kind for kinds in probe.hook.register_route_types() for kind in kinds]
    sources = [source for some in probe.hook.register_sources() for source in some]
    for kind in (*channels, *routes):
        _check_type(plugins, kind)
        probe.register(kind, f"{name}:{kind.type}")
    plugins.manager.register(module, name)
    for channel in channels:
        plugins.manager.register(channel, f"channel:{channel.type}")
        plugins.channels[channel.type] = channel
        plugins.origin[channel.type] = name
    for route in routes:
        plugins.manager.register(route, f"route:{route.type}")
        plugins.routes[route.type] = route
    plugins.sources.extend(sources)
    return {
        "channel_types": tuple(kind.type for kind in channels),
        "route_types": tuple(kind.type for kind in routes),
    }


def _check_options(module: Any, section: dict[str, Any]) -> None:
    options = {key: value for key, value in section.items() if key != "enabled"}
    model: type[BaseModel] | None = getattr(module, "Options", None)
    if model is None:
        if options:
            raise HubError(f"It has no setting {next(iter(options))!r} (plugins.toml).")
        return
    try:
        model.model_validate(options)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "its section"
        raise HubError(f"{where} in plugins.toml: {first['msg']}.") from None


def _check_type(plugins: Plugins, kind: Any) -> None:
    taken = plugins.channels if isinstance(kind, ChannelType) else plugins.routes
    if kind.type in taken:
        raise HubError(f"Another plugin already offers the type {kind.type!r}.")
