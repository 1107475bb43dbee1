"""Loader, window and their files: small, cached well, and let in by strict pages."""

import gzip
import json
import re
from pathlib import Path

import pytest

from hubbub.connect.sites import sites_of
from hubbub.sdk.widget import WidgetSettings
from hubbub.widget import pages
from hubbub.widget.config import ink_on

FOLDER = Path(pages.__file__).parent / "static"
SCRIPTS = sorted(path.name for path in FOLDER.glob("*.js"))
LANGUAGES = sorted(path.stem for path in FOLDER.glob("*.json"))
APP = [name for name in SCRIPTS if name != "loader.js"]


def get(shop, path, **headers):
    return shop.app.test_client().get(path, headers=headers)


def travels(shop, path):
    """How many bytes of a file travel to a browser."""
    answer = get(shop, path, **{"Accept-Encoding": "gzip, br"})
    assert answer.headers["Content-Encoding"] == "gzip"
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert gzip.decompress(answer.data) == get(shop, path).data
    return len(answer.data)


def test_case_02_the_loader_is_small(shop):
    assert travels(shop, f"/widget/{shop.key}.js") <= 5 * 1024


def test_the_window_is_small(shop):
    base = f"/static/widget/{pages.version()}/"
    assert len(APP) <= 12
    assert sum(travels(shop, base + name) for name in APP) <= 20 * 1024
    for language in LANGUAGES:
        assert travels(shop, f"{base}{language}.json") + travels(shop, f"{base}widget.css") < 5120


def test_the_loader_is_cached_and_may_be_loaded_by_isolated_pages(shop):
    answer = get(shop, f"/widget/{shop.key}.js")
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    assert "max-age=300" in answer.headers["Cache-Control"]
    tag = answer.headers["ETag"]
    assert get(shop, f"/widget/{shop.key}.js", **{"If-None-Match": tag}).status_code == 304


def test_what_an_operator_wrote_ends_no_script(shop):
    text = "</script><script>alert(1)</script>\u2028."
    shop.open(texts={"en": {"welcome": text}}, greetings=[{"id": "a", "content": text}])
    script = get(shop, f"/widget/{shop.key}.js").get_data(as_text=True)
    assert "</script>" not in script
    assert "\u2028" not in script
    start = script.index("const config=") + len("const config=")
    found, _ = json.JSONDecoder().raw_decode(script, start)
    assert found["greetings"][0]["content"] == text


def test_no_secret_is_in_the_loader_or_the_window(shop):
    secret = "identity-secret-of-the-shop-0001"
    shop.open({"identity_secret": secret})
    line = shop.world.line(shop.channel_id)
    for path in (".js", "/frame"):
        page = get(shop, f"/widget/{shop.key}{path}").get_data(as_text=True)
        assert secret not in page
        assert line.connection.webhook_secret not in page


@pytest.mark.parametrize(
    ("page", "fits"),
    [
        ("https://shop.example", True),
        ("https://eu.shop.example:8443", True),
        ("http://shop.example", False),
        ("https://shop.example.evil.example", False),
        ("https://evilshop.example", False),
        ("https://shopxexample", False),
    ],
)
def test_the_loader_knows_on_which_sites_it_may_show_the_window(page, fits):
    sites = ("https://shop.example", "https://*.shop.example:8443")
    found = sites_of(WidgetSettings(allowed_origins=sites), "https://hub.example/hub")
    assert bool(re.search(found, page)) is fits
    assert re.search(found, "https://hub.example")
    assert re.search(sites_of(WidgetSettings(), "https://hub.example"), page)


def test_choosers_offer_what_the_hub_takes(shop):
    window = shop.app.test_client().get(f"/widget/{shop.key}/frame").get_data(as_text=True)
    assert ".jpeg,.jpg," in window


@pytest.mark.parametrize(
    ("origins", "ancestors"),
    [
        ([], "frame-ancestors *;"),
        (
            ["https://Shop.example", "https://*.shop.example"],
            "frame-ancestors 'self' https://shop.example https://*.shop.example;",
        ),
    ],
)
def test_only_named_sites_show_the_window(shop, origins, ancestors):
    shop.open(allowed_origins=origins)
    answer = get(shop, f"/widget/{shop.key}/frame")
    policy = answer.headers["Content-Security-Policy"]
    assert ancestors in policy
    for rule in ("default-src 'none'", "script-src 'self'", "trusted-types 'none'"):
        assert rule in policy
    assert "unsafe" not in policy
    assert answer.headers["Cross-Origin-Embedder-Policy"] == "require-corp"
    assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert "X-Frame-Options" not in answer.headers


