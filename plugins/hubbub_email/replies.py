"""Say what a mail server's reply means. Sources: RFC 5321 (codes), RFC 3463 (enhanced ones)."""

from typing import Final

from hubbub.sdk import AuthFailed, Permanent, RecipientGone, SendError, Transient
from hubbub.sdk.mail import Posted, Reply

#: Whoever logs in wrongly, or not at all, or may no longer do so by password (Microsoft: 5.7.30).
_LOGIN: Final = frozenset({530, 534, 535, 538})
_LOGIN_ENHANCED: Final = frozenset({"5.7.30", "5.7.57", "5.7.139"})
#: No such mailbox, no such domain, moved without an address, no mail taken.
_GONE: Final = frozenset({"5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1", "5.4.4"})
_GONE_CODES: Final = frozenset({550, 551, 553})
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


def _failed(posted: Posted) -> SendError:
    reply = posted.reply
    if _is_login(posted):
        return AuthFailed(_told(reply, "The mail server refused the login"), **_codes(reply))
    if reply.code == _TOO_LARGE:
        detail = _told(reply, "The letter is too large")
        return Permanent(detail, code="too_large", provider_code=_code(reply))
    if posted.phase == "recipients":
        return _refused(reply)
    if reply.code // 100 == 4:  # noqa: PLR2004  # for now
        return Transient(_told(reply, "The mail server takes nothing now"), **_codes(reply))
    if posted.phase == "sender":
        detail = _told(reply, "The mail server does not let us write as this sender")
        return AuthFailed(detail, **_codes(reply))
    if posted.phase == "hello":
        return AuthFailed(_told(reply, "The mail server does not talk to us"), **_codes(reply))
    return Permanent(_told(reply, "The mail server refused the letter"), **_codes(reply))


def _refused(reply: Reply) -> SendError:
    """Return what it means that a recipient was refused."""
    if reply.code // 100 == 4:  # noqa: PLR2004  # for now
        return Transient(_told(reply, "The recipient takes nothing now"), **_codes(reply))
    if reply.enhanced == _NO_UTF8:
        detail = _told(reply, "The address cannot be written to from here")
        return Permanent(detail, code="smtputf8_unsupported", provider_code=_code(reply))
    gone = reply.enhanced in _GONE if reply.enhanced else reply.code in _GONE_CODES
    if gone:
        return RecipientGone(_told(reply, "The address takes no letters"), **_codes(reply))
    return Permanent(_told(reply, "The recipient was refused"), **_codes(reply))


def _is_login(posted: Posted) -> bool:
    reply = posted.reply
    refused = reply.code in _LOGIN or reply.enhanced in _LOGIN_ENHANCED
    permanent = posted.phase == "login" and reply.code // 100 == 5  # noqa: PLR2004  # for good
    return refused or permanent


def _codes(reply: Reply) -> dict[str, str]:
    return {"provider_code": _code(reply)}


def _code(reply: Reply) -> str:
    return " ".join(filter(None, (str(reply.code), reply.enhanced)))


def _told(reply: Reply, what: str) -> str:
    return f"{what}: {reply.text[:500] or reply.code}"
