"""Prove that a webhook call was made by Twilio. Source: "Webhooks security"."""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Iterator
from typing import Final
from urllib.parse import parse_qs

from hubbub.sdk import Call
from hubbub_sms_twilio.fields import Credentials
from hubbub_sms_twilio.wire import Pairs, call_pairs, is_json

HEADER: Final = "X-Twilio-Signature"
SETTINGS_HEADER: Final = "X-Twilio-Webhooks-Signature-Settings"
#: Behind the address that we register: five more tries after any failure. Without it Twilio
#: would not repeat a call that we could not keep. It stays with Twilio and never reaches us.
#: Source: "Webhooks connection overrides".
RETRIES: Final = "#rc=5&rp=all"

#: Twilio sends some twenty; to sort a hundred thousand would keep us busy for a forged call.
_MOST_PARAMETERS: Final = 1000
_DIGESTS: Final = {"HMAC_SHA1": "sha1", "HMAC_SHA256": "sha256"}
_DEFAULT_PORT: Final = {"http": ":80", "https": ":443"}
_URL: Final = re.compile(
    r"(?P<scheme>https?)://(?P<host>[^/?#]*?)(?P<port>:[0-9]+)?(?P<rest>[/?#].*)?", re.DOTALL
)


def objection(call: Call, credentials: Credentials) -> str | None:
    """Return why ``call`` is not proven to be Twilio's, or None when it is."""
    signature = call.headers.get(HEADER)
    if not signature:
        return f"The call has no {HEADER} header: Twilio signs every call."
    algorithm = _algorithm(call.headers.get(SETTINGS_HEADER, ""))
    if algorithm not in _DIGESTS:
        return f"The call is signed with {algorithm[:40]}, which this hub does not know."
    secrets = _secrets(algorithm, credentials)
    if not secrets:
        return "The call is signed with a SharedKey: enter it as Webhook SharedKey."
    if (call.body.count(b"&") + call.query.count("&")) > _MOST_PARAMETERS:
        return "The call has more parameters than Twilio ever sends."
    if _needs_hash(call) and not _hash_fits(call):
        return "The body is not the one that bodySHA256 in the address speaks of."
    given = signature.encode("utf-8", "backslashreplace")
    if not any(hmac.compare_digest(own, given) for own in _signatures(call, algorithm, secrets)):
        return (
            f"{HEADER} does not fit. Compare the Auth Token, and the webhook address at Twilio "
            "with the one shown here: each character of it is signed."
        )
    return _wrong_account(call_pairs(call), credentials)


def sign(url: str, covered: bytes, secret: str, algorithm: str = "HMAC_SHA1") -> bytes:
    """Return the signature of a call of ``url`` that also brings what is `covered`."""
    data = url.encode("utf-8", "backslashreplace") + covered
    return base64.b64encode(hmac.new(secret.encode(), data, _DIGESTS[algorithm]).digest())


def covered(parameters: Pairs) -> bytes:
    """Return what a signature covers beside the address: names and values, sorted by name."""
    # The values of a repeated name are sorted, each counted once.
    return b"".join(name + value for name, value in sorted(set(parameters)))


def _algorithm(settings: str) -> str:
    for setting in settings.split(","):
        name, _, value = setting.partition("=")
        if name.strip() == "algorithm" and value.strip():
            return value.strip().upper()
    return "HMAC_SHA1"


def _secrets(algorithm: str, credentials: Credentials) -> list[str]:
    if algorithm == "HMAC_SHA256":
        secrets = [credentials.signing_key]
    else:
        # Twilio signs with the primary token: during a rotation either may be that one.
        secrets = [credentials.auth_token, credentials.auth_token_next]
    return [secret for secret in secrets if secret]


def _needs_hash(call: Call) -> bool:
    return call.method != "GET" and is_json(call)


def _hash_fits(call: Call) -> bool:
    claimed = parse_qs(call.query).get("bodySHA256", [""])[0].lower()
    actual = hashlib.sha256(call.body).hexdigest()
    return hmac.compare_digest(actual.encode(), claimed.encode("utf-8", "backslashreplace"))


def _signatures(call: Call, algorithm: str, secrets: Iterable[str]) -> Iterator[bytes]:
    # The parameters of a GET are in its address, and a JSON body is covered by its hash.
    brought = b"" if call.method == "GET" else covered(call_pairs(call))
    for secret in secrets:
        for url in _spellings(call.url):
            yield sign(url, brought, secret, algorithm)


def _spellings(url: str) -> Iterator[str]:
    """Yield the forms of ``url`` that Twilio may have signed, the likely one first."""
    forms = [url]
    if found := _URL.fullmatch(url):
        start, rest = f"{found['scheme']}://{found['host']}", found["rest"] or ""
        forms += [start + rest, start + (found["port"] or _DEFAULT_PORT[found["scheme"]]) + rest]
    yield from forms
    # Whether the overrides are signed is not documented.
    yield from (form + RETRIES for form in forms)


def _wrong_account(parameters: Pairs, credentials: Credentials) -> str | None:
    named = {value for name, value in parameters if name == b"AccountSid"}
    if named <= {credentials.account_sid.encode()}:
        return None
    return "The call is signed, but speaks of another account than the Account SID entered here."
