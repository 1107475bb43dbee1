"""The HTML of a letter can do nothing, and fetches nothing, in whatever way it is written."""

import re
import time

import pytest

from hubbub.ui.inbox.letter_page import (
    HEADERS,
    MOST_PICTURES,
    letter_body,
    shows_pictures_from_elsewhere,
)
from hubbub.ui.inbox.shown import answer_subject

HOSTILE = [
    "<script>alert(1)</script>",
    "<script src=//evil.example></script>",
    "<img src=x onerror=alert(1)>",
    "<svg onload=alert(1)><script>alert(1)</script></svg>",
    "<svg><style><img src=https://evil.example/a onerror=alert(1)></style></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></table></mtext></math>",
    '<meta http-equiv="refresh" content="0; url=https://evil.example">',
    '<base href="https://evil.example/">',
    '<link rel="preconnect" href="https://evil.example">',
    '<link rel="stylesheet" href="https://evil.example/a.css">',
    '<style>@import "https://evil.example"; * { background: url(https://evil.example) }</style>',
    '<form action="https://evil.example"><input name="password"><button>Go</button></form>',
    '<p style="background: url(https://evil.example/a.png)">x</p>',
    '<p style="position: fixed; inset: 0; z-index: 9">x</p>',
    '<p style="list-style-image: url(https://evil.example)">x</p>',
    '<a href="javascript:alert(1)">x</a>',
    '<a href="java\tscript:alert(1)">x</a>',
    '<a href="&#106;avascript:alert(1)">x</a>',
    '<a href="data:text/html,<script>alert(1)</script>">x</a>',
    '<a href="da\nta:text/html,x">x</a>',
    '<a href="vbscript:x">x</a>',
    '<img src="data:image/svg+xml,<svg onload=alert(1)>">',
    '<img src="data:text/html,<script>alert(1)</script>">',
    '<iframe src="https://evil.example"></iframe>',
    '<iframe srcdoc="<script>alert(1)</script>"></iframe>',
    '<object data="https://evil.example"></object><embed src="https://evil.example">',
    '<frameset><frame src="https://evil.example"></frameset>',
    '<video src="https://evil.example" poster="https://evil.example"></video>',
    '<body background="https://evil.example/a.png" onload="alert(1)">x',
    '<table background="https://evil.example/a.png"><tr><td>x</td></tr></table>',
    '<img srcset="https://evil.example/a.png 2x" alt="x">',
    '<img src="//evil.example/a.png">',
    '<img src="https://evil.example/a.png" alt="x">',
    '<img data-remote="https://evil.example/a.png" alt="x">',
    '<img data-remote="javascript:alert(1)" alt="x">',
    '<img src="cid:unknown" alt="x">',
    '<noscript><p title="</noscript><img src=x onerror=alert(1)>"></noscript>',
    "<!--><img src=x onerror=alert(1)>-->",
    "<template><script>alert(1)</script></template>",
    '<p id="thread" class="hub-leads" name="x">x</p>',
]
_TAG = re.compile(r"<([a-z][a-z0-9]*)((?:\s[^<>]*)?)>")
_ALLOWED = {"a", "b", "br", "div", "img", "p", "table", "tbody", "td", "tr"}


@pytest.mark.parametrize("source", HOSTILE)
def test_nothing_hostile_is_left(source):
    body = letter_body(source, files={})
    assert body is not None
    for name, attributes in _TAG.findall(body):
        assert name in _ALLOWED
        assert not re.search(r"\s(?:on\w+|class|id|src|background|action|srcset)=", attributes)
        assert not re.search(r"url|position|z-index", attributes)
        assert not re.search(r'href="(?!https?://|mailto:|tel:)', attributes)
    assert not re.search(r"<[^>]*evil\.example", body)


@pytest.mark.parametrize(
    "source",
    [
        "<div>" * 50_000,
        "<" * 500_000,
        "<!--" * 200_000,
        "&amp" * 200_000,
        "<p>" + "x " * 500_000,
        "<img src" + " " * 500_000,
        "<img " * 200_000,
        "<a href='https://a.example'>" + "www." * 200_000 + "</a>",
        "<a href='https://a.example'>" + "a-" * 200_000 + "</a>",
        '<img src="data:image/png;base64,' + "A" * 900_000 + '">',
    ],
)
def test_a_megabyte_of_anything_is_soon_read(source):
    began = time.thread_time()
    letter_body(source, files={})
    shows_pictures_from_elsewhere(source)
    # What takes the square of its length takes minutes at least.
    assert time.thread_time() - began < 20


def test_what_would_take_too_long_is_not_shown():
    assert letter_body("<div>" * 50_000, files={}) is None


def test_pictures_of_the_letter_are_shown_from_where_they_lie():
    body = letter_body('<img src="cid:a%40b" alt="A" width="4">', files={"a@b": "/media/1?sig=2"})
    assert body == '<img src="/media/1?sig=2" alt="A" width="4">'


