"""Look whether others will believe our letters: SPF, DKIM, DMARC. Source: RFC 7208, 6376, 7489.

Nothing of it keeps a letter from being sent, so nothing of it is more than a hint.
"""

import base64
import re
from collections.abc import Iterator
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)

from hubbub.sdk import Exchange, Finding, Transient
from hubbub.sdk.dns import looked_up, looking_up
from hubbub_email.fields import EmailConnection

#: Domains of which there is nothing to be known (RFC 2606, RFC 6762).
_NOWHERE: Final = re.compile(r"(?:.*\.)?(?:test|example|invalid|localhost|local)|[^.]*|\[.*")
_EVERYBODY: Final = re.compile(r"(?:^|\s)\+?all\b", re.IGNORECASE)


def hints(connection: EmailConnection) -> Exchange[tuple[Finding, ...]]:
    """Return what the domain of our address says of its letters; nothing where nobody tells."""
    domain = connection.fields.settings.domain
    if _NOWHERE.fullmatch(domain):
        return ()
    findings: list[Finding] = []
    try:
        findings += _about_spf((yield from _records(domain)), domain)
        findings += _about_dmarc((yield from _policy(domain)), domain)
        findings += yield from _key(connection)
    except Transient:
        return tuple(findings)
    return tuple(findings)


def _records(name: str) -> Exchange[tuple[str, ...]]:
    response = yield looking_up(name)
    try:
        return looked_up(response)
    except (ValueError, KeyError, TypeError):
        raise Transient("What the name server says cannot be read.") from None


def _about_spf(records: tuple[str, ...], domain: str) -> Iterator[Finding]:
    rules = [one for one in records if one.lower().startswith("v=spf1")]
    if len(rules) == 1 and not _EVERYBODY.search(rules[0]):
        yield Finding.good("spf", f"{domain} says who may send in its name (SPF).")
        return
    why = "says nothing of who may send in its name (SPF)"
    if rules:
        why = "has more than one rule of who may send in its name (SPF), which counts as none"
        if len(rules) == 1:
            why = "lets everybody send in its name (SPF)"
    fix = f"Give {domain} one TXT record such as v=spf1 include:... -all, as the provider says."
    yield Finding.warning("spf", f"{domain} {why}.", fix)


def _policy(domain: str) -> Exchange[tuple[str, ...]]:
    """Return the DMARC records of a domain, or else of the one above it."""
    found = yield from _records(f"_dmarc.{domain}")
    above = domain.partition(".")[2]
    if not any(map(_is_dmarc, found)) and "." in above:
        found = yield from _records(f"_dmarc.{above}")
    return tuple(filter(_is_dmarc, found))


def _is_dmarc(record: str) -> bool:
    return record.lower().replace(" ", "").startswith("v=dmarc1")


def _about_dmarc(records: tuple[str, ...], domain: str) -> Iterator[Finding]:
    if len(records) == 1:
        yield Finding.good("dmarc", f"{domain} says what becomes of forged letters (DMARC).")
        return
    detail = f"{domain} does not say what becomes of forged letters (DMARC)."
    fix = f"Give _dmarc.{domain} one TXT record such as v=DMARC1; p=none; rua=mailto:..."
    yield Finding.warning("dmarc", detail, fix)


def _key(connection: EmailConnection) -> Exchange[tuple[Finding, ...]]:
    """Look for the public half of our key, where we have one."""
    fields = connection.fields
    pem, settings = fields.credentials.dkim_private_key, fields.settings
    if not pem:
        return ()
    name = f"{settings.dkim_selector}._domainkey.{settings.dkim_domain or settings.domain}"
    records = yield from _records(name)
    record = _record(pem)
    published = re.sub(r"\s", "", "".join(records))
    if record.rpartition("p=")[2] in published:
        return (Finding.good("dkim", f"The key that letters are signed with stands at {name}."),)
    detail = f"The key that letters are signed with (DKIM) does not stand at {name}."
    return (Finding.warning("dkim", detail, f"Give {name} the TXT record {record}"),)


def _record(pem: str) -> str:
    key = load_pem_private_key(pem.encode(), None)
    public = key.public_key()
    if isinstance(key, Ed25519PrivateKey):
        kind, raw = "ed25519", public.public_bytes(Encoding.Raw, PublicFormat.Raw)
    else:
        kind, raw = "rsa", public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return f"v=DKIM1; k={kind}; p={base64.b64encode(raw).decode()}"
