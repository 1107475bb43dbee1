"""Say what is wrong, why it matters and how to mend it."""

import logging

import click

from hubbub import logs
from hubbub.beside import as_started
from hubbub.doctor import examine
from hubbub.health import Check
from hubbub.settings import Settings


@click.command()
@click.argument("channel", required=False)
def doctor(channel: str | None) -> int:
    """Check each part and channel, and say how to mend it.

    With CHANNEL, an id or a name, only that one. Exit status 1 when something is wrong.
    """
    settings = as_started(Settings.read())
    # What a check finds is its answer; the same in the log would only disturb.
    logs.configure("command", json=settings.logs_json, level=logging.CRITICAL)
    wrong = 0
    for check in examine(settings, channel):
        show(check)
        wrong += not check.ok
    click.echo(f"\n{wrong} to mend." if wrong else "\nAll is well.")
    return int(wrong > 0)


def show(check: Check) -> None:
    """Write what was found, and where it is wrong how to mend it."""
    mark = click.style("ok   ", fg="green") if check.ok else click.style("WRONG", fg="red")
    click.echo(f"{mark} {check.name}: {check.detail}")
    for label, said in (("Why it matters", check.why), ("How to mend it", check.fix)):
        if said and not check.ok:
            click.echo(f"      {label}: {said}")
