"""Look at the gateway: is it there, does it know us, does anything move."""

from collections.abc import Iterator
from typing import Final
from urllib.parse import quote

import re2

from hubbub.sdk import (
    AuthFailed,
    Checked,
    Exchange,
    Finding,
    HttpRequest,
    HttpResponse,
    Part,
    Text,
    Transient,
)
from hubbub.sdk.sms import address_kind, segments
from hubbub_sms_gateway import meanings, outbound
from hubbub_sms_gateway.fields import GatewayConnection
from hubbub_sms_gateway.gateway import Probe
from hubbub_sms_gateway.proof import proof_of

_SERVER_ERROR: Final = 500
#: Characters of a word that nobody guesses.
_LEAST_TOKEN: Final = 12
_QUEUED: Final = "queued"
_CENTRE: Final = r"(?s)<smsc>.*?</smsc>"


def inspect(connection: GatewayConnection) -> Exchange[Checked]:
    """Ask the gateway what can be asked without sending anything.

    Raises a `SendError` when it cannot be reached at all.
    """
    settings = connection.fields.settings
    findings = list(_local(connection))
    facts: dict[str, str] = {}
    if settings.gateway.probe:
        response = yield outbound.probe(connection, settings.gateway.probe)
        findings.append(_probed(response, settings.gateway.probe))
    if settings.status_page:
        response = yield _status_request(connection)
        page = _status(response, connection)
        findings += page.findings
        facts |= page.facts
    return Checked(findings=tuple(findings), facts=facts)


# --- what needs no asking --------------------------------------------------------------------


def _local(connection: GatewayConnection) -> Iterator[Finding]:
    settings = connection.fields.settings
    yield Finding.good("request", _shown(connection))
    if not settings.gateway.probe:
        yield Finding.good("unproven", "Only a message that is sent will prove this gateway.")
    if proof_of(connection) == "address":
        yield Finding(
            code="inbound_proof",
            ok=True,
            detail="Calls prove themselves by the secret address of the webhook alone.",
            fix="Enter an inbound token or a signing key here, and the same at the gateway.",
        )
    if 0 < len(connection.fields.credentials.inbound_token) < _LEAST_TOKEN:
        yield Finding(
            code="inbound_token",
            ok=True,
            detail="The inbound token is so short that somebody may guess it.",
            fix="Make it longer, here and at the gateway.",
        )
    if settings.from_number and address_kind(settings.from_number) == "alphanumeric":
        yield Finding(
            code="one_way",
            ok=True,
            detail=f"Nobody can answer {settings.from_number!r}: a name only sends.",
            fix="Use a number where customers should be able to answer.",
        )


def _shown(connection: GatewayConnection) -> str:
    """Return what a message would be sent as, without secrets, for people to compare."""
    part = Part(content=Text(text="Hello"), address="+15005550006", reference="0" * 26)
    made = outbound.request(part, connection, "Hello", segments("Hello"), hidden=True)
    url = made.url.replace(connection.webhook_secret or "\0", "***")
    return f"A message is sent by {made.method} to {url}"


# --- what the gateway says -------------------------------------------------------------------


def _probed(response: HttpResponse, probe: Probe) -> Finding:
    text = meanings.readable(response)
    if response.status in probe.ok_status and re2.search(probe.ok_body, text):
        return Finding.good("gateway", "The gateway answers and knows us.")
    if response.status >= _SERVER_ERROR:
        raise Transient(f"The gateway: {meanings.quoted(response)}", code="gateway_busy")
    return Finding(
        code="gateway",
        ok=False,
        detail=f"The gateway ({response.status}): {meanings.quoted(response)}",
        fix="Compare the API base URL and the credentials with those of the gateway, and see "
        "whether it lets this host in.",
    )


def _status_request(connection: GatewayConnection) -> HttpRequest:
    fields = connection.fields
    password = quote(fields.credentials.status_password, safe="")
    url = f"{fields.settings.status_page}/status.xml?password={password}"
    return HttpRequest(method="GET", url=url, safe=True)


def _status(response: HttpResponse, connection: GatewayConnection) -> Checked:
    """Read Kannel's status page. Source: Kannel user guide, "HTTP administration"."""
    text = meanings.readable(response)
    # A wrong password is answered by 200.
    if "Denied" in text[:200]:
        raise AuthFailed(
            "Kannel's status page: Denied. Compare Status password with its status-password."
        )
    running = re2.search(r"<status>([^<]*)</status>", text)
    if running is None:
        detail = f"The status page ({response.status}): {meanings.quoted(response)}"
        return Checked(findings=(Finding.bad("status_page", detail, _STATUS_PAGE),))
    centres = re2.findall(_CENTRE, text)
    online = [centre for centre in centres if re2.search(r"<status>\s*online", centre)]
    findings = [Finding.good("status_page", f"Kannel: {running[1].strip()}.")]
    findings.append(
        Finding.good("centres", f"{len(online)} of {len(centres)} message centres are online.")
        if online
        else Finding.bad("centres", f"None of {len(centres)} message centres is online.", _CENTRES)
    )
    queued = sum(map(int, re2.findall(r"<queued>(\d+)</queued>", "".join(centres))))
    findings.extend(_growing(queued, connection))
    return Checked(findings=tuple(findings), facts={_QUEUED: str(queued)})


_STATUS_PAGE: Final = "Compare Status page with Kannel's admin-port."
_CENTRES: Final = "Look into Kannel's log: messages wait in it until a centre is back."


def _growing(queued: int, connection: GatewayConnection) -> Iterator[Finding]:
    before = connection.facts.get(_QUEUED, "0")
    if queued > int(before if before.isdigit() else 0):
        detail = f"{queued} messages wait in Kannel, more than the {before} of last time."
        yield Finding(code="queue", ok=True, detail=detail, fix=_CENTRES)
