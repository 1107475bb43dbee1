"""A proof is tried wherever a provider puts it."""

import json
from dataclasses import replace
from urllib.parse import parse_qs, quote

import pytest

from hubbub.sdk import Accept, Reject
from hubbub.testing import Recorded
from tests.core.testing.carrier import Carrier
from tests.core.testing.suite import CarrierConformance

#: It changes in an address, and in JSON it does not.
WORD = "a+b/c="
CHECK = "test_a_shortened_or_lengthened_signature_is_rejected"


def in_query(call, word):
    return replace(call, url=f"{call.url}?key={quote(word, safe='')}")


def in_form(call, word):
    return replace(call, body=call.body + b"&key=" + quote(word, safe="").encode())


def in_object(call, word):
    return replace(call, body=json.dumps({**json.loads(call.body), "key": word}).encode())


def of_query(call):
    return parse_qs(call.query).get("key", [""])[0]


def of_form(call):
    return parse_qs(call.body.decode()).get("key", [""])[0]


def of_object(call):
    return json.loads(call.body).get("key", "")


PLACES = [
    pytest.param(b"", in_query, of_query, id="query"),
    pytest.param(b"text=Coo", in_form, of_form, id="form"),
    pytest.param(b'{"text": "Coo"}', in_object, of_object, id="object"),
]


def suite(body, write, read, fits):
    def verify(self, call, connection):
        return Accept() if fits(read(call)) else Reject("No.")

    kind = type("Kind", (Carrier,), {"verify": verify})
    given = {
        "channel_type": kind,
        "inbound": {"call": Recorded(body=body, says=())},
        "sign": lambda self, call, connection: write(call, WORD),
    }
    return type("Suite", (CarrierConformance,), given)()


@pytest.mark.parametrize(("body", "write", "read"), PLACES)
def test_one_that_is_compared_in_part_is_found_out(body, write, read):
    getattr(suite(body, write, read, lambda word: word == WORD), CHECK)()
    with pytest.raises(AssertionError, match="is not rejected"):
        getattr(suite(body, write, read, lambda word: word.startswith(WORD)), CHECK)()


def test_a_suite_that_signs_nothing_is_told():
    nothing = suite(b"{}", lambda call, word: call, of_object, bool)
    with pytest.raises(AssertionError, match="fills no header and no field"):
        getattr(nothing, CHECK)()
