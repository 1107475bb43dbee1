"""Say which servers belong to a channel."""

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from hubbub.sdk import Exchange, Renewed
from hubbub.sdk.mail import MailServer
from hubbub.sdk.mailbox import End, Mailbox
from hubbub_email import tokens
from hubbub_email.access import Access
from hubbub_email.fields import EmailConnection
from hubbub_email.presets import Place

#: Among `Connection.facts`: where each folder ended when it was chosen.
_ENDS: Final = "ends"


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
        ends=ends_known(connection),
        mark_seen=settings.after_import != "nothing",
        move_to=settings.move_to if settings.after_import == "move" else "",
        since=settings.import_since,
        idle=settings.mode == "idle",
        poll_every=timedelta(seconds=settings.poll_interval),
        max_letter=settings.max_message_bytes,
    )


def ends_known(connection: EmailConnection) -> Mapping[str, End]:
    """Return where the folders ended when each was chosen, as far as a check has seen that."""
    known = json.loads(connection.facts.get(_ENDS, "{}"))
    return {folder: End(*end) for folder, end in known.items()}


def ends_facts(connection: EmailConnection, seen: Mapping[str, End]) -> Mapping[str, str]:
    """Return what is to be kept of where folders end, now that a check has ``seen`` that.

    The first check of a folder is the one that counts; a folder that is chosen no more is
    forgotten, so that it may be chosen again.
    """
    known = ends_known(connection)
    ends = {
        folder: known.get(folder) or seen[folder]
        for folder in connection.fields.settings.folders
        if folder in known or folder in seen
    }
    return {_ENDS: json.dumps(ends)} if ends or known else {}


def envelope_sender(connection: EmailConnection, reference: str) -> str:
    """Return to whom a server sends back the letter of a delivery that it cannot deliver."""
    settings = connection.fields.settings
    if not settings.bounce_addressing:
        return settings.from_address
    key = tokens.key_of(connection.webhook_secret)
    return tokens.bounce_address(settings.from_address, reference, key)


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
