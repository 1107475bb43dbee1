import re
from html.parser import HTMLParser

import pytest

from hubbub.api.blueprint import ENDPOINTS
from hubbub.api.reader import _coded


@pytest.fixture
def document(api):
    return api.client.get("/openapi.json").get_json()


def test_every_call_is_described_and_says_who_may_make_it(document):
    described = {
        (method.upper(), path.removeprefix("/api/v1"))
        for path, methods in document["paths"].items()
        for method in methods
    }
    assert described == {(one.method, one.path) for one in ENDPOINTS}
    assert document["openapi"] == "3.1.0"
    for methods in document["paths"].values():
        for operation in methods.values():
            assert operation["summary"]
            assert "Needs the scope" in operation["description"]
            assert {"401", "403", "500", "503"} <= set(operation["responses"])


def test_every_operation_has_a_name_of_its_own(document):
    names = [
        one["operationId"] for methods in document["paths"].values() for one in methods.values()
    ]
    assert len(set(names)) == len(names)


def test_every_reference_leads_somewhere(document):
    schemas = document["components"]["schemas"]
    references = set(re.findall(r"#/components/schemas/([\w.-]+)", str(document)))
    assert references <= set(schemas)
    assert "$defs" not in str(document)


def test_the_providers_handle_of_a_file_is_no_part_of_the_description(document):
    assert "ref" not in document["components"]["schemas"]["Media"]["properties"]


def test_a_change_describes_no_default_that_a_client_would_fill_in(document):
    schemas = document["components"]["schemas"]
    changes = [schema for name, schema in schemas.items() if name.endswith("Patch")]
    assert len(changes) > 3
    for change in changes:
        assert not [name for name, one in change["properties"].items() if "default" in one]


def test_the_calls_of_the_contract_are_all_there(document):
    calls = {
        "/channel-types": {"get"},
        "/channels": {"get", "post"},
        "/channels/{id}": {"get", "patch", "delete"},
        "/channels/{id}/check": {"post"},
        "/channels/{id}/routes": {"get", "put"},
        "/channels/{id}/routes/explain": {"post"},
        "/messages": {"get", "post"},
        "/messages/{id}": {"get"},
        "/messages/{id}/retry": {"post"},
        "/messages/{id}/trace": {"get"},
        "/conversations": {"get"},
        "/conversations/{id}": {"get", "patch"},
        "/conversations/{id}/messages": {"get"},
        "/conversations/{id}/notes": {"get", "post"},
        "/conversations/{id}/sendable": {"get"},
        "/templates": {"get"},
        "/templates/{id}": {"get"},
        "/channels/{id}/templates/sync": {"post"},
        "/events": {"get"},
        "/events/{id}": {"get"},
        "/events/{id}/replay": {"post"},
        "/contacts": {"get"},
        "/contacts/{id}": {"get", "patch", "delete"},
        "/media": {"post"},
    }
    paths = {path.removeprefix("/api/v1"): set(one) for path, one in document["paths"].items()}
    assert calls == {path: paths.get(path) for path in calls}


class _Reader(HTMLParser):
    def __init__(self):
        super().__init__()
        self.loaded, self.ids, self.text, self.tags = [], [], "", set()

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.tags.add(tag)
        self.ids.append(given.get("id"))
        self.loaded += [given[name] for name in ("src", "href") if name in given]

    def handle_data(self, data):
        self.text += data


def test_the_reader_shows_every_call_and_loads_nothing_from_elsewhere(api, document):
    answer = api.client.get("/docs")
    reader = _Reader()
    reader.feed(answer.get_data(as_text=True))
    assert "script" not in reader.tags
    assert all(link.startswith(("/", "#")) for link in reader.loaded)
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    for path, methods in document["paths"].items():
        assert path in reader.text
        for operation in methods.values():
            assert operation["operationId"] in reader.ids
    style = api.client.get("/docs/style.css")
    assert style.content_type.startswith("text/css")


def test_the_reader_shows_code_as_code_and_markup_as_what_it_is(api):
    page = api.client.get("/docs").text
    assert "<code>POST /channels/{id}/check</code> tries again" in page
    assert "`" not in page.partition('id="schemas"')[0]
    assert _coded("a `<b>` and ` more") == "a <code>&lt;b&gt;</code> and ` more"
    assert _coded("``type`` says how") == "<code>type</code> says how"


def test_the_type_of_a_problem_leads_to_its_explanation(api):
    kind = api("GET", "/channels/nothing", status=404).get_json()["type"]
    answer = api.client.get(kind.removeprefix("https://hub.example"))
    assert answer.status_code == 200
    assert 'id="problem-not-found"' in answer.get_data(as_text=True)
