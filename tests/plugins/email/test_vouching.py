"""Whether others can believe that letters are from our domain."""

from typing import Any

import pytest

from hubbub.sdk import Transient
from hubbub.sdk.dns import answer
from hubbub_email.vouching import domain_findings

GOOD = {
    "shop.co": ("google-verification=1", "v=spf1 include:_spf.mail.co -all"),
    "_dmarc.shop.co": ("v=DMARC1; p=quarantine; rua=mailto:d@shop.co",),
    "mail._domainkey.shop.co": ("v=DKIM1; k=rsa; p=MIIB",),
}


def found(records, domain="shop.co", selectors=("mail",)):
    """Return the findings by code, and the names that were looked up."""
    exchange, asked = domain_findings(domain, selectors=selectors), []
    reply: Any = None
    try:
        while True:
            request = exchange.send(reply)
            name = request.url.partition(":")[2]
            asked.append(name)
            told = records.get(name, ())
            reply = exchange.throw(told) if isinstance(told, Exception) else answer(told)
    except StopIteration as stop:
        return {one.code: one for one in stop.value}, asked


def test_a_domain_that_vouches_for_its_letters_needs_nothing():
    findings, asked = found(GOOD)
    assert [*findings] == ["spf", "dmarc", "dkim"]
    assert not any(one.fix for one in findings.values())
    assert "quarantine" in findings["dmarc"].detail
    assert asked == list(GOOD)


@pytest.mark.parametrize(
    ("name", "records", "code", "says"),
    [
        ("shop.co", ("v=spf10",), "spf", "does not say who"),
        ("shop.co", ("v=spf1 -all", "V=SPF1 ?all"), "spf", "2 SPF records"),
        ("_dmarc.shop.co", ("nothing",), "dmarc", "forged letters"),
        ("mail._domainkey.shop.co", (), "dkim", "mail._domainkey.shop.co"),
        ("mail._domainkey.shop.co", ("v=DKIM1; p=",), "dkim", "no key"),
    ],
)
def test_what_is_missing_is_a_hint(name, records, code, says):
    findings, _ = found({**GOOD, name: records})
    assert findings[code].ok
    assert findings[code].fix
    assert says in findings[code].detail


@pytest.mark.parametrize("domain", ["shop.example", "localhost", "example.com", "a.example.net"])
def test_nobody_is_asked_about_what_is_nobodys_domain(domain):
    assert found({}, domain=domain) == ({}, [])


def test_keys_are_not_guessed_at():
    findings, _ = found(GOOD, selectors=())
    assert [*findings] == ["spf", "dmarc"]


def test_where_nobody_answers_it_is_said_once():
    findings, _ = found({"_dmarc.shop.co": Transient("No answer.", code="dns_unavailable")})
    assert [*findings] == ["domain_unknown"]
    assert findings["domain_unknown"].ok


def test_the_domain_above_may_say_what_becomes_of_forged_letters():
    findings, asked = found({**GOOD, "mail.shop.co": ("v=spf1 -all",)}, domain="mail.shop.co")
    assert findings["dmarc"].fix == ""
    assert "_dmarc.shop.co" in asked
