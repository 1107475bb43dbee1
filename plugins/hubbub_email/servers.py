"""Say which servers belong to a channel."""

from collections.abc import Sequence
from datetime import timedelta

from hubbub.sdk import Exchange, Renewed
from hubbub.sdk.mail import MailServer
from hubbub.sdk.mailbox import Mailbox
from hubbub_email.access import Access
from hubbub_email.fields import EmailConnection
from hubbub_email.presets import Place


def outgoing(connection: EmailConnection, token: str) -> MailServer:
    """Return the server that takes our letters."""
    fields = connection.fields
    return _server(connection, fields.settings.smtp, fields.smtp_login, token)


def incoming(connection: EmailConnection, token: str) -> Mailbox | None:
    """Return the mailbox; None where letters are only sent."""
    settings = connection.fields.settings
    if not settings.receives:
        return None
    return Mailbox(
        server=_server(connection, settings.imap, connection.fields.imap_login, token),
        folders=settings.folders,
        mark_seen=settings.after_import != "nothing",
        move_to=settings.move_to if settings.after_import == "move" else "",
        since=settings.import_since,
        idle=settings.mode == "idle",
        poll_every=timedelta(seconds=settings.poll_interval),
        max_letter=settings.max_message_bytes,
    )


class Mailboxes:
    """The mailboxes of all email channels."""

    type = "email"

    def mailbox(self, connection: EmailConnection) -> Mailbox | None:
        """Return the mailbox of a channel; None where letters are only sent."""
        return incoming(connection, Access(connection).token)

    def renew(self, connection: EmailConnection) -> Exchange[Renewed | None]:
        """Get another access token."""
        access = Access(connection)
        yield from access.renew()
        return access.renewed


def _server(
    connection: EmailConnection, place: Place, login: Sequence[str], token: str
) -> MailServer:
    username, password = login
    return MailServer(
        host=place.host,
        port=place.port,
        security=place.security,
        username=username,
        password="" if token else password,
        token=token,
        trust=connection.fields.settings.ca_certificate,
    )