def test_a_small_picture_within_the_letter_is_shown():
    source = '<img src="data:image/png;base64,AAAA">'
    assert letter_body(source, files={}) == source


@pytest.mark.parametrize(
    "source",
    [
        '<img src="https://a.example/b?c=1&amp;d=2">',
        '<img data-remote="https://a.example/b?c=1&amp;d=2">',
    ],
)
def test_pictures_from_elsewhere_are_shown_through_us_and_when_asked_for_alone(source):
    assert letter_body(source, files={}) == "<img>"
    asked = []

    def ours(url):
        asked.append(url)
        return '/pictures?"&'

    body = letter_body(source, files={}, elsewhere=ours)
    assert body == '<img src="/pictures?&quot;&amp;">'
    assert asked == ["https://a.example/b?c=1&d=2"]


def test_so_many_pictures_from_elsewhere_are_shown_and_no_more():
    source = '<img src="https://a.example/b">' * (MOST_PICTURES + 1)
    body = letter_body(source, files={}, elsewhere=lambda url: "/x")
    assert body is not None
    assert body.count('src="/x"') == MOST_PICTURES


@pytest.mark.parametrize(
    ("source", "there"),
    [
        ('<img alt="x" src="https://a.example">', True),
        ("<IMG\nSRC = HTTP://a.example>", True),
        ('<img data-remote="https://a.example">', True),
        ('<img src="cid:x">', False),
        ('<a href="https://a.example"><img src="cid:x"></a>', False),
        ("", False),
    ],
)
def test_a_letter_tells_whether_it_shows_pictures_from_elsewhere(source, there):
    assert shows_pictures_from_elsewhere(source) is there


@pytest.mark.parametrize(
    ("link", "said", "leads"),
    [
        ("https://evil.example/x", "www.bank.example", "evil.example"),
        ("https://evil.example", "https://bank.example/login", "evil.example"),
        ("https://evil.example", "Go to https://bank.example now", "evil.example"),
        ("https://evil.example", "bank.example", "evil.example"),
        ("https://evil.example", "bank.example:8080/login?x=1", "evil.example"),
        ("https://evil.example", "<b>bank</b>.example", "evil.example"),
        ("https://evil.example", "bank.example&#8203;", "evil.example"),
        ("https://evil.example", "bank&shy;.example", "evil.example"),
        ("https://evil.example", "www&#8203;.bank.example", "evil.example"),
        ("https://evil.example", "bank\u3002example", "evil.example"),
        ("https://evil.example", "\uff42ank.example", "evil.example"),
        ("https://bank.example@evil.example", "bank.example", "evil.example"),
        ("https://evil.example\\@bank.example", "bank.example", "evil.example"),
        ("https://bank.example.evil.example", "bank.example", "bank.example.evil.example"),
        ("https://bänk.example", "bank.example", "xn--bnk-qla.example"),
        ("https://evilbank.example", "bank.example", "evilbank.example"),
        ("https://bank.example/x", "www.bank.example", ""),
        ("https://login.bank.example/x", "bank.example", ""),
        ("https://bank.example", "login.bank.example", ""),
        ("https://BANK.example.", "Bank.example", ""),
        ("https://evil.example", "Your order", ""),
        ("https://evil.example", "See report.pdf and more", ""),
        ("mailto:ada@evil.example", "www.bank.example", ""),
    ],
)
def test_a_link_that_names_another_place_says_where_it_leads(link, said, leads):
    body = letter_body(f'<a href="{link}">{said}</a>', files={})
    assert body is not None
    found = re.search(r"\(leads to <bdi>([^<]*)</bdi>\)", body)
    assert (found[1] if found else "") == leads
    assert 'rel="noopener noreferrer nofollow"' in body
    assert 'target="_blank"' in body


def test_a_letter_cannot_take_the_look_of_what_we_say():
    body = letter_body('<strong class="hub-leads">(leads to bank.example)</strong>', files={})
    assert body == "<strong>(leads to bank.example)</strong>"


def test_the_document_of_a_letter_may_do_next_to_nothing():
    policy = HEADERS["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; img-src 'self' data:;")
    assert "sandbox allow-popups allow-popups-to-escape-sandbox" in policy
    assert not re.search(r"script-src|allow-(scripts|same-origin|forms|top)", policy)


@pytest.mark.parametrize(
    ("subject", "answer"),
    [
        ("Order 12", "Re: Order 12"),
        ("Re: Order 12", "Re: Order 12"),
        ("AW: Re: SV: RE[2]: Order 12", "Re: Order 12"),
        ("回复：Order 12", "Re: Order 12"),  # noqa: RUF001  # as it is written there
        ("Reorder: 12", "Re: Reorder: 12"),
        ("  ", ""),
        ("Re:", ""),
    ],
)
def test_an_answer_is_about_what_was_written(subject, answer):
    assert answer_subject(subject) == answer
