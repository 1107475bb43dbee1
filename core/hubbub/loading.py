"""Load the plugins that ``plugins.toml`` names, one by one, each guarded."""

import fcntl
import inspect
import os
import tomllib
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Final

import structlog
import tomlkit
from pluggy import HookimplOpts, PluginManager
from pydantic import BaseModel, ValidationError
from tomlkit.exceptions import TOMLKitError

from hubbub.bounded import within_bounds
from hubbub.plugins import Plugins, PluginStatus
from hubbub.sdk import hooks
from hubbub.sdk.errors import HubError
from hubbub.sdk.types import API_VERSION, ChannelType, RouteType
from hubbub.settings import BadSettings

GROUP: Final = "hubbub.plugins"
log = structlog.get_logger(__name__)


def load(plugins_file: Path, found: Iterable[EntryPoint] | None = None) -> Plugins:
    """Load every plugin that ``plugins_file`` names and enables; one that fails harms no other.

    Raises `BadSettings` when the file itself cannot be used.
    """
    plugins = Plugins(manager=_manager())
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


def switch(path: Path, name: str, *, on: bool) -> None:
    """Let a plugin run, or not, from the next start on; keep what people wrote around it.

    Raises `HubError` for one that is not installed, or not named, and `BadSettings`.
    """
    with _turn(path.parent):
        _switch(path, name, on=on)


def _switch(path: Path, name: str, *, on: bool) -> None:
    sections = read_plugins_file(path)
    if on and name not in {point.name for point in entry_points(group=GROUP)}:
        raise HubError(
            f"No installed package offers the plugin {name!r}. "
            "`hubbub plugins` lists what is there."
        )
    if not on and name not in sections:
        raise HubError(f"{path.name} does not name the plugin {name!r}, so it does not run.")
    try:
        document = tomlkit.parse(path.read_text())
        named = document.setdefault("plugins", tomlkit.table(is_super_table=True))
        named.setdefault(name, tomlkit.table())["enabled"] = on
        fresh = path.with_name(f".{path.name}.new")
        fresh.write_text(tomlkit.dumps(document))
        fresh.replace(path)
    except (OSError, TOMLKitError) as error:
        raise BadSettings(f"HUBBUB_PLUGINS_FILE cannot be changed: {error}.") from None


@contextmanager
def _turn(folder: Path) -> Iterator[None]:
    """Let those who write a file in ``folder`` take turns; the system ends that of who dies."""
    try:
        held = os.open(folder, os.O_RDONLY)
    except OSError:
        yield  # whoever cannot read it is told so by what follows
        return
    try:
        fcntl.flock(held, fcntl.LOCK_EX)
        yield
    finally:
        os.close(held)


class _Manager(PluginManager):
    """Takes the overridden methods of a type as its hook implementations, undecorated."""

    def parse_hookimpl_opts(self, plugin: Any, name: str) -> HookimplOpts | None:
        for base, prefix in ((ChannelType, "channel_"), (RouteType, "route_")):
            if isinstance(plugin, base):
                return _type_hook(plugin, name, prefix, self)
        return super().parse_hookimpl_opts(plugin, name)


def _manager() -> _Manager:
    manager = _Manager(hooks.PROJECT)
    manager.add_hookspecs(hooks)
    return manager


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


def _load_one(
    plugins: Plugins, name: str, section: dict[str, Any] | None, point: EntryPoint | None
) -> PluginStatus:
    distribution, version = _origin(point)
    status = partial(PluginStatus, name=name, distribution=distribution, version=version)
    if section is None:
        return status(state="not named", reason="plugins.toml does not name it.")
    enabled = section.get("enabled", True)
    if not isinstance(enabled, bool):
        reason = f"enabled is true or false in its section, without quotes, and not {enabled!r}."
        return status(state="refused", reason=reason)
    if not enabled:
        return status(state="disabled")
    if point is None:
        reason = "No installed package offers it: install the package, or remove its section."
        return status(state="refused", reason=reason)
    try:
        return _register(plugins, name, _made(point.load(), section), status)
    # A plugin may fail in any way at all, and must not take the hub with it.
    except (Exception, SystemExit) as error:  # noqa: BLE001
        log.warning("plugin refused", plugin=name, error=f"{type(error).__name__}: {error}")
        return status(state="refused", reason=_reason(error))


