"""Answer ``sendsms`` and the status page. Source: Kannel user guide, and its observed answers."""

import re
import time
from collections.abc import Mapping
from typing import Final

from hubbub.sandbox.faults import REQUEST_KINDS, Fault
from hubbub.sandbox.gateway.network import carry
from hubbub.sandbox.gateway.state import Gateway, Sms, User
from hubbub.sandbox.journal import Sent
from hubbub.sandbox.wsgi import Ask, Reply

PREFIX: Final = "/gateway/"

_NUMBER: Final = re.compile(r"[0-9+-]+")
_MOST_SEGMENTS: Final = 10
_MASKS: Final = range(64)
_GSM: Final = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà\f^{}\\[~]|€"
)
_DENIED: Final = (403, "Authorization failed for sendsms")
_BUSY: Final = (503, "Temporal failure, try again later.")


def answer(gateway: Gateway, ask: Ask) -> Reply:
    """Answer one request below `PREFIX`."""
    match ask.path.removeprefix(PREFIX):
        case "cgi-bin/sendsms":
            return _sendsms(gateway, ask)
        case "status.xml":
            return _said(200, _STATUS)
    return _said(404, "Unknown request.")


_STATUS: Final = (
    "<gateway><version>Kannel sandbox</version><status>running, uptime 0d 0h 0m 1s</status>"
    "<smscs><count>1</count><smsc><id>lab</id><status>online 1s</status><queued>0</queued></smsc>"
    "</smscs></gateway>"
)


def _sendsms(gateway: Gateway, ask: Ask) -> Reply:
    if ask.method == "POST" and ask.content_type != "text/plain":
        return _said(400, "Invalid content-type")
    given = _headers(ask) if ask.method == "POST" else dict(ask.query)
    fault = gateway.world.faults.pick(
        REQUEST_KINDS,
        "gateway",
        "sendsms",
        address=given.get("to", ""),
        text=given.get("text", ""),
    )
    return gateway.world.faults.around(fault, lambda: _sent(gateway, given), _refuse)


def _headers(ask: Ask) -> dict[str, str]:
    """Return the parameters of a POST, which are headers; its body is the text."""
    names = ("username", "password", "from", "to", "coding", "dlr-mask", "dlr-url")
    keys = {name: f"HTTP_X_KANNEL_{name.upper().replace('-', '_')}" for name in names}
    found = {name: str(ask.environ[key]) for name, key in keys.items() if key in ask.environ}
    return {**found, "text": ask.body.decode("utf-8", "replace"), "charset": "UTF-8"}


def _sent(gateway: Gateway, given: Mapping[str, str]) -> Reply:
    user = gateway.admit(given.get("username", ""), given.get("password", ""))
    if user is None:
        return _said(*_DENIED)
    if problem := _problem(given):
        return _said(400, problem)
    sms = _accepted(gateway, user, given)
    carry(gateway, user, sms)
    return _said(202, "0: Accepted for delivery")


def _problem(given: Mapping[str, str]) -> str:
    mask = given.get("dlr-mask", "0")
    if not given.get("to"):
        empty = "Empty receiver number not allowed, rejected"
        return empty if "to" in given else "Missing receiver number, rejected"
    if not given.get("from"):
        return "Sender missing and no global set, rejected"
    if not _NUMBER.fullmatch(given["to"]):
        return "Number(s) has/have been denied by white- and/or black-lists."
    if given.get("coding", "0") not in {"0", "1", "2"}:
        return "Coding field misformed, rejected"
    if mask.isdigit() and int(mask) not in _MASKS:
        return "DLR-Mask field misformed, rejected"
    if not given.get("dlr-url", "http://").startswith(("http://", "https://")):
        return "DLR-URL field misformed, rejected"
    return ""


def _accepted(gateway: Gateway, user: User, given: Mapping[str, str]) -> Sms:
    sms = Sms(
        id=gateway.new_id(),
        customer=given["to"],
        number=given["from"],
        text=_carried(given.get("text", ""), given.get("coding", "0")),
        mine=False,
        at=time.time(),
        status="accepted by the gateway",
        status_url=given.get("dlr-url", "") if given.get("dlr-mask", "0") != "0" else "",
    )
    with gateway.world.lock:
        user.messages[sms.id] = sms
        if sms.number not in user.numbers:
            user.numbers.append(sms.number)
    gateway.world.sent.add(
        Sent(
            provider="gateway",
            endpoint=user.name,
            operation="sendsms",
            kind="message",
            address=sms.customer,
            external_id=sms.id,
            text=sms.text,
            params={name: one for name, one in given.items() if name != "password"},
        )
    )
    return sms


def _carried(text: str, coding: str) -> str:
    """Return what arrives: what an alphabet lacks becomes ``?``, and what is too long is cut."""
    if coding == "2":
        units = text.encode("utf-16-be")[: 2 * 67 * _MOST_SEGMENTS]
        return units.decode("utf-16-be", "ignore")
    shown = "".join(one if one in _GSM else "Ç" if one == "ç" else "?" for one in text)
    return shown[: 153 * _MOST_SEGMENTS]


def _refuse(fault: Fault) -> Reply:
    status, words = _DENIED if fault.kind == "token_revoked" else _BUSY
    if fault.kind == "status":
        status = fault.status
    return _said(status, fault.words(words))


def _said(status: int, words: str) -> Reply:
    return Reply(status, words.encode(), "text/html")
