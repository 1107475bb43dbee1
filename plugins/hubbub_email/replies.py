"""Say what a mail server's reply means. Sources: RFC 5321 (codes), RFC 3463 (enhanced ones)."""

import re
from datetime import timedelta
from typing import Final

from hubbub.sdk import AuthFailed, Permanent, RateLimited, RecipientGone, SendError, Transient
from hubbub.sdk.mail import Posted, Reply

#: Whoever logs in wrongly, or not at all, or may no longer do so by password (Microsoft: 5.7.30).
_LOGIN: Final = frozenset({530, 534, 535, 538})
_LOGIN_ENHANCED: Final = frozenset({"5.7.30", "5.7.57", "5.7.139"})
#: No such mailbox, no such domain, moved without an address, no mail taken.
_GONE: Final = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1", "5.4.4"})
_GONE_CODES: Final = frozenset({550, 551, 553})
#: Without an enhanced code these say it in words, and use the same codes when they take nothing
#: from us, whoever it is for: only who is surely gone is marked so.
_NOBODY: Final = re.compile(
    r"unknown|no such|nobody|invalid|doesn'?t exist|does not exist|non-?existent|unavailable"
    r"|not (found|exist|known|valid|listed here)|no (mailbox|user|account)|disabled|inactive"
    r"|unrouteable|no longer|has moved|not local",
    re.IGNORECASE,
)
_NOT_FROM_US: Final = re.compile(
    r"relay|spam|block|black|\b(rbl|dnsbl|spf|dkim|dmarc|helo|ehlo|ptr|rdns)\b|listed (at|in|by|on)"
    r"|denied|policy|reputation|sender|client|host\b|authenti|https?:",
    re.IGNORECASE,
)
#: Too much at once, whatever the code: it goes when it is tried later.
_TOO_FAST: Final = re.compile(
    r"\brate\b.{0,20}(limit|exceed)|too (many|fast)|throttl"
    r"|(limit|quota)\b.{0,20}(exceed|reach)|(exceed|reach)\w*\b.{0,40}\b(limit|quota|rate)\b",
    re.IGNORECASE,
)
_WAIT: Final = timedelta(minutes=15)
_TOO_LARGE: Final = 552
_NO_UTF8: Final = "5.6.7"


def error_of(posted: Posted, recipient: str) -> SendError | None:
    """Return what went wrong with the letter to ``recipient``, or None where it was taken."""
    refusal = posted.refused.get(recipient)
    if refusal is not None:
        return _refused(refusal)
    if posted.phase == "accepted":
        return None
    return _failed(posted)


def is_login(posted: Posted) -> bool:
    """Whether the server did not let us in, by what we logged in with."""
    reply = posted.reply
    refused = reply.code in _LOGIN or reply.enhanced in _LOGIN_ENHANCED
    permanent = posted.phase == "login" and reply.code // 100 == 5  # noqa: PLR2004  # for good
    return refused or permanent


def _failed(posted: Posted) -> SendError:
    reply = posted.reply
    if is_login(posted):
        return _error(AuthFailed, reply, "The mail server refused the login")
    if reply.code == _TOO_LARGE:
        return _error(Permanent, reply, "The letter is too large", code="too_large")
    if posted.phase == "recipients":
        return _refused(reply)
    if reply.code // 100 == 4:  # noqa: PLR2004  # for now
        return _error(Transient, reply, "The mail server takes nothing now")
    if _TOO_FAST.search(reply.text):
        return RateLimited(
            _detail(reply, "The mail server takes no more for a while"),
            retry_after=_WAIT,
            whole_channel=True,
            provider_code=_code(reply),
        )
    if posted.phase == "sender":
        why = "The mail server does not let us write as this sender"
        return _error(AuthFailed, reply, why)
    if posted.phase == "hello":
        # It has not heard yet who we are: maybe our network is listed, or it is shut.
        return _error(Transient, reply, "The mail server does not talk to us")
    return _error(Permanent, reply, "The mail server refused the letter")


def _refused(reply: Reply) -> SendError:
    """Return what it means that a recipient was refused."""
    if reply.code // 100 == 4:  # noqa: PLR2004  # for now
        return _error(Transient, reply, "The recipient takes nothing now")
    if reply.enhanced == _NO_UTF8:
        why = "The address cannot be written to from here"
        return _error(Permanent, reply, why, code="smtputf8_unsupported")
    if _gone(reply):
        return _error(RecipientGone, reply, "The address takes no letters")
    return _error(Permanent, reply, "The recipient was refused")


def _gone(reply: Reply) -> bool:
    if reply.enhanced:
        return reply.enhanced in _GONE
    said = _NOBODY.search(reply.text) and not _NOT_FROM_US.search(reply.text)
    return reply.code in _GONE_CODES and bool(said)


def _error(kind: type[SendError], reply: Reply, what: str, *, code: str = "") -> SendError:
    return kind(_detail(reply, what), code=code or None, provider_code=_code(reply))


def _detail(reply: Reply, what: str) -> str:
    said = str(reply.text[:500].strip() or reply.code)
    return f"{what}: {said}" if said.endswith((".", "!", "?")) else f"{what}: {said}."


def _code(reply: Reply) -> str:
    return " ".join(filter(None, (str(reply.code), reply.enhanced)))
