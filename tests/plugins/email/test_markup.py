"""Section 7 of the fact sheet: what HTML is shown, and what is read of it."""

import re
import time

import pytest

from hubbub_email.markup import read_markup
from tests.plugins.email.letters import LARGE, read

ATTACKS = [
    "<script>alert(1)</script>",
    "<ScRiPt src=//evil.example/x.js></sCrIpT>",
    "<img src=x onerror=alert(1)>",
    "<img src='javascript:alert(1)'>",
    "<a href='javascript:alert(1)'>x</a>",
    "<a href='java\nscript:alert(1)'>x</a>",
    "<a href='&#106;avascript:alert(1)'>x</a>",
    "<a href='data:text/html,<script>alert(1)</script>'>x</a>",
    "<a href='vbscript:msgbox(1)'>x</a>",
    "<svg onload=alert(1)><a href='javascript:alert(1)'>x</a></svg>",
    "<svg><style><img src=x onerror=alert(1)></style></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>",
    "<iframe src='https://evil.example'></iframe>",
    "<object data=x><embed src=x></object>",
    "<form action='https://evil.example'><input name=a><button>x</button></form>",
    "<meta http-equiv=refresh content='0;url=https://evil.example'>",
    "<base href='https://evil.example/'>",
    "<link rel=stylesheet href='https://evil.example/x.css'>",
    "<div style='background:url(https://evil.example/x)'>x</div>",
    "<div style='position:fixed;top:0;width:expression(alert(1))'>x</div>",
    "<style>@import 'https://evil.example/x.css'; body{display:none}</style>x",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>",
    "<template><img src=x onerror=alert(1)></template>",
    "<a href='//evil.example/x'>x</a>",
    "<a href='/relative'>x</a>",
    "<img src='//evil.example/x.png'>",
    "<p onclick=alert(1) id=a class=b>x</p>",
    "<!--<img src='--><img src=x onerror=alert(1)>'>-->",
    "<!--><img src=x onerror=alert(1)>-->",
    "<title><img src=x onerror=alert(1)></title>",
    "<textarea><img src=x onerror=alert(1)></textarea>",
    '<img src="cid:a&quot; onerror=&quot;alert(1)">',
    "<img src='https://evil.example/&quot; onerror=&quot;alert(1)'>",
    "<a title='\"><img src=x onerror=alert(1)>' href='https://x.example'>x</a>",
    "\ud800<b>x</b>\x00<script>alert(1)</script>",
]
#: All that may be in an attribute of what we show.
TAG = re.compile(r'<(/?)([a-z0-9]+)((?: [a-z-]+="[^"]*")*)>|[^<>]+')
FORBIDDEN = {"script", "style", "iframe", "object", "embed", "form", "input", "svg", "math", "base"}


@pytest.mark.parametrize("attack", ATTACKS)
def test_conformance_07_what_is_shown_runs_nothing_and_fetches_nothing(attack):
    html = read_markup(f"<p>before</p>{attack}<p>after").html

    assert html is not None
    for found in TAG.finditer(html):
        assert found[2] not in FORBIDDEN
        for name, value in re.findall(r' ([a-z-]+)="([^"]*)"', found[3] or ""):
            assert not name.startswith("on"), html
            assert name not in {"id", "class"}
            if name in {"href", "src"}:
                assert re.match(r"(?:https?|mailto|tel|cid):", value), html
                assert name == "href" or value.startswith("cid:")
            if name == "style":
                assert "url" not in value
                assert "position" not in value
    assert "".join(found[0] for found in TAG.finditer(html)) == html, "what is not well-formed"


def test_links_open_elsewhere_and_say_nothing_of_us():
    html = read_markup("<a href='https://x.example/?a=1&b=2'>x</a>").html
    assert html == (
        '<a href="https://x.example/?a=1&amp;b=2" target="_blank" '
        'rel="noopener noreferrer nofollow">x</a>'
    )


def test_what_newsletters_hide_is_no_text():
    found = read_markup("<div style='display : none'>preview</div><p>words</p>")
    assert found.text == "words"


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("<p>one</p><p>two</p>", "one\n\ntwo"),
        ("one<br>two<br><br>three", "one\ntwo\n\nthree"),
        ("<div>one</div><div>two</div>", "one\ntwo"),
        ("<ul><li>a<li>b</ul>", "- a\n- b"),
        ("<ol><li>a</li><li>b</li></ol><ol><li>c</ol>", "1. a\n2. b\n\n1. c"),
        ("<table><tr><td>a<td>b<tr><td>c<td>d</table>", "a\tb\nc\td"),
        ("<pre>a\n  b</pre>", "a\n  b"),
        ("a  \n b", "a b"),
        ("<b>a</b>b <i>c</i>", "ab c"),
        ("a&amp;b &lt;c&gt; &euro;", "a&b <c> €"),
        ("<blockquote type=cite>a<br>b</blockquote>c", "> a\n> b\n\nc"),
        ("<img src=cid:x alt='a picture'>", "[a picture]"),
        ("a<hr>b", "a\n---\nb"),
        ("<style>p{}</style><title>t</title>words", "words"),
        ("<!--[if mso]><table><![endif]-->words<!--[if mso]></table><![endif]-->", "words"),
    ],
)
def test_html_is_read_as_a_browser_shows_it(source, text):
    assert read_markup(source).text == text


def test_conformance_07_only_the_text_of_what_is_nested_too_deeply_is_shown():
    found = read(LARGE["50,000 nested divs"]())
    assert (found.html, found.text) == (None, "words")
    assert found.troubles == ("Its HTML is too large or too deep to be shown: only its text is.",)


@pytest.mark.parametrize(
    "source",
    [
        "<div title='</div>'>" * 7_900,
        "<b><p>" * 3_900,
        "<table><b>" * 3_900,
        "<a><b></a>" * 2_600,
        "<div>" * 199 + "<p>x" * 50_000,
        "& " * 29_000 + "x" * 800_000,
    ],
)
def test_what_passes_for_shallow_is_cleaned_in_time(source):
    started = time.thread_time()
    read_markup(source + "words")
    assert time.thread_time() - started < 2
