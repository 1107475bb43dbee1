"""Add people and API tokens, and help who forgot a password."""

import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import click

from hubbub.commands import given
from hubbub.people.errors import Invalid
from hubbub.people.rules import ROLES, SCOPES
from hubbub.people.tokens import create_token
from hubbub.people.users import add_user, change_user, find_by_email

_UNHEARD: Final = (
    "No hub was told, as Redis does not answer: pages that are open notice at their next request."
)


@click.group()
def user() -> None:
    """Manage the people who work here."""


@user.command("add")
@click.argument("email")
@click.option("--role", type=click.Choice(ROLES), default="agent", show_default=True)
@click.option("--name", default="", help="How colleagues see this person.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def add(email: str, role: str, name: str, *, password_stdin: bool) -> None:
    """Add a person.

    Without --password-stdin a terminal is asked for the password; where there is none, one is
    made up and printed once.
    """
    hub = given.hub()
    chosen, made_up = _password(from_stdin=password_stdin)
    with _called_wrongly():
        add_user(hub, email=email, password=chosen, role=role, name=name, actor="cli")
    click.echo(f"{email} can log in as {role}.")
    if made_up:
        click.echo(f"Password: {chosen}")


@user.command("password")
@click.argument("email")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")
def password(email: str, *, password_stdin: bool) -> None:
    """Give somebody a new password, which ends every login they have.

    Without --password-stdin a terminal is asked for it; where there is none, one is made up and
    printed once.
    """
    hub = given.hub(quiet=True)
    person = find_by_email(hub, email)
    chosen, made_up = _password(from_stdin=password_stdin)
    with _called_wrongly():
        change_user(hub, person.id, actor="cli", password=chosen)
    click.echo(f"{person.email} has a new password.")
    if made_up:
        click.echo(f"Password: {chosen}")
    if hub.live.unheard:
        click.echo(_UNHEARD, err=True)


@click.group()
def token() -> None:
    """Manage API tokens."""


@token.command("create")
@click.option("--name", required=True, help="What the token is for.")
@click.option(
    "--scope",
    "scopes",
    type=click.Choice(SCOPES),
    multiple=True,
    help="What it may do; several may be given. Everything, unless said.",
)
def create(name: str, scopes: tuple[str, ...]) -> None:
    """Make an API token and print it, this once and alone."""
    hub = given.hub()
    with _called_wrongly():
        _, value = create_token(hub, name=name, scopes=scopes or SCOPES, actor="cli")
    click.echo(value)


@contextmanager
def _called_wrongly() -> Iterator[None]:
    """Turn what was given but cannot be used into the wrong use of a command."""
    try:
        yield
    except Invalid as error:
        raise click.UsageError(error.detail) from None


def _password(*, from_stdin: bool) -> tuple[str, bool]:
    """Return the password, and whether it is made up and so has to be shown."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n"), False
    if sys.stdin.isatty():
        return click.prompt("Password", hide_input=True, confirmation_prompt=True), False
    return secrets.token_urlsafe(12), True
