"""Know the usual gateways. What is observed and what is only documented: docs/channels/."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from hubbub.sdk import Answer, ReceiptState
from hubbub_sms_gateway.gateway import Gateway, Hearing, Probe, Sending, States
from hubbub_sms_gateway.meanings import ACCEPTED, Rule, rule

_SENT, _DELIVERED, _FAILED = ReceiptState.SENT, ReceiptState.DELIVERED, ReceiptState.FAILED

#: What message centres call their states. Source: SMPP 3.4, "Message state".
_CENTRE_STATES: Final[States] = {
    "DELIVRD": _DELIVERED,
    "ACCEPTD": _SENT,
    "ENROUTE": _SENT,
    "BUFFERED": _SENT,
    "UNDELIV": _FAILED,
    "REJECTD": _FAILED,
    "EXPIRED": _FAILED,
    "DELETED": _FAILED,
    "UNKNOWN": _FAILED,
}
#: Why, in the words and codes of message centres; NACK and ESME codes are those of SMPP 3.4.
_CENTRE_FAULTS: Final = (
    Rule(word="expired", pattern=r"^34\b|EXPIRED|UNKNOWN"),
    Rule(word="congested", pattern=r"Retries Exceeded|0x0{6}(14|58)|ESME_R(MSGQFUL|THROTTLED)"),
    Rule(word="auth", pattern=r"0x0{7}[def]|ESME_R(BINDFAIL|INVPASWD|INVSYSID)"),
    Rule(word="config", pattern=r"0x0{7}a|ESME_RINVSRCADR"),
    Rule(word="gone", pattern=r"0x0{7}b|ESME_RINVDSTADR"),
    Rule(word="blocked", pattern=r"REJECTD"),
)


# --- Kannel --------------------------------------------------------------------------------

_ACCEPTED_BITS, _DELIVERED_BIT, _FAILED_BITS = 4 | 8, 1, 2 | 16
_MOST_BITS: Final = 64


def _bits(value: int) -> ReceiptState | None:
    """Read Kannel's ``%d``, a bit field: a receipt that expired comes as 34."""
    if value & _DELIVERED_BIT:
        return _DELIVERED
    if value & _FAILED_BITS:
        return _FAILED
    return _SENT if value & _ACCEPTED_BITS else None


_KANNEL_STATES: Final[States] = {
    str(value): state for value in range(_MOST_BITS) if (state := _bits(value)) is not None
}
_KANNEL_SENDING: Final = Sending(
    # Kannel refuses forms; in headers the password stays out of its log.
    url="{base}/cgi-bin/sendsms",
    headers=(
        ("X-Kannel-Username", "{secret.username|raw}"),
        ("X-Kannel-Password", "{secret.password|raw}"),
        ("X-Kannel-From", "{from|raw}"),
        ("X-Kannel-To", "{to|raw}"),
        ("X-Kannel-Coding", "{coding|raw}"),
        ("X-Kannel-DLR-Mask", "31"),
        ("X-Kannel-DLR-Url", "{status_url|raw}"),
    ),
    content_type="text",
    body="{text}",
    ok_body=r"^\d+:",
    errors=(
        rule(403, "route", "Not routable"),
        rule(403, "auth"),
        rule(404, "wrong_address"),
        rule(400, "address", "black-lists"),
        rule(400, "bug"),
        rule(503, "retry"),
    ),
    status_query="status=%d&ans=%A&foreign=%F&ts=%T&smsc=%i",
)
_KANNEL: Final = Gateway(
    label="Kannel",
    base="http://127.0.0.1:13013",
    needs=frozenset({"username", "password", "from_number"}),
    # Kannel paces each centre itself, and keeps what waits.
    rate=50,
    sending=_KANNEL_SENDING,
    hearing=Hearing(
        binary=frozenset({"1"}),
        codings={"2": "utf-16-be"},
        udh="udh",
        state="status",
        states=_KANNEL_STATES,
        error="ans",
        faults=_CENTRE_FAULTS,
    ),
    probe=Probe(
        # Without a receiver nothing is sent, but name and password are looked at first.
        method="POST",
        url="{base}/cgi-bin/sendsms",
        headers=(
            ("Content-Type", "text/plain"),
            ("X-Kannel-Username", "{secret.username|raw}"),
            ("X-Kannel-Password", "{secret.password|raw}"),
        ),
        ok_status=frozenset({400}),
        ok_body="Missing receiver",
    ),
)
_KANNEL_QUERY: Final = replace(
    _KANNEL,
    label="Kannel (all in the address)",
    sending=replace(
        _KANNEL_SENDING,
        method="GET",
        url="{base}/cgi-bin/sendsms?username={secret.username}&password={secret.password}"
        "&from={from}&to={to}&text={text}&charset=UTF-8&coding={coding}"
        "&dlr-mask=31&dlr-url={status_url}",
        headers=(),
        content_type="none",
        body="",
    ),
    probe=Probe(
        url="{base}/cgi-bin/sendsms?username={secret.username}&password={secret.password}",
        ok_status=frozenset({400}),
        ok_body="Missing receiver",
    ),
)


