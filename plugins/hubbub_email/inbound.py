"""Read the calls of a channel: letters that a listener fetched."""

from collections.abc import Iterator

from hubbub.sdk import Call, Event, FetchedMedia, Permanent, Unreadable
from hubbub.sdk.mailbox import LETTER, letter_of
from hubbub_email import tokens
from hubbub_email.events import Account, events_of
from hubbub_email.fields import EmailConnection
from hubbub_email.files import NoSuchFile, file_bytes
from hubbub_email.letter import Arrival, read_letter

#: Among `Connection.facts`: the folder for spam.
JUNK = "junk"


def events(call: Call, connection: EmailConnection) -> Iterator[Event]:
    """Yield what ``call`` says."""
    if call.method != LETTER:
        yield Unreadable(reason="It is no letter.")
        return
    try:
        arrival = _arrival(call, connection)
    except (KeyError, ValueError):
        yield Unreadable(reason="It does not say from where in the mailbox it is.")
        return
    account = Account(
        address=connection.fields.settings.from_address,
        key=tokens.key_of(connection.webhook_secret),
    )
    yield from events_of(read_letter(call.body, arrival), account)


def file(ref: str, call: Call) -> FetchedMedia:
    """Return the file at the place ``ref`` of the letter in ``call``."""
    try:
        return FetchedMedia(body=file_bytes(call.body, ref))
    except NoSuchFile as error:
        raise Permanent(str(error), code="media_gone") from None


def _arrival(call: Call, connection: EmailConnection) -> Arrival:
    said = letter_of(call)
    return Arrival(
        folder=said.folder,
        uidvalidity=said.uidvalidity,
        uid=said.uid,
        internaldate=said.arrived_at or call.received_at,
        mailbox=connection.fields.settings.from_address,
        trusted=connection.fields.settings.trusted_servers,
        junk=said.folder == connection.facts.get(JUNK),
        historical=said.historical,
        truncated=said.truncated,
        size=said.size,
    )
