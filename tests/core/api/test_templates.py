"""The calls about templates, and what they mean for sending."""

from typing import Any, get_args

import pytest

from hubbub.api.shapes import TemplateStatusWord
from hubbub.sdk import TemplateStatus

LISTED: list[dict[str, Any]] = [
    {
        "name": "order_ok",
        "wants": ["1", "2"],
        "external_id": "77",
        "category": "UTILITY",
        "provider_status": "APPROVED",
        "components": [{"type": "BODY", "text": "Dear {{1}}, {{2}} is ready."}],
    },
    {"name": "order_ok", "language": "de"},
    {"name": "sale", "status": "paused", "reason": "People disliked it."},
]


@pytest.fixture
def shop(api, add_channel):
    """Return the API and a channel whose templates were read."""
    api.hub.http.body["templates"] = LISTED
    channel_id = add_channel(api, kind="windowed")
    api.post(f"/channels/{channel_id}/templates/sync", status=200)
    return api, channel_id


def _names(answer):
    return [(one["name"], one["language"]) for one in answer["items"]]


def _send(shop, status, name="order_ok", language="en", **parameters):
    api, channel_id = shop
    given = {name.replace("p", ""): value for name, value in parameters.items()}
    content = {"type": "template", "name": name, "language": language, "parameters": given}
    body = {"channel_id": channel_id, "to": {"address": "ada"}, "content": content}
    return api("POST", "/messages", body, status=status).get_json()


def test_templates_are_listed_and_looked_at(shop):
    api, channel_id = shop
    listed = api.get(f"/templates?channel_id={channel_id}")
    assert sorted(_names(listed)) == [("order_ok", "de"), ("order_ok", "en"), ("sale", "en")]
    (order,) = [one for one in listed["items"] if one["external_id"] == "77"]
    assert api.get(f"/templates/{order['id']}") == order
    assert order == {
        "id": order["id"],
        "channel_id": channel_id,
        "name": "order_ok",
        "language": "en",
        "status": "approved",
        "provider_status": "APPROVED",
        "reason": "",
        "external_id": "77",
        "category": "UTILITY",
        "quality": "",
        "parameter_format": "",
        "parameters": [
            {"name": name, "required": True, "holds": "text", "max_length": None}
            for name in ("1", "2")
        ],
        "components": LISTED[0]["components"],
        "created_at": "2026-01-02T03:04:05Z",
        "changed_at": "2026-01-02T03:04:05Z",
    }


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("status=paused", ["sale"]),
        ("status=deleted", []),
        ("q=RDER", ["order_ok", "order_ok"]),
        ("q=100%25", []),
        ("channel_id=nothing", []),
    ],
)
def test_templates_are_filtered(shop, query, names):
    assert [name for name, _ in _names(shop[0].get(f"/templates?{query}"))] == names


def test_templates_come_page_by_page(shop):
    api, _ = shop
    first = api.get("/templates?limit=2")
    second = api.get(f"/templates?limit=2&cursor={first['next_cursor']}")
    assert len({one["id"] for one in first["items"] + second["items"]}) == 3
    assert second["next_cursor"] is None


def test_a_status_that_there_is_not_is_422(api):
    assert api.fields("GET", "/templates?status=APPROVED") == ["status"]
    assert set(get_args(TemplateStatusWord)) == set(TemplateStatus)


def test_an_unknown_template_is_404(api):
    api.get("/templates/nothing", status=404)
    api("POST", "/channels/nothing/templates/sync", status=404)


def test_reading_them_tells_what_was_new(shop):
    api, channel_id = shop
    api.hub.http.body["templates"] = LISTED[:2]
    read = api.post(f"/channels/{channel_id}/templates/sync", status=200)
    assert read == {"templates": 2, "added": 0, "changed": 0, "removed": 1}


def test_a_provider_that_fails_is_502_and_a_type_without_templates_409(shop, add_channel):
    api, channel_id = shop
    api.hub.http.status = 503
    failed = api.post(f"/channels/{channel_id}/templates/sync", status=502)
    assert failed["type"].endswith("/provider-failed")
    assert failed["detail"] == "The provider is ill."
    api.hub.http.status = 200
    none = api.post(f"/channels/{add_channel(api)}/templates/sync", status=409)
    assert none["type"].endswith("/no-templates")


def test_what_may_be_sent_lists_templates_and_why_not_the_others(shop, add_conversation):
    api, channel_id = shop
    answer = api.get(f"/conversations/{add_conversation(api, channel_id)}/sendable")
    assert [(one["name"], one["language"]) for one in answer["templates"]] == [
        ("order_ok", "de"),
        ("order_ok", "en"),
    ]
    assert set(answer["templates"][0]) == {"id", "name", "language", "category", "parameters"}
    assert [one["name"] for one in answer["templates"][1]["parameters"]] == ["1", "2"]
    assert {one["name"]: one["reason"] for one in answer["withheld"]} == {
        "sale": "The template is paused. People disliked it.",
    }


def test_a_template_that_is_well_filled_in_is_sent(shop):
    assert _send(shop, 202, p1="Ann", p2="42")["status"] == "queued"
    assert _send(shop, 202, language="de")["status"] == "queued"


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({"name": "other"}, "content.name"),
        ({"name": "sale"}, "content.name"),
        ({"language": "fr"}, "content.language"),
        ({"p1": "Ann"}, "content.parameters.2"),
        ({"p1": "", "p2": "42"}, "content.parameters.1"),
        ({"p1": "Ann", "p2": "42", "p3": "x"}, "content.parameters.3"),
    ],
)
def test_one_that_is_not_is_422_with_its_field(shop, given, field):
    problem = _send(shop, 422, **given)
    assert [error["field"] for error in problem["errors"]] == [field]


def test_before_they_were_read_the_provider_judges(api, add_channel):
    channel_id = add_channel(api, kind="windowed")
    _send((api, channel_id), 202, name="other", p1="x")