# --- other daemons -------------------------------------------------------------------------

_JASMIN_FORM: Final = (
    "username={secret.username}&password={secret.password}&to={to}&from={from}"
    "&coding={data_coding}&dlr=yes&dlr-level=3&dlr-method=POST&dlr-url={status_url}"
)
_ACK: Final = Answer(body=b"ACK/Jasmin")
_JASMIN: Final = Gateway(
    label="Jasmin",
    base="http://127.0.0.1:1401",
    needs=frozenset({"username", "password"}),
    rate=50,
    sending=Sending(
        url="{base}/send",
        content_type="form",
        body=_JASMIN_FORM + "&content={text}",
        unicode_body=_JASMIN_FORM + "&hex-content={text_utf16be_hex}",
        ok_body="^Success",
        id_from='regex:Success "([^"]+)"',
        errors=(
            rule(400, "bug"),
            rule(403, "credit", "(?i)credit|balance"),
            rule(403, "auth"),
            rule(404, "wrong_address"),
            rule(412, "route"),
        ),
    ),
    hearing=Hearing(
        text="content",
        codings={"8": "utf-16-be", "3": "latin-1"},
        binary=frozenset({"2", "4"}),
        answer=_ACK,
        status_answer=_ACK,
        state="message_status",
        states={**_CENTRE_STATES, "ESME_ROK": _SENT, "ESME_*": _FAILED},
        external_id="id",
        error="message_status",
        faults=_CENTRE_FAULTS,
    ),
    probe=Probe(
        url="{base}/balance?username={secret.username}&password={secret.password}",
        ok_body='"balance"',
    ),
)
_PLAYSMS_URL: Final = "{base}/index.php?app=ws&u={secret.username}&h={secret.token}"
_PLAYSMS: Final = Gateway(
    label="playSMS",
    base="http://127.0.0.1",
    needs=frozenset({"username", "token"}),
    rate=5,
    sending=Sending(
        method="GET",
        url=_PLAYSMS_URL + "&op=pv&to={to}&msg={text}&from={from}&unicode={is_unicode}",
        ok_body=r'"status":\s*"OK"',
        id_from="json:/data/0/smslog_id",
        errors=(
            # Source: playSMS, "WEBSERVICES", "Return Codes".
            Rule(word="auth", pattern=r'"error":\s*"?(100|104|105|106)\b'),
            Rule(word="bug", pattern=r'"error":\s*"?(101|102|201)\b'),
            Rule(word="credit", pattern=r'"error":\s*"?103\b'),
            Rule(word="permanent", pattern=r'"error":\s*"?200\b'),
            rule(404, "wrong_address"),
        ),
    ),
    # playSMS calls nobody: `source` asks, and each row of its answers is read as a call.
    hearing=Hearing(
        text="/in/msg",
        sender="/in/src",
        to="/in/dst",
        id="/in/id",
        time="/in/dt",
        charset="/in/charset",
        coding="/in/coding",
        state="/ds/status",
        states={"1": _SENT, "2": _FAILED, "3": _DELIVERED},
        external_id="/ds/smslog_id",
        error="/ds/error",
    ),
    probe=Probe(url=_PLAYSMS_URL + "&op=cr", ok_body=r'"status":\s*"OK"'),
)


# --- telephones ----------------------------------------------------------------------------

