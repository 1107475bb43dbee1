"""Check both servers. What is refused and how to mend it: section 3 of the fact sheet."""

from collections.abc import Callable, Iterator
from typing import Final, TypeVar
from urllib.parse import urlsplit

from hubbub.sdk import (
    AuthFailed,
    Checked,
    Exchange,
    Finding,
    HttpRequest,
    HttpResponse,
    Transient,
)
from hubbub.sdk.mail import Posted, greeting, posted
from hubbub.sdk.mailbox import Looked, Mailbox, looked_at, looking
from hubbub_email.access import Access
from hubbub_email.fields import EmailConnection
from hubbub_email.inbound import JUNK
from hubbub_email.replies import error_of, is_login
from hubbub_email.servers import ends_facts, envelope_sender, incoming, outgoing
from hubbub_email.vouching import domain_findings

T = TypeVar("T")
_LOOPBACK: Final = ("localhost", "127.", "::1")
#: What the servers cannot know of themselves, and people can mend.
_MENDABLE: Final = {
    "smtp_certificate": ("smtp_certificate", "certificate"),
    "smtp_security": ("smtp_security_mismatch", "security"),
    "imap_certificate": ("imap_certificate", "certificate"),
    "imap_security": ("imap_security_mismatch", "security"),
}
_FIXES: Final = {
    "certificate": "Give the server's name as its certificate has it; for authorities of one's own "
    "there is the field CA certificate.",
    "security": "Choose the encryption that belongs to the port: tls for 465 and 993, starttls for "
    "587 and 143.",
}
_LOGIN: Final = "Enter username and password again."
_CONSENT: Final = "Grant access anew at the provider, and enter the new refresh token here."
_SENDER: Final = "Let the mail server allow this login to write from the address, or correct it."


def check(connection: EmailConnection) -> Exchange[Checked]:
    """Log in at both servers, and look whether letters could go out and come in.

    Raises a `hubbub.sdk.SendError` where a server cannot be reached at all.
    """
    access = Access(connection)
    findings: list[Finding] = list(_local(connection))
    # What cannot be asked now is as it was.
    facts = dict(connection.facts)
    try:
        sending = yield from _sending(connection, access)
        if access.old:
            yield from access.renew()
        receiving = yield from _receiving(connection, access)
    except AuthFailed as error:
        refused = Finding.bad(error.code, error.detail, _CONSENT)
        return Checked(findings=(*findings, refused))
    for checked in (sending, receiving):
        findings += checked.findings
        facts |= checked.facts
    findings += yield from _vouching(connection)
    return Checked(findings=tuple(findings), facts={**facts, **access.facts}, tokens=access.tokens)


# --- what needs no asking --------------------------------------------------------------------


def _local(connection: EmailConnection) -> Iterator[Finding]:
    settings = connection.fields.settings
    for side, place in (("smtp", settings.smtp), ("imap", settings.imap)):
        if place.security == "none" and place.host and not place.host.startswith(_LOOPBACK):
            yield Finding.warning(
                f"{side}_unencrypted",
                f"Letters and passwords go to {place.host} for everybody on the way to read.",
                "Choose tls or starttls, as the server offers it.",
            )
    if not connection.webhook_url.startswith("https:"):
        hub = urlsplit(connection.webhook_url)
        yield Finding.warning(
            "unsubscribe_link",
            f"Links to unsubscribe lead to {hub.scheme}://{hub.netloc}: mail programs want https.",
            "Set HUBBUB_PUBLIC_URL to an https address that everybody reaches before anything goes "
            "to many.",
        )
    if not settings.receives:
        yield Finding.good("send_only", "Letters are sent, and none are fetched.")


# --- sending ---------------------------------------------------------------------------------


def _sending(connection: EmailConnection, access: Access) -> Exchange[Checked]:
    # A server may take our address, and not with a token in it.
    sender = envelope_sender(connection, "check")

    def request(token: str) -> HttpRequest:
        return greeting(outgoing(connection, token), sender=sender)

    said = yield from _asked(access, request, posted, is_login)
    if isinstance(said, Finding):
        return Checked(findings=(said,))
    return Checked(findings=(_about_sending(said, connection),), facts=_features(said))


