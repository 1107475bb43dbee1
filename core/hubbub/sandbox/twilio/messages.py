"""Create, list and read messages over the REST API."""

import re
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from itertools import islice
from typing import Final
from urllib.parse import urlencode, urlsplit

from hubbub.sandbox.journal import Sent
from hubbub.sandbox.twilio.cloud import Cloud
from hubbub.sandbox.twilio.receipts import carry, receipt_fault
from hubbub.sandbox.twilio.refusal import Refused
from hubbub.sandbox.twilio.segments import segments
from hubbub.sandbox.twilio.state import API_VERSION, Account, Service, Sms, new_sid
from hubbub.sandbox.wsgi import Json

BODY_LIMIT: Final = 1600
_MEDIA_COUNT: Final = 10
_LONGEST_VALIDITY: Final = 36_000
_PAGE: Final = 50
_LARGEST_PAGE: Final = 1000
_E164: Final = re.compile(r"\+[1-9]\d{6,14}")
_SHORT_CODE: Final = re.compile(r"\d{3,8}")
_ALPHANUMERIC: Final = re.compile(r"(?=.*[A-Za-z])[A-Za-z0-9 &+_-]{1,11}")
_FILLING: Final = re.compile(r"[\s().-]")


class Form:
    """The parameters of a request; some come several times."""

    def __init__(self, pairs: Iterable[tuple[str, str]]) -> None:
        self._pairs = tuple(pairs)

    def get(self, name: str, default: str = "") -> str:
        """Return the first value of a parameter."""
        return next((value for key, value in self._pairs if key == name), default)

    def every(self, name: str) -> list[str]:
        """Return all values of a parameter."""
        return [value for key, value in self._pairs if key == name and value]

    def as_json(self) -> Json:
        """Return the parameters for the journal."""
        return {name: values[0] if len(values) == 1 else values for name, values in self._lists()}

    def _lists(self) -> Iterator[tuple[str, list[str]]]:
        for name in dict.fromkeys(key for key, _ in self._pairs):
            yield name, [value for key, value in self._pairs if key == name]


def create(cloud: Cloud, account: Account, form: Form) -> Json:
    """Accept a message and let it advance; `Refused` says why not."""
    recipient = _recipient(form)
    with cloud.world.lock:
        service = _service(account, form)
        sender = _sender(account, form, service, recipient)
        _check_content(form)
        if (sender, recipient) in account.stopped:
            raise Refused(21610)
        sms = account.keep(_queued(account, form, service, sender, recipient))
    cloud.world.sent.add(_sent(account, sms, form))
    answer = sms.as_json()
    carry(cloud, account, sms, receipt_fault(cloud, sms))
    return answer


def find(account: Account, sid: str) -> Sms:
    """Return one message; `Refused` if there is none."""
    sms = account.messages.get(sid)
    if sms is None:
        raise Refused(20404)
    return sms


def listed(cloud: Cloud, account: Account, form: Form) -> Json:
    """Return one page of the messages that the filters let through, newest first."""
    size = min(max(_whole(form.get("PageSize"), _PAGE), 1), _LARGEST_PAGE)
    page = max(_whole(form.get("Page"), 0), 0)
    with cloud.world.lock:
        newest = [sms for sms in reversed(account.messages.values()) if _wanted(sms, form)]
    items = list(islice(newest, page * size, (page + 1) * size))
    more = len(newest) > (page + 1) * size
    return {
        "messages": [sms.as_json() for sms in items],
        "page": page,
        "page_size": size,
        "start": page * size,
        "end": page * size + max(len(items) - 1, 0),
        "uri": _page_uri(account, form, page, size),
        "first_page_uri": _page_uri(account, form, 0, size),
        "next_page_uri": _page_uri(account, form, page + 1, size) if more else None,
        "previous_page_uri": _page_uri(account, form, page - 1, size) if page else None,
    }


def clean_number(text: str) -> str:
    """Return a phone number without its punctuation."""
    return _FILLING.sub("", text)


def is_number(text: str) -> bool:
    """Whether a text is a phone number with its country code."""
    return bool(_E164.fullmatch(text))