def _origin(point: EntryPoint | None) -> tuple[str, str]:
    """Return the name and the version of what brought a plugin."""
    if point is None or point.dist is None:
        return "", ""
    metadata = point.dist.metadata  # which is read anew each time, as by ``dist.name``
    return metadata["Name"], metadata["Version"]


def _reason(error: BaseException) -> str:
    """Return why a plugin is refused: our own sentence, or what went wrong in its code."""
    if isinstance(error, HubError):
        return error.detail
    return f"{type(error).__name__}: {error}" if str(error) else type(error).__name__


def _made(loaded: Any, section: dict[str, Any]) -> Any:
    """Return the plugin itself: a module, or a class made with its settings where it has any."""
    _check_version(loaded)
    given = {key: value for key, value in section.items() if key != "enabled"}
    model: type[BaseModel] | None = getattr(loaded, "Options", None)
    if model is None:
        if given:
            raise HubError(f"It has no setting {next(iter(given))!r} (plugins.toml).")
        return loaded() if isinstance(loaded, type) else loaded
    try:
        options = model.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "its section"
        raise HubError(f"{where} in plugins.toml: {first['msg']}.") from None
    return loaded(options)


def _check_version(loaded: Any) -> None:
    wanted = getattr(loaded, "api_version", API_VERSION)
    if wanted[0] != API_VERSION[0] or wanted > API_VERSION:
        raise HubError(
            f"It was written for version {wanted[0]}.{wanted[1]} of the plugin API; "
            f"this hub has {API_VERSION[0]}.{API_VERSION[1]}."
        )


def _register(
    plugins: Plugins, name: str, plugin: Any, status: Callable[..., PluginStatus]
) -> PluginStatus:
    """Take what a plugin offers, whole or not at all: it is asked alone first."""
    probe = _manager()
    probe.register(plugin, name)
    probe.check_pending()  # a hook that does not exist would never be called
    channels = _offered(probe.hook.register_channel_types())
    routes = _offered(probe.hook.register_route_types())
    sources = _offered(probe.hook.register_sources())
    sessions = _offered(probe.hook.register_sessions())
    mailboxes = _offered(probe.hook.register_mailboxes())
    conditions = _offered(probe.hook.register_conditions())
    _check_free(channels, plugins.channels)
    _check_free(routes, plugins.routes)
    _check_free(conditions, plugins.conditions)
    for kind in (*channels, *routes):
        probe.register(kind, f"{name}:{kind.type}")
    plugins.manager.register(plugin, name)
    for channel in map(within_bounds, channels):
        plugins.manager.register(channel, f"channel:{channel.type}")
        plugins.channels[channel.type] = channel
        plugins.origin[channel.type] = name
    for route in routes:
        plugins.manager.register(route, f"route:{route.type}")
        plugins.routes[route.type] = route
    plugins.sources.extend(sources)
    plugins.sessions.extend(sessions)
    plugins.mailboxes.extend(mailboxes)
    plugins.conditions.update({kind.type: kind for kind in conditions})
    return status(
        state="loaded",
        channel_types=tuple(kind.type for kind in channels),
        route_types=tuple(kind.type for kind in routes),
        hooks=_hooks_of(probe, name),
    )


def _offered(answers: Iterable[Iterable[Any]]) -> list[Any]:
    return [one for answer in answers for one in answer]


def _check_free(kinds: Iterable[Any], taken: Collection[str]) -> None:
    for kind in kinds:
        if kind.type in taken:
            raise HubError(f"Another plugin already offers the type {kind.type!r}.")


def _hooks_of(probe: _Manager, name: str) -> tuple[str, ...]:
    """Return the hooks that a plugin implements itself, beside those of its types."""
    callers = probe.get_hookcallers(probe.get_plugin(name)) or ()
    return tuple(sorted(caller.name for caller in callers))