#: Operators bar private cards that send faster.
_PHONE_RATE: Final = 0.25
_ANDROID: Final = Gateway(
    label="SMS Gateway for Android",
    needs=frozenset({"username", "password", "api_base"}),
    rate=_PHONE_RATE,
    sending=Sending(
        url="{base}/messages",
        content_type="json",
        body='{"id":"{delivery_id}","textMessage":{"text":"{text}"},"phoneNumbers":["{to}"],'
        '"withDeliveryReport":true}',
        auth="basic",
        id_from="json:/id",
        # The id is ours: that it is used already says that the message is there.
        errors=(rule(409, ACCEPTED), rule(404, "wrong_address")),
        repeatable=True,
    ),
    hearing=Hearing(
        auth="hmac",
        auth_name="X-Signature",
        signed="{body}{header.X-Timestamp}",
        signed_at="X-Timestamp",
        number_format="e164",
        event="/event",
        received=frozenset({"sms:received"}),
        text="/payload/message",
        sender="/payload/sender /payload/phoneNumber",
        to="/payload/recipient",
        id="/id",
        time="/payload/receivedAt",
        state="/event",
        states={"sms:sent": _SENT, "sms:delivered": _DELIVERED, "sms:failed": _FAILED},
        external_id="/payload/messageId",
        reference="/payload/messageId",
        error="/payload/reason",
    ),
    probe=Probe(url="{base}/health"),
)
_HTTPSMS: Final = Gateway(
    label="httpSMS",
    base="https://api.httpsms.com",
    needs=frozenset({"token", "from_number"}),
    rate=_PHONE_RATE,
    sending=Sending(
        url="{base}/v1/messages/send",
        content_type="json",
        body='{"from":"{from}","to":"{to}","content":"{text}","request_id":"{delivery_id}"}',
        auth="header",
        auth_name="x-api-key",
        ok_body=r'"status":\s*"success"',
        id_from="json:/data/id",
        errors=(rule(400, "bug"), rule(404, "wrong_address"), rule(422, "bug")),
    ),
    hearing=Hearing(
        auth="jwt",
        issuer="api.httpsms.com",
        number_format="e164",
        event="/type",
        received=frozenset({"message.phone.received"}),
        text="/data/content",
        sender="/data/contact",
        to="/data/owner",
        id="/data/message_id",
        key="/id",
        time="/data/timestamp",
        state="/type",
        states={
            "message.phone.sent": _SENT,
            "message.phone.delivered": _DELIVERED,
            "message.send.failed": _FAILED,
            "message.send.expired": _FAILED,
        },
        external_id="/data/id",
        reference="/data/request_id",
        error="/type",
        faults=(Rule(word="expired", pattern="expired"),),
    ),
)
_TEXTBEE: Final = Gateway(
    label="textbee",
    base="https://api.textbee.dev",
    needs=frozenset({"token", "device_id"}),
    rate=_PHONE_RATE,
    sending=Sending(
        url="{base}/api/v1/gateway/devices/{device_id}/send-sms",
        content_type="json",
        body='{"recipients":["{to}"],"message":"{text}"}',
        auth="header",
        auth_name="x-api-key",
        id_from="json:/data/smsBatchId",
        errors=(rule(404, "wrong_address"),),
    ),
    hearing=Hearing(
        auth="hmac",
        auth_name="X-Signature",
        number_format="e164",
        event="/webhookEvent",
        received=frozenset({"MESSAGE_RECEIVED"}),
        text="/message",
        sender="/sender",
        id="/smsId",
        key="/idempotencyKey /smsId",
        time="/receivedAt",
        state="/webhookEvent",
        states={
            "MESSAGE_SENT": _SENT,
            "MESSAGE_DELIVERED": _DELIVERED,
            "MESSAGE_FAILED": _FAILED,
        },
        external_id="/smsBatchId",
        error="/errorCode",
    ),
)

#: What everything else begins with: names that many gateways use.
_CUSTOM: Final = Gateway(
    label="Another gateway",
    needs=frozenset({"send_url"}),
    hearing=Hearing(
        states={
            **_CENTRE_STATES,
            "sent": _SENT,
            "delivered": _DELIVERED,
            "failed": _FAILED,
            "undelivered": _FAILED,
            "expired": _FAILED,
        },
        faults=_CENTRE_FAULTS,
    ),
)

PRESETS: Final[Mapping[str, Gateway]] = {
    "kannel": _KANNEL,
    "kannel_query": _KANNEL_QUERY,
    "jasmin": _JASMIN,
    "playsms": _PLAYSMS,
    "android_smsgate": _ANDROID,
    "httpsms": _HTTPSMS,
    "textbee": _TEXTBEE,
    "custom": _CUSTOM,
}
