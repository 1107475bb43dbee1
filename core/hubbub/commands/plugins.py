"""Show the plugins, let them run or not, and begin one."""

import dataclasses
import json
import sys
from importlib.metadata import entry_points
from pathlib import Path
from shlex import quote

import click

from hubbub import logs
from hubbub.commands.scaffold import make_package
from hubbub.commands.tables import rows
from hubbub.loading import GROUP, load, read_plugins_file, switch
from hubbub.sdk.errors import HubError
from hubbub.settings import Settings


@click.group(invoke_without_command=True)
@click.option("--json", "as_json", is_flag=True, help="For machines.")
@click.pass_context
def plugins(context: click.Context, *, as_json: bool) -> int:
    """Show, enable, disable and begin plugins.

    Without a command: what is installed, loaded, refused and why. Status 1: one is refused.
    """
    if context.invoked_subcommand:
        return 0
    settings = Settings.read()
    logs.configure("command", json=settings.logs_json)
    found = [dataclasses.asdict(status) for status in load(settings.plugins_file).statuses]
    if as_json:
        click.echo(json.dumps(found, indent=2, ensure_ascii=False))
    else:
        click.echo(
            rows(found, ("name", "state", "version", "channel_types", "route_types", "reason"))
        )
    return int(any(status["state"] == "refused" for status in found))


@plugins.command("enable")
@click.argument("name")
def enable(name: str) -> None:
    """Let a plugin run, from the next start on."""
    switch(Settings.read().plugins_file, name, on=True)
    click.echo(f"{name} is enabled. Restart the hub to load it.")


@plugins.command("disable")
@click.argument("name")
def disable(name: str) -> None:
    """Keep a plugin from running, from the next start on."""
    switch(Settings.read().plugins_file, name, on=False)
    click.echo(f"{name} is disabled. Restart the hub; its channels turn to error.")


@plugins.command("new")
@click.argument("name")
def new(name: str) -> None:
    """Make a package for a plugin: the folder NAME, with a channel type that works, and tests."""
    folder = Path(name)
    plugin = make_package(folder, taken={point.name for point in entry_points(group=GROUP)})
    click.echo(
        f"{folder} holds the plugin {plugin}. Its README says how to go on; to run its tests:\n"
        f"  cd {quote(name)} && {quote(sys.executable)} -m pytest"
    )


def commands_of(name: str) -> click.Group | None:
    """Return the commands of one plugin as a group, or None where it has none.

    Raises `HubError` when the plugin is refused, or fails at naming them.
    """
    settings = Settings.read()
    if not settings.plugins_file.exists() or name not in read_plugins_file(settings.plugins_file):
        return None
    logs.configure("command", json=settings.logs_json)
    plugins = load(settings.plugins_file)
    (status,) = (one for one in plugins.statuses if one.name == name)
    if status.state != "loaded":
        raise HubError(f"The plugin {name!r} is {status.state}. {status.reason}".strip())
    try:
        commands = plugins.commands(name)
    # A plugin may fail in any way; the other commands are none the worse.
    except Exception as error:
        raise HubError(f"The plugin {name!r} failed: {type(error).__name__}: {error}") from error
    return click.Group(name, commands=commands) if commands else None
