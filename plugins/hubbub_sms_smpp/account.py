"""Find out whether the centre lets us in."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Final

from hubbub.sdk import (
    AuthFailed,
    Checked,
    Exchange,
    Finding,
    HttpResponse,
    Transient,
    in_one_frame,
    over_session,
)
from hubbub.sdk.sms import address_kind
from hubbub_sms_smpp import meanings, pdu
from hubbub_sms_smpp.fields import SmppConnection
from hubbub_sms_smpp.pdu import Command, Malformed, Pdu
from hubbub_sms_smpp.session import bind_request

_PATIENCE: Final = timedelta(seconds=10)
_HELD: Final = Finding.good("session", "The session is held, and the centre answers.")
_NOT_YET: Final = Finding.warning(
    "session",
    "The centre lets us in; no listener holds the session yet.",
    "`hubbub up` and `hubbub listener` take it within seconds: see whether one runs.",
)
#: What binds on the wire while the other session is still up: not ours to quarrel with.
_TAKEN: Final = Finding.warning(
    "session",
    "The centre knows us, but thinks that we are there already.",
    "It forgets a session that was lost within minutes. Does another program use this account?",
)


def inspect(connection: SmppConnection) -> Exchange[Checked]:
    """Ask over the session that is held; where none is, ask to be let in, and hang up."""
    findings = list(_local(connection))
    try:
        yield over_session(
            connection,
            "ENQUIRE_LINK",
            Pdu(command=Command.ENQUIRE_LINK).encoded(),
            shown={},
            timeout=_PATIENCE,
            safe=True,
        )
        findings.append(_HELD)
    except Transient:
        endpoint = connection.fields.settings.endpoint
        # As what submits: that works in both modes, and takes no message away from anybody.
        request = bind_request(Command.BIND_TRANSMITTER, connection).encoded()
        response = yield in_one_frame(endpoint, "BIND_TRANSMITTER", request, timeout=_PATIENCE)
        findings.append(_answered(response))
    return Checked(findings=tuple(findings))


def _local(connection: SmppConnection) -> Iterator[Finding]:
    settings = connection.fields.settings
    if not settings.endpoint.tls:
        yield Finding.warning(
            "encryption",
            "Password and messages travel unencrypted (smpp://).",
            "Use smpps:// where the centre offers TLS, or a tunnel.",
        )
    if address_kind(settings.from_number) == "alphanumeric":
        yield Finding.warning(
            "one_way",
            f"Nobody can answer {settings.from_number!r}: a name only sends.",
            "Use a number where customers should be able to answer.",
        )


def _answered(response: HttpResponse) -> Finding:
    try:
        unit = pdu.decode(response.body)
    except Malformed as error:
        return Finding.bad(
            "session", f"What listens there does not speak SMPP. {error}", "Compare the address."
        )
    if unit.status == meanings.OK:
        return _NOT_YET
    if unit.status == meanings.ALREADY_BOUND:
        return _TAKEN
    refusal = meanings.error(unit.status)
    if isinstance(refusal, AuthFailed | Transient):
        raise refusal
    return Finding.bad("session", refusal.detail, "Compare the settings with the centre's.")
