"""Section 8 of the fact sheet: quotes and signatures are folded, and nothing is ever lost."""

import tomllib

import pytest

from hubbub_email.markup import read_markup
from hubbub_email.quotes import visible
from tests.plugins.email.letters import PAYLOADS, html, letter, read

NEW = "Yes, that works for me.\nSee you on Monday!"
QUOTED = "> Shall we meet?\n>\n> Bob"
SAMPLES = tomllib.loads((PAYLOADS / "quotes.toml").read_text("utf-8"))
INTRODUCTIONS = SAMPLES["introductions"]
HEADERS = SAMPLES["headers"]
WHOLE = {
    name: text.format(new=NEW, introduction=INTRODUCTIONS["english"])
    for name, text in SAMPLES["whole"].items()
}


@pytest.mark.parametrize("introduction", INTRODUCTIONS.values(), ids=INTRODUCTIONS)
def test_conformance_09_a_quote_and_what_introduces_it_is_folded(introduction):
    assert visible(f"{NEW}\n\n{introduction}\n{QUOTED}") == NEW


@pytest.mark.parametrize("introduction", INTRODUCTIONS.values(), ids=INTRODUCTIONS)
def test_what_is_written_below_a_quote_is_kept(introduction):
    assert visible(f"{introduction}\n{QUOTED}\n\n{NEW}") == NEW


@pytest.mark.parametrize("header", HEADERS.values(), ids=HEADERS)
def test_an_unmarked_letter_below_is_folded(header):
    assert visible(f"{NEW}\n\n{header}\n\nShall we meet?\nBob") == NEW


@pytest.mark.parametrize("rule", ["-----", "******", "=====", "--- Ursprüngliche Nachricht ---"])
def test_a_rule_above_an_unmarked_letter_is_folded_with_it(rule):
    header = "From: ada@example.org\nSent: 2026-03-02 10:15\nTo: bob@example.org"
    assert visible(f"{NEW}\n\n{rule}\n{header}\n\nShall we meet?") == NEW


def test_an_unmarked_quote_below_its_introduction_is_folded():
    assert visible(f"{NEW}\n\n{INTRODUCTIONS['english']}\n\nShall we meet?\nBob") == NEW


@pytest.mark.parametrize("text", WHOLE.values(), ids=WHOLE)
def test_conformance_09_what_is_no_quote_stays_whole(text):
    assert visible(text) == text


@pytest.mark.parametrize(
    "signature",
    [
        "-- \nAda Berg\nExample Ltd",
        "--\nAda Berg",
        "Sent from my iPhone",
        "Get Outlook for iOS",
        "Von meinem iPhone gesendet",
        "Envoyé de mon iPhone",
        "Enviado desde mi iPhone",
        "发自我的iPhone",
    ],
)
def test_a_signature_is_folded(signature):
    assert visible(f"{NEW}\n\n{signature}") == NEW
    quoting = f"{NEW}\n\n{signature}\n\n{INTRODUCTIONS['english']}\n{QUOTED}"
    assert visible(quoting) == NEW


def test_a_rule_of_two_dashes_above_a_long_text_is_no_signature():
    text = f"{NEW}\n--\n" + "\n".join(f"point {number}" for number in range(20))
    assert visible(text) == text


@pytest.mark.parametrize(
    "source",
    [
        "<div>Yes</div><div class='gmail_quote'><div class='gmail_attr'>Bob, someday</div>"  # noqa: ISC004  # one sample
        "<blockquote class='gmail_quote'>Meet?</blockquote></div>",
        "<div>Yes</div><blockquote type='cite'>Meet?</blockquote>",
        "<p>Yes</p><div class='moz-cite-prefix'>Bob:</div><blockquote type=cite>Meet?</blockquote>",
        "<div>Yes</div><blockquote class='protonmail_quote'>Bob<br>Meet?</blockquote>",
        "<div>Yes</div><div class='yahoo_quoted'><div>Bob:</div><div>Meet?</div></div>",
        "<div>Yes</div><blockquote class='tutanota_quote'>Meet?</blockquote>",
        "<div>Yes</div><div class='zmail_extra'>Bob<div>Meet?</div></div>",
        "<div>Yes</div><div id='appendonsend'></div><hr><div id='divRplyFwdMsg'>Bob</div>Meet?",
    ],
)
def test_what_a_mail_program_marks_as_quoted_is_folded(source):
    assert visible(read_markup(source).quoting) == "Yes"
    found = read(html(source))
    assert found.visible == "Yes"
    assert "Meet?" in found.text


def test_what_somebody_only_indents_is_not_folded():
    source = "<p>I mean</p><blockquote style='margin:1em'>this one</blockquote>"
    assert read(html(source)).visible == "I mean\n\n  this one"


def test_conformance_09_the_text_is_always_whole():
    for text in (*WHOLE.values(), f"{NEW}\n\n{INTRODUCTIONS['iso']}\n{QUOTED}\n-- \nAda"):
        body = text.encode()
        whole = letter("Content-Type: text/plain; charset=utf-8", body=body)
        assert read(whole).text == text.strip("\n")