def test_every_file_of_the_window_is_there_for_ever_under_its_own_name(shop):
    page = get(shop, f"/widget/{shop.key}/frame").get_data(as_text=True)
    paths = re.findall(r'(?:href|src)="(/static/widget/[^"]+)"', page)
    assert len(paths) == len(APP) + 1
    for path in paths:
        answer = get(shop, path)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["Cache-Control"]
    old = get(shop, "/static/widget/of-last-week/app.js")
    assert (old.status_code, old.headers["Cache-Control"]) == (200, "no-cache")
    for path in ("loader.js", "nothing.js", "..%2fblueprint.py"):
        assert get(shop, f"/static/widget/x/{path}").status_code == 404


@pytest.mark.parametrize(
    "color", ["#000000", "#ffffff", "#1d4ed8", "#ffd700", "#777777", "#767676"]
)
def test_what_stands_on_the_colour_can_be_read(color):
    def luminance(one):
        parts = [int(one[at : at + 2], 16) / 255 for at in (1, 3, 5)]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    ink = {"#000": 0.0, "#fff": 1.0}[ink_on(color)]
    light, dark = sorted((ink, luminance(color)), reverse=True)
    assert (light + 0.05) / (dark + 0.05) >= 4.5


#: The plural forms of a language (CLDR, "Language Plural Rules").
PLURALS = {
    "ar": {"zero", "one", "two", "few", "many", "other"},
    "de": {"one", "other"},
    "en": {"one", "other"},
}


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_language_says_everything_in_all_its_plurals(language):
    def read(name):
        return json.loads((FOLDER / f"{name}.json").read_text())

    def plain(words):
        return {name for name in words if "." not in name}

    words = read(language)
    assert plain(words) == plain(read("en"))
    counted = {name.partition(".")[0] for name in read("en") if "." in name}
    assert set(words) - plain(words) == {f"{a}.{b}" for a in counted for b in PLURALS[language]}
    may_be_empty = {"reply_time", "consent"}
    assert {name for name, text in words.items() if not text} <= may_be_empty
    for name in plain(words):
        assert set(re.findall(r"\{\w+\}", words[name])) == set(
            re.findall(r"\{\w+\}", read("en")[name])
        )


def test_the_window_says_nothing_that_no_language_has_and_knows_its_languages():
    scripts = "".join((FOLDER / name).read_text() for name in APP)
    english = json.loads((FOLDER / "en.json").read_text())
    used = set(re.findall(r"(?:say|button)\('(\w+)'", scripts))
    used |= {f"{name}.other" for name in re.findall(r"count\('(\w+)'", scripts)}
    assert used <= english.keys()
    (known,) = re.findall(r"const KNOWN = \[(.*)\]", scripts)
    assert sorted(re.findall(r"\w+", known)) == LANGUAGES


def test_no_script_of_the_window_writes_markup():
    for name in SCRIPTS:
        text = (FOLDER / name).read_text()
        for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("):
            assert way not in text, (name, way)
        assert "new Function" not in text


def test_what_people_here_call_a_channel_is_told_to_nobody(shop):
    from hubbub.connect.work import ChannelChange, change_channel

    change_channel(shop.hub, shop.channel_id, ChannelChange(name="Ours alone"), actor="cli")
    for path in (".js", "/frame"):
        assert "Ours alone" not in get(shop, f"/widget/{shop.key}{path}").get_data(as_text=True)


def test_a_switched_off_channel_has_no_window(shop):
    from hubbub.connect.work import ChannelChange, change_channel

    change_channel(shop.hub, shop.channel_id, ChannelChange(enabled=False), actor="cli")
    assert get(shop, f"/widget/{shop.key}.js").status_code == 404


def test_the_api_shows_the_line_to_paste(shop):
    from hubbub.api.channels import _channel

    shown = _channel(shop.hub, shop.channel_id).model_dump()
    assert shown["widget_url"].endswith(f"/widget/{shop.key}.js")
    assert shown["embed"] == f'<script async src="{shown["widget_url"]}"></script>'
    assert "widget_url" not in _channel(shop.hub, shop.world.channel().id).model_dump()
