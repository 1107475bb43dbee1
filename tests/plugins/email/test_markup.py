"""Section 7 of the fact sheet: what HTML is shown, and what is read of it."""

import re

import pytest

from hubbub.sdk import Email, MessageReceived, markup
from hubbub_email.events import Account, events_of
from hubbub_email.markup import read_markup, text_with_links
from tests.patience import within_bounds
from tests.plugins.email.letters import LARGE, html, read

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
    "<img src=' https://evil.example/x'>",
    "<img src='ht&#10;tps://evil.example/x'>",
    "<img src='&#1;https://evil.example/x'>",
    "<img title=' src=' src='https://evil.example/x'>",
    "<img title=' id=' alt=' src=' src='https://evil.example/x'>",
    "\ud800<b>x</b>\x00<script>alert(1)</script>",
]
UNSHOWN = "Its HTML is too large, too deep or too full to be shown: only its text is."
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


@pytest.mark.parametrize(
    "style",
    [
        "background:url(https://evil.example/x)",
        "background-color:url(https://evil.example/x)",
        "color:URL(//evil.example/x)",
        "color:u\\72l(https://evil.example/x)",
        "color:var(--x,url(https://evil.example/x))",
        "background-color:image-set('https://evil.example/x' 1x)",
        "color:src('https://evil.example/x')",
        "display:image(url(x))",
        "font-weight:'https://evil.example/x'",
        "background-color:cross-fade(url(https://evil.example/x),red)",
    ],
)
def test_no_style_names_anything_to_fetch(style):
    html = read_markup(f'<p style="{style};color:#ABC">x</p><p style="{style}">y</p>').html
    assert html == '<p style="color:#ABC">x</p><p style="">y</p>'


def test_plain_styles_stay():
    style = "color:rgb(1, 2, 3);background-color:hsla(120deg, 60%, 70%, 0.3);font-weight:700"
    assert read_markup(f'<p style="{style}">x</p>').html == f'<p style="{style}">x</p>'


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
    assert found.troubles == (UNSHOWN,)


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
    with within_bounds():
        read_markup(source + "words")


def _named(count: int, rest: str = "") -> str:
    return " ".join(f"a{number}{rest}" for number in range(count))


@pytest.mark.parametrize(
    "tag",
    [
        f"<p {_named(130_000)}>",
        f"</p {_named(130_000)}>",
        f"<p/{_named(130_000).replace(' ', '/')}>",
        f"<p {_named(501)}>",
        f"<p {_named(501, '=1')}>",
        "<p {}>".format(_named(501, '=">"').replace(" ", "")),
        "<p {}>".format(_named(501, ' = "<b>"')),
        f"<p {_named(501, '<b')}>",
        f"""<script><a b="</script><p {_named(501)}>"</script>""",
        f"""<!DOCTYPE <a b="><p {_named(501)}>">""",
    ],
)
def test_tags_with_too_many_attributes_reach_no_sanitiser(monkeypatch, tag):
    monkeypatch.setattr("hubbub_email.markup._CLEANER", None)
    source = f"<p>words</p>{tag}</p>"
    assert (read_markup(source).html, read_markup(source).trouble) == (None, UNSHOWN)
    assert read_markup(source).text.startswith("words")
    assert "words" in text_with_links(source)


@pytest.mark.parametrize(
    "tag",
    [
        f"<p {_named(499)}>",
        f"<p title='{_named(5000)}'>",
        '<img src="data:image/png;base64,{}">'.format("ab/=" * 5000),
        f"<p {_named(400)}><p {_named(400)}>",
        "<p>a < b " * 5000,
    ],
)
def test_tags_with_few_attributes_are_shown(tag):
    assert read_markup(f"{tag}words").html is not None


@pytest.mark.parametrize(
    "source",
    [
        '<a b="' * 50_000,
        """<a b="<a b='""" * 20_000,
        "<a b='\"" * 50_000,
        "<a x=y " * 50_000,
        ("<a x=y " * 200 + ">") * 200,
        "<a" * 50_000 + "x" * 500_000,
        "<p title='" + " <b" * 50_000 + "'>",
        "<p a=1 b='2'><b>x</b></p>" * 19_000,
    ],
)
def test_each_attribute_is_looked_at_once_before_the_sanitiser(monkeypatch, source):
    read_at: list[int] = []

    class Counting:
        def match(self, text, at):
            read_at.append(at)
            return pattern.match(text, at)

    pattern = markup._NEXT_ATTRIBUTE
    monkeypatch.setattr(markup, "_NEXT_ATTRIBUTE", Counting())
    markup.too_costly(source)
    assert len(read_at) <= 2 * len(set(read_at))


def test_a_letter_says_that_its_html_is_not_shown():
    letter = read(html(f"<p>words</p><p {_named(501)}>"))
    (event,) = events_of(letter, Account(address="us@example.com", key=b"key"))
    assert isinstance(event, MessageReceived)
    assert isinstance(event.content, Email)
    assert event.content.html is None
    assert (event.content.text, event.content.visible) == (f"words\n\n[{UNSHOWN}]", None)
