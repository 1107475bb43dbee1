"""Read Twilio's log for what never reached us. Source: REST API, "Message resource".

Twilio repeats a call that we could not take for seconds only, so that what came while the hub was
down would be lost. What the log shows is put into the form that the missed call would have had;
what we know already is a duplicate of it and changes nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

from hubbub.sdk import (
    AuthFailed,
    Connection,
    Exchange,
    HttpResponse,
    Permanent,
    Polled,
    Transient,
)
from hubbub_sms_twilio import api, faults, wire
from hubbub_sms_twilio.fields import TwilioConnection
from hubbub_sms_twilio.inbound import FINAL, LOG_LINES

#: Between two rounds.
_REST: Final = timedelta(minutes=15)
#: The most that one round catches up with.
_STEP: Final = timedelta(hours=1)
#: How far each round looks back: a message may be late in the log.
_OVERLAP: Final = timedelta(minutes=10)
#: By then it is settled what became of a message, and its callbacks are overdue.
_SETTLED: Final = timedelta(hours=6)
_PAGE: Final = 200
_MOST_PAGES: Final = 500
_NOT_FOUND: Final = 404


class TwilioLog:
    """A look into the log, round by round. The cursor is the time up to which it was read."""

    type = "sms_twilio"

    def wanted(self, connection: Connection[Any]) -> bool:
        """Say whether this channel reads the log."""
        settings: Any = connection.fields.settings
        return bool(settings.read_log)

    def cycle(self, connection: Connection[Any], cursor: str) -> Exchange[Polled]:
        """List what came in since ``cursor``, and what became of what was sent six hours earlier.

        The first round only takes down the time: what is older was before this channel.
        """
        now = yield from _clock(connection)
        if not cursor:
            return Polled(calls=(), cursor=now.isoformat(), rest=_REST)
        since = datetime.fromisoformat(cursor)
        until = min(now, since + _STEP)
        lines = yield from _heard(connection, _Span(since - _OVERLAP, until))
        lines += yield from _told(connection, _Span(since - _SETTLED, until - _SETTLED))
        rest = _REST if until == now else timedelta()
        return Polled(calls=tuple(_calls(lines)), cursor=until.isoformat(), rest=rest)


@dataclass(frozen=True)
class _Span:
    since: datetime
    until: datetime

    def holds(self, message: wire.SentMessage) -> bool:
        at = message.sent_at
        return at is None or self.since <= at <= self.until


def _clock(connection: TwilioConnection) -> Exchange[datetime]:
    """Return Twilio's time, by which its log is dated."""
    response = yield api.get(connection, _url(connection), {"PageSize": "1"})
    now = wire.moment(_good(response).headers.get("date", ""))
    if now is None:
        raise Transient("Twilio's answer does not tell the time.", code="unreadable_answer")
    return now


def _heard(connection: TwilioConnection, span: _Span) -> Exchange[list[str]]:
    """Return what people wrote to us, each as the form of its call."""
    lines = []
    for item in (yield from _listed(connection, span, ours="To")):
        message = wire.value(wire.SentMessage, item)
        if message is None:
            # As a call it says that it cannot be read, which is for people to see.
            lines.append(urlencode({"MessageSid": str(item)[:200]}))
        elif message.direction == "inbound" and _is_ours(message, message.to, connection, span):
            files = yield from _files(connection, message)
            lines.append(urlencode(_message_form(message, connection, files)))
    return lines


def _told(connection: TwilioConnection, span: _Span) -> Exchange[list[str]]:
    """Return what became of what we sent, each as the form of its status callback."""
    items = yield from _listed(connection, span, ours="From")
    messages = filter(None, (wire.value(wire.SentMessage, item) for item in items))
    return [
        urlencode(_status_form(message))
        for message in messages
        if message.status in FINAL
        and message.direction == "outbound-api"
        and _is_ours(message, message.sender, connection, span)
    ]


def _listed(connection: TwilioConnection, span: _Span, *, ours: str) -> Exchange[list[Any]]:
    """Return all messages of ``span`` with our number in the field ``ours``, newest first."""
    query = {
        "DateSent>": f"{span.since:%Y-%m-%dT%H:%M:%SZ}",
        "DateSent<": f"{span.until:%Y-%m-%dT%H:%M:%SZ}",
        "PageSize": str(_PAGE),
    }
    if not connection.fields.settings.messaging_service_sid:
        query[ours] = connection.fields.settings.from_number
    request = api.get(connection, _url(connection), query)
    found: list[Any] = []
    for _ in range(_MOST_PAGES):
        page = wire.need(wire.LogPage, _good((yield request)))
        found += page.messages
        if not page.next_page_uri:
            return found
        request = api.get(connection, _at_api(connection, page.next_page_uri))
    raise Transient("Twilio's list of messages does not end.", code="unreadable_answer")


def _at_api(connection: TwilioConnection, uri: str) -> str:
    # A path, and not something that would make another host of ours.
    if not uri.startswith("/"):
        raise Transient("Twilio names an address that is none.", code="unreadable_answer")
    return connection.fields.settings.api_base + uri


def _files(connection: TwilioConnection, message: wire.SentMessage) -> Exchange[list[wire.File]]:
    if not wire.count(message.num_media):
        return []
    url = api.account_url(connection, f"/Messages/{message.sid}/Media.json")
    response = yield api.get(connection, url)
    if response.status == _NOT_FOUND:
        # Somebody deleted the files there.
        return []
    return wire.need(wire.FileList, _good(response)).media_list


def _is_ours(
    message: wire.SentMessage, number: str | None, connection: TwilioConnection, span: _Span
) -> bool:
    settings = connection.fields.settings
    if not span.holds(message):
        return False
    if settings.messaging_service_sid:
        return message.messaging_service_sid == settings.messaging_service_sid
    return number == settings.from_number


def _message_form(
    message: wire.SentMessage, connection: TwilioConnection, files: list[wire.File]
) -> dict[str, str]:
    form = {
        "MessageSid": message.sid,
        "From": message.sender or "",
        "To": message.to or "",
        "Body": message.body or "",
        "NumMedia": str(len(files)),
        "SmsStatus": "received",
        "DateSent": message.date_sent or "",
    }
    for index, file in enumerate(files):
        form[f"MediaUrl{index}"] = _at_api(connection, file.uri.removesuffix(".json"))
        form[f"MediaContentType{index}"] = file.content_type
    return form


def _status_form(message: wire.SentMessage) -> dict[str, str]:
    error = str(message.error_code) if message.error_code else ""
    return {"MessageSid": message.sid, "MessageStatus": message.status, "ErrorCode": error}


def _calls(lines: list[str]) -> Iterator[bytes]:
    for start in range(0, len(lines), LOG_LINES):
        yield "\n".join(lines[start : start + LOG_LINES]).encode()


def _url(connection: TwilioConnection) -> str:
    return api.account_url(connection, "/Messages.json")


def _good(response: HttpResponse) -> HttpResponse:
    error = faults.refusal(response)
    if isinstance(error, Permanent) and not isinstance(error, AuthFailed):
        # Calls still reach us: the channel as such is not broken.
        raise Transient(error.detail, code=error.code, provider_code=error.provider_code)
    if error:
        raise error
    return response