def _about_sending(said: Posted, connection: EmailConnection) -> Finding:
    settings = connection.fields.settings
    host, sender = settings.smtp.host, settings.from_address
    error = error_of(said, sender)
    if error is None:
        return Finding.good("smtp", f"{host} takes letters from {sender}.")
    if said.phase == "hello" and said.reply.code // 100 == 5:  # noqa: PLR2004  # for good
        return Finding.bad("smtp_refused", error.detail, _FIXES["security"])
    if isinstance(error, Transient):
        raise Transient(error.detail, code="smtp_busy", provider_code=error.provider_code)
    if said.phase == "sender" and not is_login(said):
        return Finding.bad("smtp_sender", error.detail, _SENDER)
    return Finding.bad("smtp_auth", error.detail, _login_fix(connection))


def _features(said: Posted) -> dict[str, str]:
    """Return what the server told of itself."""
    known = {"size": said.features.get("size", "")}
    if "smtputf8" in said.features:
        known["smtputf8"] = "yes"
    return {name: value for name, value in known.items() if value}


# --- receiving -------------------------------------------------------------------------------


def _receiving(connection: EmailConnection, access: Access) -> Exchange[Checked]:
    box = incoming(connection, access.token)
    if box is None:
        return Checked(findings=())

    def request(token: str) -> HttpRequest:
        return looking(incoming(connection, token) or box)

    said = yield from _asked(access, request, looked_at, _is_refused)
    if isinstance(said, Finding):
        return Checked(findings=(said,))
    findings = tuple(_about_receiving(said, box, connection))
    junk = {JUNK: said.junk} if said.junk else {}
    return Checked(findings=findings, facts={**junk, **ends_facts(connection, said.ends)})


def _is_refused(said: Looked) -> bool:
    return said.stage == "login" and said.permanent


def _about_receiving(said: Looked, box: Mailbox, connection: EmailConnection) -> Iterator[Finding]:
    if said.stage in {"hello", "login"}:
        if not said.permanent:
            raise Transient(said.detail, code=said.code or "imap_busy")
        yield Finding.bad("imap_auth", said.detail, _login_fix(connection))
        return
    if said.missing:
        offered = ", ".join(said.folders[:50]) or "none"
        yield Finding.bad(
            "imap_folder",
            f"The mailbox has no folder {', '.join(said.missing)}.",
            f"Choose among those that it has: {offered}.",
        )
        return
    yield Finding.good("imap", f"{box.server.host} lets us read {', '.join(box.folders)}.")
    if said.special:
        named = ", ".join(f"{name} ({use})" for name, use in said.special.items())
        yield Finding.warning(
            "imap_special_folder",
            f"Not all that lies in these folders came in: {named}. It is taken for letters to us.",
            "Take them out of the folders that are fetched.",
        )
    if said.read_only and (box.mark_seen or box.move_to):
        yield Finding.warning(
            "imap_read_only",
            f"Letters in {', '.join(said.read_only)} cannot be marked as read.",
            "Let the login change the mailbox, or choose that nothing happens to fetched letters.",
        )
    if box.move_to and not said.can_move:
        yield Finding.warning(
            "imap_cannot_move",
            "The server cannot move letters without harm to others, so they stay.",
            "Choose that fetched letters are marked as read.",
        )
    if box.idle and "IDLE" not in said.capabilities:
        seconds = round(box.poll_every.total_seconds())
        detail = f"The server does not tell of letters, and is asked every {seconds} seconds."
        yield Finding.good("imap_no_idle", detail)


# --- the domain ------------------------------------------------------------------------------


def _vouching(connection: EmailConnection) -> Exchange[list[Finding]]:
    settings = connection.fields.settings
    ours = settings.dkim_selector and settings.dkim_domain in {"", settings.domain}
    selectors = (settings.dkim_selector,) if ours else ()
    return (yield from domain_findings(settings.domain, selectors=selectors))


# --- both ------------------------------------------------------------------------------------


def _asked(
    access: Access,
    request: Callable[[str], HttpRequest],
    read: Callable[[HttpResponse], T],
    refused: Callable[[T], bool],
) -> Exchange[T | Finding]:
    """Return what a server says, or what keeps us from asking it and people can mend."""

    def understood(response: HttpResponse) -> T:
        try:
            return read(response)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            raise Transient("What a server answers cannot be read.", code="no_answer") from None

    try:
        return (yield from access.ask(request, understood, refused))
    except Transient as error:
        if error.code not in _MENDABLE:
            raise
        code, fix = _MENDABLE[error.code]
        return Finding.bad(code, error.detail, _FIXES[fix])


def _login_fix(connection: EmailConnection) -> str:
    if connection.fields.credentials.oauth:
        return _CONSENT
    return f"{_LOGIN} {connection.fields.settings.provider.hint}".strip()
