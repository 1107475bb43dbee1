"""No secret survives the redactor, however it is spelled."""

import base64
import html
import json
import re
import string
from random import Random
from urllib.parse import quote, quote_plus

import pytest
import structlog
from hypothesis import assume, given, settings, strategies as st
from pydantic import BaseModel, Field, SecretBytes, SecretStr

from hubbub.redact import (
    Redactor,
    Registry,
    redacting_processor,
    registry,
    secrets_of,
    without_secret_headers,
    without_secret_parameters,
)
from tests.patience import within_bounds

TOKEN = "123456789:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw"
AWKWARD = "pa/ss+w\"\u00f6 r\\d&<x>'=%\U0001f511?"
KEY = (
    "-----BEGIN PRIVATE KEY-----\n"
    + "\n".join(c * 64 for c in "abcdE")
    + "\n-----END PRIVATE KEY-----"
)

SPELLINGS = {
    "as it is": str,
    "percent": lambda s: quote(s, safe=""),
    "percent, slashes kept": quote,
    "percent, lower case": lambda s: quote(s, safe="").replace("%2F", "%2f").replace("%3A", "%3a"),
    "form": quote_plus,
    "json": lambda s: json.dumps({"x": s}),
    "json, unescaped": lambda s: json.dumps({"x": s}, ensure_ascii=False),
    "json, slashes escaped": lambda s: json.dumps(s).replace("/", "\\/"),
    "json in json": lambda s: json.dumps({"x": json.dumps({"y": s})}),
    "json in json in json": lambda s: json.dumps(json.dumps(json.dumps(s))),
    "html": lambda s: html.escape(s, quote=True),
    "url in json": lambda s: json.dumps({"url": f"https://x.example/bot{quote(s, safe='')}/send"}),
}


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
@pytest.mark.parametrize("secret", [TOKEN, AWKWARD, KEY], ids=["token", "awkward", "key file"])
def test_a_secret_is_masked_in_every_spelling(spell, secret):
    text = f"before {spell(secret)} after"

    masked = Redactor([secret]).text(text)

    assert masked.startswith("before ")
    assert masked.endswith(" after")
    assert "***" in masked
    assert spell(secret).strip('{}"x: ')[2:-2] not in masked
    assert secret[4:-4] not in masked


@pytest.mark.parametrize("secrets", [[], [TOKEN]])
@pytest.mark.parametrize("user", ["u", "us", "ada@a.example"])
def test_a_token_that_a_mail_server_repeats_is_masked_unseen(secrets, user):
    said = base64.b64encode(f"user={user}\1auth=Bearer ya29.fresh\1\1".encode()).decode()
    assert Redactor(secrets).text(f"535 {said} is no good") == "535 dXNlcj*** is no good"


@pytest.mark.parametrize("before", ["", "u:", "us:", "user:", "AC0123456789abcdef:", "\u00fc:"])
@pytest.mark.parametrize("after", ["", ":", "more"])
@pytest.mark.parametrize("encode", [base64.b64encode, base64.urlsafe_b64encode])
def test_a_secret_is_masked_in_base64_whatever_stands_around_it(before, after, encode):
    text = encode(f"{before}{AWKWARD}{after}".encode()).decode()

    masked = Redactor([AWKWARD]).text(f"Basic {text}")

    assert "***" in masked
    # What may remain holds no whole character of the secret.
    left = masked.removeprefix("Basic ").partition("***")[0]
    assert len(left) * 6 < (len(before.encode()) + 1) * 8 + 6


def test_each_line_of_a_key_file_is_masked_by_itself():
    assert Redactor([KEY]).text(f"line: {'a' * 64}") == "line: ***"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("pin 1234.", "pin ***."),
        ('{"pin":"1234"}', '{"pin":"***"}'),
        ("pin=1234&x=1", "pin=***&x=1"),
        ("412345 x1234 1234y 1234_", "412345 x1234 1234y 1234_"),
        ("/1234/", "/***/"),
    ],
)
def test_a_short_secret_is_masked_only_as_a_whole_word(text, masked):
    assert Redactor(["1234"]).text(text) == masked


@pytest.mark.parametrize("secrets", [[], [""], ["a"], ["ab", " "]])
def test_what_is_too_short_to_be_a_secret_masks_nothing(secrets):
    assert Redactor(secrets).text("a b ab cab") == "a b ab cab"


