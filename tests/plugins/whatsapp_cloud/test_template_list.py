"""Which templates an account has, and what each wants filled in."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from hubbub.sdk import (
    AuthFailed,
    Permanent,
    Template,
    TemplateParameter,
    TemplateStatus,
    Transient,
)
from tests.plugins.whatsapp_cloud.conftest import ACCOUNT_ID, GRAPH, TOKEN

PAGES = ("templates_first_200.json", "templates_last_200.json")


@pytest.fixture(scope="session")
def listing(channel, connection, drive, answer):
    """Return the requests for a list of two pages, and the list by name and language."""
    requests, found = drive(channel.templates(connection), *(answer(name) for name in PAGES))
    return requests, {(one.name, one.language): one for one in found}


@pytest.fixture
def wants(channel, connection, drive, answer):
    """Return the parameters that a template of these components wants."""

    def ask(*components, **more):
        listed = {"name": "a", "language": "en", "components": components, **more}
        body = json.dumps({"data": [listed]}).encode()
        _, (template,) = drive(channel.templates(connection), answer(200, body))
        wanted = template.parameters
        return None if wanted is None else {one.name: one for one in wanted}

    return ask


def test_conformance_14_all_pages_are_asked_for(listing):
    requests, found = listing
    first, last = (parse_qs(urlsplit(request.url).query) for request in requests)
    assert all(
        request.url.startswith(f"{GRAPH}/{ACCOUNT_ID}/message_templates?") for request in requests
    )
    assert all(request.headers == {"authorization": f"Bearer {TOKEN}"} for request in requests)
    assert all(request.safe for request in requests)
    assert set(first["fields"][0].split(",")) == {
        *("id", "name", "language", "status", "category"),
        *("parameter_format", "components", "quality_score", "rejected_reason"),
    }
    assert "after" not in first
    assert last["after"] == ["MTAxZDZD"]
    assert len(found) == 5


def test_a_template_is_what_meta_says(listing, payload):
    template = listing[1]["order_ok", "en_US"]
    assert (template.external_id, template.category, template.quality) == ("1", "UTILITY", "GREEN")
    assert (template.status, template.provider_status) == (TemplateStatus.APPROVED, "APPROVED")
    assert (template.parameter_format, template.reason) == ("POSITIONAL", "")
    said = json.loads(payload(PAGES[0]))["data"][0]["components"]
    assert list(template.components) == said
    assert listing[1]["order_ok", "de"].status is TemplateStatus.PAUSED
    rejected = listing[1]["sale", "en_US"]
    assert (rejected.status, rejected.reason) == (TemplateStatus.REJECTED, "PROMOTIONAL")


@pytest.mark.parametrize(
    ("name", "language", "wanted"),
    [
        (
            *("order_ok", "en_US"),
            {
                *("header.image", "1", "2", "button.1.url", "button.4.copy_code"),
                "button.0.quick_reply?",
            },
        ),
        ("order_ok", "de", set()),
        ("welcome", "en_US", {"header.first_name", "city"}),
        ("code", "en_US", {"1", "button.0.url"}),
        ("sale", "en_US", {"header"}),
    ],
)
def test_what_is_to_be_filled_in_has_the_names_under_which_it_is_sent(
    listing, channel, connection, part, name, language, wanted
):
    parameters = listing[1][name, language].parameters
    assert {one.name + ("" if one.required else "?") for one in parameters} == wanted
    filled = {one.name: "https://example.org/x" for one in parameters}
    content = Template(name=name, language=language, parameters=filled)
    body = json.loads(next(channel.send(part(content), connection)).body)
    sent = body["template"].get("components", [])
    assert sum(len(component["parameters"]) for component in sent) == len(filled)


def test_a_value_may_be_as_long_as_meta_says(wants):
    body = {"type": "BODY", "text": "{{1}}"}
    header = {"type": "HEADER", "format": "TEXT", "text": "{{1}}"}
    assert wants(body)["1"].max_length == 32768
    both = wants(header, body)
    assert (both["header"].max_length, both["1"].max_length) == (60, 1024)


@pytest.mark.parametrize("kind", ["image", "video", "document"])
def test_a_file_in_the_header_is_named_by_its_kind(wants, kind):
    file = TemplateParameter(name=f"header.{kind}", holds="url")
    assert wants({"type": "HEADER", "format": kind.upper()}) == {file.name: file}


def test_the_button_of_a_code_gets_the_code(wants):
    code = {"type": "OTP", "otp_type": "COPY_CODE", "text": "Copy"}
    assert set(wants({"type": "BUTTONS", "buttons": [code]})) == {"button.0.url"}


@pytest.mark.parametrize(
    "component",
    [
        {"type": "HEADER", "format": "LOCATION"},
        {"type": "CAROUSEL", "cards": [{"components": []}]},
        {"type": "BODY", "text": ["strange"]},
        {"type": "BUTTONS", "buttons": "strange"},
        {"type": None},
        {},
    ],
)
def test_where_a_component_is_strange_to_us_meta_judges(wants, component):
    assert wants(component, {"type": "BODY", "text": "{{1}}"}) is None


def test_where_no_component_is_told_meta_judges(wants):
    assert wants() is None


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("APPROVED", TemplateStatus.APPROVED),
        ("REINSTATED", TemplateStatus.APPROVED),
        ("PENDING", TemplateStatus.PENDING),
        ("IN_APPEAL", TemplateStatus.PENDING),
        ("REJECTED", TemplateStatus.REJECTED),
        ("PAUSED", TemplateStatus.PAUSED),
        ("DISABLED", TemplateStatus.DISABLED),
        ("LIMIT_EXCEEDED", TemplateStatus.DISABLED),
        ("ARCHIVED", TemplateStatus.DISABLED),
        ("PENDING_DELETION", TemplateStatus.DELETED),
        ("DELETED", TemplateStatus.DELETED),
        ("SHINY", TemplateStatus.UNKNOWN),
    ],
)
def test_metas_words_become_ours(channel, connection, drive, answer, word, status):
    body = json.dumps({"data": [{"name": "a", "language": "en", "status": word}]}).encode()
    _, (template,) = drive(channel.templates(connection), answer(200, body))
    assert (template.status, template.provider_status) == (status, word)


def test_without_an_account_there_is_nobody_to_ask(channel, connect):
    with pytest.raises(Permanent) as caught:
        next(channel.templates(connect(business_account_id="")))
    assert caught.value.code == "no_account"


@pytest.mark.parametrize(
    ("name", "error"), [("error_190_401.json", AuthFailed), (503, Transient), (200, Transient)]
)
def test_a_list_that_is_not_whole_is_none(channel, connection, drive, answer, name, error):
    with pytest.raises(error):
        drive(channel.templates(connection), answer(PAGES[0]), answer(name))


def test_a_list_without_end_is_given_up(channel, connection, drive, answer):
    with pytest.raises(Permanent) as caught:
        drive(channel.templates(connection), *[answer(PAGES[0])] * 10)
    assert caught.value.code == "too_many_templates"
