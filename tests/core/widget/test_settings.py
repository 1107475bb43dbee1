"""What cannot hold for visitors is refused while it is set, in words that say what helps."""

import re

import pytest
from pydantic import ValidationError

from hubbub.sdk.widget import WidgetSettings
from hubbub.widget.questions import labels


def greeting(**more):
    return {"id": "cart", "content": "Can we help?", **more}


def question(**more):
    return {"name": "topic", "label": "What is it about?", **more}


@pytest.mark.parametrize(
    ("settings", "where", "why"),
    [
        (
            {"prechat": {"fields": [question(kind="select", required=True)]}},
            ("prechat", "fields", 0, "options"),
            "Nobody can choose",
        ),
        (
            {"prechat": {"fields": [question(), question(label="Again")]}},
            ("prechat", "fields"),
            "Two questions have the name topic",
        ),
        (
            {"greetings": [greeting(), greeting(content="Hello")]},
            ("greetings",),
            "Two greetings have the name cart",
        ),
        ({"locale": "en-USA"}, ("locale",), "Take the code of a language"),
        ({"texts": {"de-": {}}}, ("texts", "de-", "[key]"), "Take the code of a language"),
        ({"allowed_origins": ["https://a.example/shop"]}, ("allowed_origins",), "is no origin"),
        ({"allowed_origins": ["https://a.example:70000"]}, ("allowed_origins",), "is no origin"),
        ({"allowed_origins": ["https://.example"]}, ("allowed_origins",), "is no origin"),
        ({"allowed_origins": [f"https://{'ü' * 80}.de"]}, ("allowed_origins",), "is no origin"),
    ],
)
def test_what_no_visitor_could_use_is_refused_where_it_stands(settings, where, why):
    with pytest.raises(ValidationError) as caught:
        WidgetSettings.model_validate(settings)
    (error,) = caught.value.errors()
    assert error["loc"] == where
    assert why in error["msg"]


@pytest.mark.parametrize("code", ["de", "pt-BR", "zh-Hans-CN", "es-419", "de-1996", "sl-rozaj"])
def test_the_codes_of_languages_are_taken(code):
    settings = WidgetSettings.model_validate({"locale": code, "texts": {code: {"title": "Hi"}}})
    assert settings.locale == code


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        ("https://Shop.example", "https://shop.example"),
        ("https://shop.example/", "https://shop.example"),
        ("https://shop.example:443", "https://shop.example"),
        ("http://*.shop.example:80", "http://*.shop.example"),
        ("https://shop.example:8443", "https://shop.example:8443"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("https://*.bücher.example", "https://*.xn--bcher-kva.example"),
    ],
)
def test_a_site_is_kept_as_browsers_name_it(written, kept):
    assert WidgetSettings(allowed_origins=(written, kept)).allowed_origins == (kept,)


def test_a_question_is_put_in_each_language_of_the_channel_as_far_as_it_is_there():
    asked = question(texts={"de": {"label": "Worum geht es?"}, "pt-BR": {"label": ""}})
    told = {"locale": "fr", "texts": {"de-AT": {}}, "prechat": {"fields": [asked]}}
    assert labels(WidgetSettings.model_validate(told)) == {
        "de": {"topic": "Worum geht es?"},
        "de-AT": {"topic": "Worum geht es?"},
        "fr": {"topic": "What is it about?"},
        "pt-BR": {"topic": "What is it about?"},
    }


def test_each_matter_has_a_heading_and_only_what_few_need_is_advanced(shop, admin):
    page = admin.get(f"/channels/{shop.channel_id}/settings").text
    top, *sections = page.split('<details class="section"')
    assert 'name="settings.allowed_origins"' in top
    assert [re.findall("<summary><h2>([^<]+)<", one)[0] for one in sections] == [
        "Look",
        "Language and texts",
        "Hours",
        "Questions before the chat",
        "Greetings",
        "Files and the end",
        "Answers by email",
        "What is kept of visitors",
        "Advanced",
    ]
    assert 'name="settings.theme.color"' in sections[0]
    assert 'name="credentials.identity_secret"' in sections[-1]


def sections_open_in(page):
    return re.findall('<details class="section" id="section-([^"]+)" open>', page)


def test_the_section_that_was_open_is_open_still_once_it_is_saved(shop, admin):
    settings = f"/channels/{shop.channel_id}"
    # What a browser says of ticks that stay.
    typed = {
        f"settings.{one}": "yes"
        for one in ("attachments", "read_receipts", "conversation.end_by_visitor")
    }

    def opened(**more):
        saved = admin.fill(f"{settings}/change", name="Shop", **typed, **more)
        assert saved.status_code == 302
        return sections_open_in(admin.get(saved.location).text)

    assert opened() == []
    # Without scripts nothing but what was changed tells which it was.
    assert opened(**{"settings.theme.color": "#123456"}) == ["look"]
    typed["settings.theme.color"] = "#123456"
    assert opened(open="section-hours") == ["hours"]
    typed["settings.locale"] = "de"
    row = admin.fill(f"{settings}/change", **typed, name="Shop", do="row:settings.greetings").text
    assert sections_open_in(row) == ["language-and-texts", "greetings"]
    refused = admin.fill(f"{settings}/change", **typed, name="", open="section-hours").text
    assert sections_open_in(refused) == ["hours"]