def test_a_secret_within_another_leaves_nothing_of_the_longer_one():
    redactor = Redactor(["abcdefgh", "efghijkl", "abcdefghijklmnop"])

    assert redactor.text("x abcdefghijklmnop x efghijkl x") == "x *** x *** x"


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ('{"access_token": "canary", "x": 1}', '{"access_token": "***", "x": 1}'),
        ('{"access_token":"can\\"ary","x":1}', '{"access_token":"***","x":1}'),
        ('{"users":[{"token":"canary"}]}', '{"users":[{"token":"***"}]}'),
        ('"{\\"refresh_token\\": \\"canary\\"}"', '"{\\"refresh_token\\": \\"***\\"}"'),
        ("https://x.example/?a=1&access_token=canary&b=2", "https://x.example/?a=1&access_token=***&b=2"),
        ("password=canary&b=2", "password=***&b=2"),
        ("?X-Signature=canary", "?X-Signature=***"),
        ('{"text": "my password is fine"}', '{"text": "my password is fine"}'),
        ('{"tokens_left": "5"}', '{"tokens_left": "5"}'),
    ],
)  # fmt: skip
def test_what_is_secret_by_its_name_is_masked_unseen(text, masked):
    assert Redactor().text(text) == masked


@pytest.mark.parametrize(
    "name",
    [
        "Authorization",
        "proxy-authorization",
        "Cookie",
        "Set-Cookie",
        "X-Telegram-Bot-Api-Secret-Token",
        "X-Twilio-Signature",
        "X-Hub-Signature",
        "X-Hub-Signature-256",
        "webhook-signature",
        "X-Api-Key",
        "apikey",
        "X-Auth-Token",
    ],
)
def test_headers_that_carry_secrets_are_always_masked(name):
    assert Redactor().headers({name: "canary", "x-other": "kept"}) == {
        name: "***",
        "x-other": "kept",
    }


def test_headers_can_be_masked_by_their_names_alone():
    headers = {"X-Hub-Signature-256": "canary", "X-Other": TOKEN, "cookie": ""}

    assert without_secret_headers(headers) == {
        "X-Hub-Signature-256": "***",
        "X-Other": TOKEN,
        "cookie": "***",
    }


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://h/w/k", "https://h/w/k"),
        ("https://h/w/k?token=a&id=1", "https://h/w/k?token=***&id=1"),
        ("https://h/w/k?ref=1&TOKEN=a", "https://h/w/k?ref=1&TOKEN=***"),
        ("https://h/w/k?text=my+token%3Da&token", "https://h/w/k?text=my+token%3Da&token"),
    ],
)
def test_in_an_address_only_what_is_secret_by_its_name_is_masked(url, kept):
    assert without_secret_parameters(url) == kept


def test_nested_json_keeps_its_shape():
    value = {
        "ok": True,
        "none": None,
        "ratio": 0.5,
        "id": 42,
        TOKEN: [f"a {TOKEN} b", {"deep": (TOKEN, 1)}],
        "password": "canary",
        "token": None,
        "signature": True,
    }

    assert Redactor([TOKEN]).json(value) == {
        "ok": True,
        "none": None,
        "ratio": 0.5,
        "id": 42,
        "***": ["a *** b", {"deep": ["***", 1]}],
        "password": "***",
        "token": None,
        "signature": True,
    }


def test_a_secret_number_is_masked_as_a_number_too():
    assert Redactor(["48151623"]).json({"pin": 48151623, "n": 4815162}) == {
        "pin": "***",
        "n": 4815162,
    }


def test_other_objects_are_masked_only_where_they_show_a_secret():
    class Shown:
        def __str__(self):
            return f"Shown({TOKEN})"

    harmless = object()

    assert Redactor([TOKEN]).json([Shown(), harmless]) == ["Shown(***)", harmless]


@pytest.mark.parametrize("data", [f"\u00e9 {TOKEN}".encode(), b"\xff\xfe " + TOKEN.encode()])
def test_bytes_are_masked_whether_or_not_they_are_text(data):
    assert Redactor([TOKEN]).data(data) == data.replace(TOKEN.encode(), b"***")


@pytest.mark.parametrize("text", ["", "no", "1234567", "password=x", '{"token":"x"}'])
def test_a_text_shorter_than_any_secret_is_still_looked_at_for_names(text):
    masked = text.replace("x", "***")

    assert Redactor(["12345678"]).text(text) == masked
    assert Redactor().text(text) == masked


def test_half_a_surrogate_pair_does_not_stop_the_redactor():
    redactor = Redactor([TOKEN])

    assert redactor.text(f"\ud83d {TOKEN}") == "? ***"
    assert redactor.json({"\ud83d": "\ud83d"}) == {"?": "?"}


@pytest.mark.parametrize("limit", range(60))
def test_a_limit_never_shows_a_part_of_a_secret(limit):
    redactor = Redactor([TOKEN])
    text = f"qqqqqqqqqq{TOKEN}xyz{TOKEN}"

    clipped = redactor.clipped(text, limit)

    whole = redactor.text(text)
    assert whole == "qqqqqqqqqq***xyz***"
    assert whole.startswith(clipped.removesuffix("***"))
    assert not any(TOKEN[at : at + 3] in clipped for at in range(len(TOKEN) - 2))