def _recipient(form: Form) -> str:
    raw = form.get("To")
    if not raw.strip():
        raise Refused(21604)
    if not is_number(clean_number(raw)):
        raise Refused(21211, raw)
    return clean_number(raw)


def _service(account: Account, form: Form) -> Service | None:
    sid = form.get("MessagingServiceSid")
    if not sid:
        return None
    service = account.services.get(sid)
    if service is None and account.adopts_numbers and sid.startswith("MG"):
        service = account.services[sid] = Service(sid)
    if service is None:
        raise Refused(21701, sid)
    return service


def _sender(account: Account, form: Form, service: Service | None, recipient: str) -> str:
    raw = form.get("From")
    if not raw:
        return _from_pool(account, service, recipient)
    number = clean_number(raw)
    if is_number(number) or _SHORT_CODE.fullmatch(number):
        if account.adopt(number) is None:
            raise Refused(21606, raw)
        return number
    if not _ALPHANUMERIC.fullmatch(raw):
        raise Refused(21212, raw)
    return raw


def _from_pool(account: Account, service: Service | None, recipient: str) -> str:
    if service is None:
        raise Refused(21603)
    pool = service.numbers or list(account.numbers)
    if not pool:
        raise Refused(21703)
    # Sticky sender: the number that this customer already knows.
    return next((number for number in pool if (number, recipient) in account.chats), pool[0])


def _check_content(form: Form) -> None:
    body, media = form.get("Body"), form.every("MediaUrl")
    if not body and not media:
        raise Refused(21602)
    if len(body) > BODY_LIMIT:
        raise Refused(21617)
    if len(media) > _MEDIA_COUNT:
        raise Refused(21623)
    for url in media:
        if not _web_address(url):
            raise Refused(21620, url)
    callback = form.get("StatusCallback")
    if callback and not _web_address(callback):
        raise Refused(21609, callback)
    if not 1 <= _whole(form.get("ValidityPeriod"), _LONGEST_VALIDITY) <= _LONGEST_VALIDITY:
        raise Refused(21624)


def _queued(
    account: Account, form: Form, service: Service | None, sender: str, recipient: str
) -> Sms:
    media, body = form.every("MediaUrl"), form.get("Body")
    callback = form.get("StatusCallback") or (service.status_callback if service else "")
    return Sms(
        sid=new_sid("MM" if media else "SM"),
        account_sid=account.sid,
        sender=sender,
        recipient=recipient,
        body=body,
        direction="outbound-api",
        status="accepted" if service else "queued",
        num_segments=0 if service else segments(body),
        created=datetime.now(UTC),
        service_sid=service.sid if service else None,
        status_callback=callback,
        media_urls=tuple(media),
    )


def _sent(account: Account, sms: Sms, form: Form) -> Sent:
    return Sent(
        provider="twilio",
        endpoint=account.sid,
        operation="Messages.create",
        kind="message",
        address=sms.recipient,
        external_id=sms.sid,
        text=sms.body,
        params=form.as_json(),
    )


def _wanted(sms: Sms, form: Form) -> bool:
    return (
        form.get("To") in {"", sms.recipient}
        and form.get("From") in {"", sms.sender}
        and _dated(sms, form)
    )


def _dated(sms: Sms, form: Form) -> bool:
    on = (sms.sent or sms.created).date()
    exact, after, before = (_day(form.get(name)) for name in ("DateSent", "DateSent>", "DateSent<"))
    return (
        exact in {None, on} and (after is None or on >= after) and (before is None or on <= before)
    )


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text[:10])
    except ValueError:
        return None


def _page_uri(account: Account, form: Form, page: int, size: int) -> str:
    filters = ("To", "From", "DateSent", "DateSent>", "DateSent<")
    query = {name: form.get(name) for name in filters if form.get(name)}
    query |= {"PageSize": str(size), "Page": str(page)}
    return f"/{API_VERSION}/Accounts/{account.sid}/Messages.json?{urlencode(query)}"


def _whole(text: str, default: int) -> int:
    try:
        return int(text)
    except ValueError:
        return default


def _web_address(url: str) -> bool:
    parts = urlsplit(url)
    return parts.scheme in {"http", "https"} and bool(parts.hostname)
