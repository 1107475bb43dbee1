"""Hint at what is missing for others to believe that letters are from our domain.

Sources: RFC 7208 (SPF), RFC 6376 (DKIM), RFC 7489 (DMARC), RFC 2606 (names that are nobody's).
"""

import re
from collections.abc import Iterator
from typing import Final

from hubbub.sdk import Exchange, Finding, Transient
from hubbub.sdk.dns import looked_up, looking_up

_NOBODYS: Final = (
    *(".test", ".example", ".invalid", ".localhost", ".local", ".internal"),
    *(".example.com", ".example.net", ".example.org"),
)
_POLICY: Final = re.compile(r"(?:^|;)\s*p\s*=\s*(\w+)", re.IGNORECASE)


def domain_findings(domain: str, *, selectors: tuple[str, ...] = ()) -> Exchange[list[Finding]]:
    """Return how well letters from ``domain`` are vouched for; every finding is a hint.

    ``selectors`` are those under which keys of the domain may lie: nobody can list them.
    """
    if "." not in domain or f".{domain}".endswith(_NOBODYS):
        return []
    try:
        spf = yield from _texts(domain)
        dmarc = yield from _policies(domain)
        keys: dict[str, tuple[str, ...]] = {}
        for selector in selectors:
            keys[selector] = yield from _texts(f"{selector}._domainkey.{domain}")
    except Transient as error:
        detail = f"How letters from {domain} are vouched for is not known now. {error.detail}"
        return [Finding.warning("domain_unknown", detail, "Check again later.")]
    return [_spf(domain, spf), _dmarc(domain, dmarc), *_dkim(domain, keys)]


def _texts(name: str) -> Exchange[tuple[str, ...]]:
    response = yield looking_up(name)
    try:
        return looked_up(response)
    except (ValueError, KeyError, TypeError):
        raise Transient("What the name server says cannot be read.") from None


def _policies(domain: str) -> Exchange[tuple[str, ...]]:
    """Return the policies of a domain, or of the one above it, which is then meant for both."""
    found = tuple(filter(_is_policy, (yield from _texts(f"_dmarc.{domain}"))))
    above = domain.partition(".")[2]
    if found or "." not in above:
        return found
    return tuple(filter(_is_policy, (yield from _texts(f"_dmarc.{above}"))))


def _is_policy(text: str) -> bool:
    return text.lower().startswith("v=dmarc1")


def _spf(domain: str, texts: tuple[str, ...]) -> Finding:
    found = [text for text in texts if text.lower().split(" ")[0] == "v=spf1"]
    if len(found) == 1:
        return Finding.good("spf", f"{domain} says who may send its letters (SPF).")
    if found:
        detail = f"{domain} has {len(found)} SPF records, so that none of them counts."
        return Finding.warning("spf", detail, "Make one TXT record of them.")
    detail = f"{domain} does not say who may send its letters (SPF): many will take them for spam."
    fix = "Add the TXT record that your mail provider names; it begins with v=spf1."
    return Finding.warning("spf", detail, fix)


def _dmarc(domain: str, texts: tuple[str, ...]) -> Finding:
    if not texts:
        detail = f"{domain} does not say what to do with forged letters (DMARC)."
        fix = f"Add a TXT record at _dmarc.{domain}; v=DMARC1; p=none is a beginning."
        return Finding.warning("dmarc", detail, fix)
    policy = _POLICY.search(texts[0])
    said = policy[1].lower() if policy else "nothing"
    return Finding.good("dmarc", f"{domain} says what to do with forged letters (DMARC): {said}.")


def _dkim(domain: str, keys: dict[str, tuple[str, ...]]) -> Iterator[Finding]:
    if not keys:
        return
    # An empty key is one that was revoked.
    there = [name for name, texts in keys.items() if re.search(r"\bp\s*=\s*\w", "".join(texts))]
    if there:
        yield Finding.good("dkim", f"{domain} has a key for signatures (DKIM): {there[0]}.")
        return
    names = ", ".join(f"{name}._domainkey.{domain}" for name in keys)
    detail = f"There is no key for signatures (DKIM) at {names}."
    fix = "Switch DKIM on at your mail provider, and add the record that it names."
    yield Finding.warning("dkim", detail, fix)
