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
    if posted.phase == "sender":
        why = "The mail server does not let us write as this sender"
        return _error(AuthFailed, reply, why)
    if posted.phase == "hello":
        return _error(AuthFailed, reply, "The mail server does not talk to us")
    return _error(Permanent, reply, "The mail server refused the letter")


def _refused(reply: Reply) -> SendError:
    """Return what it means that a recipient was refused."""
    if reply.code // 100 == 4:  # noqa: PLR2004  # for now
        return _error(Transient, reply, "The recipient takes nothing now")
    if reply.enhanced == _NO_UTF8:
        why = "The address cannot be written to from here"
        return _error(Permanent, reply, why, code="smtputf8_unsupported")
    gone = reply.enhanced in _GONE if reply.enhanced else reply.code in _GONE_CODES
    if gone:
        return _error(RecipientGone, reply, "The address takes no letters")
    return _error(Permanent, reply, "The recipient was refused")


def _error(kind: type[SendError], reply: Reply, what: str, *, code: str = "") -> SendError:
    detail = f"{what}: {reply.text[:500] or reply.code}"
    provider_code = " ".join(filter(None, (str(reply.code), reply.enhanced)))
    return kind(detail, code=code or None, provider_code=provider_code)