@settings(max_examples=200, deadline=None)
@given(
    secret=st.text(st.characters(exclude_categories=["Cs"]), min_size=6, max_size=40),
    around=st.text(max_size=20),
)
def test_no_secret_of_any_characters_is_left_in_a_body(secret, around):
    clean = secret.strip()
    assume(len(clean) >= 6)
    redactor = Redactor([secret])
    for text in (
        f"{around} {clean} {around}",
        json.dumps({"a": around, "b": clean}),
        quote(clean, safe=""),
    ):
        masked = redactor.text(text)
        assert "***" in masked
        assert clean not in masked.replace("***", "")


def test_a_thousand_secrets_are_still_masked_in_bounded_time():
    secrets = [f"{number:09}:AAHdqTcvCH1vGWJxfSeofSAs{number:09}" for number in range(1000)]
    redactor = Redactor(secrets)

    with within_bounds():
        masked = redactor.text(" ".join(secrets[::100]) + " word" * 1000)

    assert masked.startswith("*** " * 10)


@pytest.mark.parametrize(
    "characters", [string.ascii_letters, string.punctuation, "\u0627\u0628\u062a"]
)
@pytest.mark.parametrize("length", [513, 8192, 40_000])
def test_a_secret_of_any_length_is_masked(characters, length):
    secret = "".join(Random(length).choices(characters, k=length))
    redactor = Redactor([secret, TOKEN])
    for spelled in (secret, base64.b64encode(f"u:{secret}".encode()).decode()):
        assert re.fullmatch(r"<[\w=]{0,4}(\*\*\*)+>", redactor.text(f"<{spelled}>"))
    assert redactor.text(f"and {TOKEN}") == "and ***"


def test_its_repr_shows_no_secret():
    assert TOKEN not in repr(Redactor([TOKEN]))


class Inner(BaseModel):
    deep: str = Field(json_schema_extra={"writeOnly": True})
    plain: str = "not secret"


class Credentials(BaseModel):
    token: str = Field(json_schema_extra={"writeOnly": True})
    typed: SecretStr
    raw: SecretBytes
    by_function: str = Field(json_schema_extra=lambda schema: schema.update(writeOnly=True))
    account: str = "not secret"
    inner: Inner
    several: list[Inner]
    headers: dict[str, str] = Field(json_schema_extra={"writeOnly": True})
    whole: Inner = Field(json_schema_extra={"writeOnly": True})
    unset: str | None = Field(default=None, json_schema_extra={"writeOnly": True})
    empty: str = Field(default="", json_schema_extra={"writeOnly": True})


class Setup(BaseModel):
    credentials: Credentials
    settings: dict[str, int] = {}


def test_the_secrets_of_a_form_are_found_at_any_depth():
    fields = Setup(
        credentials=Credentials(
            token="s1",
            typed=SecretStr("s2"),
            raw=SecretBytes(b"s3"),
            by_function="s4",
            inner=Inner(deep="s5"),
            several=[Inner(deep="s6"), Inner(deep="s7")],
            headers={"x": "s8"},
            whole=Inner(deep="s9", plain="s10"),
        )
    )

    assert secrets_of(fields) == {f"s{number}" for number in range(1, 11)}


@pytest.fixture
def log():
    """Return a logger with the processor in place, and the list of lines it wrote."""
    lines = []

    def render(_logger, _method, event):
        lines.append(json.dumps(event))
        raise structlog.DropEvent

    yield structlog.wrap_logger(None, processors=[redacting_processor, render]), lines
    registry._secrets.clear()
    registry._redactor = None


def test_a_log_event_shows_no_registered_secret(log):
    logger, lines = log
    registry.add([TOKEN])

    event = f"sent to {TOKEN}"
    logger.info(event, url=f"/bot{TOKEN}/x", nested={"a": [TOKEN]}, token="canary")

    [line] = lines
    assert TOKEN not in line
    assert json.loads(line) == {
        "event": "sent to ***",
        "url": "/bot***/x",
        "nested": {"a": ["***"]},
        "token": "***",
    }


def test_a_logged_exception_shows_no_registered_secret(log):
    logger, lines = log
    registry.add([TOKEN])

    logger.error("failed", exc_info=ValueError(f"cannot open /bot{TOKEN}/x"))

    assert TOKEN not in lines[0]
    assert "ValueError: cannot open /bot***/x" in json.loads(lines[0])["exception"]


def test_the_registry_forgets_the_oldest_beyond_its_limit():
    few = Registry(limit=2)
    few.add(["first secret", "second secret"])
    few.add(["first secret"])
    few.add(["third secret"])

    assert few.redactor.text("first secret, second secret, third secret") == (
        "***, second secret, ***"
    )


def test_the_registry_makes_a_new_redactor_only_for_new_secrets():
    known = Registry()
    known.add(["first secret"])
    before = known.redactor
    known.add(["first secret"])

    assert known.redactor is before
