"""Offer ``hubbub ...``: find the command, load only what it needs, and explain what goes wrong."""

import importlib
import sys
from collections.abc import Sequence
from typing import Any, Final

import click

from hubbub import __version__

#: Where each command lives and what it does; read without loading any of them.
COMMANDS: Final = {
    "up": ("run:up", "Run the whole hub in one terminal."),
    "web": ("web:web", "Serve webhooks, the API and the console."),
    "worker": ("processes:worker", "Work on what is due, beside other workers."),
    "scheduler": ("processes:scheduler", "Start what is due by the clock; one of them leads."),
    "listener": ("processes:listener", "Hold the connections that channels listen on."),
    "background": ("processes:background", "Run scheduler and listener in one process."),
    "migrate": ("database:migrate", "Bring the database to this version."),
    "rekey": ("database:rekey", "Encrypt what is stored with the first secret key."),
    "verify-backup": (
        "backup:verify_backup",
        "Look whether the hub could go on with a backup.",
    ),
    "user": ("people:user", "Manage the people who work here."),
    "token": ("people:token", "Manage API tokens."),
    "channels": ("channels:channels", "Show what is connected and how it is."),
    "plugins": ("plugins:plugins", "Show, enable, disable and begin plugins."),
    "doctor": ("doctor:doctor", "Check each part and channel, and say how to mend it."),
    "replay": ("replay:replay", "Run kept webhook calls again."),
    "ledger": ("ledger:ledger", "Count what was received against what became of it."),
    "seed": (
        "seed:seed",
        "Put the demo's data in: a login, and channels of every type on the sandbox.",
    ),
    "sandbox": ("sandbox:sandbox", "Run the provider simulators."),
}
_HIDDEN: Final = {"background", "seed"}


class LazyGroup(click.Group):
    """Knows its commands by name and loads one only when it is run."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order in which people meet them."""
        del ctx
        return [name for name in COMMANDS if name not in _HIDDEN]

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load the command ``cmd_name``, or the commands of the plugin of that name."""
        del ctx
        if cmd_name not in COMMANDS:
            found = _loaded("plugins:commands_of")(cmd_name)
        else:
            found = _loaded(COMMANDS[cmd_name][0])
        return found if isinstance(found, click.Command) else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without loading them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(ctx)])


def _loaded(where: str) -> Any:
    module, _, name = where.partition(":")
    return getattr(importlib.import_module(f"hubbub.commands.{module}"), name)


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="hubbub")
@click.option("--trace", is_flag=True, expose_value=False, help="Show where an error came from.")
def cli() -> None:
    """Hubbub: a self-hosted hub for customer messages."""


def main() -> None:
    """Run ``hubbub`` with the arguments of this process."""
    sys.exit(run(sys.argv[1:]))


def run(arguments: Sequence[str]) -> int:
    """Run ``hubbub`` with ``arguments``; return its exit status.

    0: done. 1: found or did something wrong, said in one sentence on standard error.
    2: called wrongly.
    """
    try:
        return int(cli.main(list(arguments), prog_name="hubbub", standalone_mode=False) or 0)
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        click.echo(f"hubbub: {_sentence(error.format_message())}", err=True)
        return error.exit_code
    except (KeyboardInterrupt, click.Abort):
        return 1
    # The edge of the process: what is not explained here would be a traceback.
    except Exception as error:
        if "--trace" in arguments:
            raise
        sentence = explain(error)
        if sentence:
            click.echo(f"hubbub: {sentence}", err=True)
        return 1


def _sentence(text: str) -> str:
    """Return what Click says, which may be in several lines, as one."""
    text = " ".join(text.split())
    return text if text.endswith((".", "?", "!", ")")) else f"{text}."


def explain(error: Exception) -> str:
    """Return one sentence about ``error``; empty where another process has said it."""
    # Loaded here: `hubbub --help` needs none of it.
    from hubbub.sdk.errors import HubError  # noqa: PLC0415  # see above

    if isinstance(error, HubError):
        return error.detail
    if type(error).__module__.startswith("redis."):
        return f"Redis does not answer: {_first_line(error)}. Is HUBBUB_REDIS_URL right?"
    if isinstance(error, OSError) and error.strerror:
        where = f" ({error.filename})" if error.filename else ""
        return f"{error.strerror}{where}."
    return (
        f"Something unexpected went wrong: {type(error).__name__}: {_first_line(error)}. "
        "Put --trace before the command to see where."
    )


def _first_line(error: Exception) -> str:
    # Database errors tell the statement and its values in their later lines.
    return str(error).strip().partition("\n")[0].rstrip(".")
