"""What holds for every call."""

import pytest
from sqlalchemy.exc import OperationalError

from hubbub.people.tokens import create_token, revoke_token
from hubbub.store.session import DatabaseDown


def test_without_a_token_the_answer_is_401_and_says_how_to_authenticate(api):
    api.token = ""
    answer = api("GET", "/channels", status=401)
    assert answer.headers["WWW-Authenticate"] == 'Bearer realm="hubbub"'
    assert answer.get_json()["type"].endswith("/unauthorized")


@pytest.mark.parametrize("header", ["Bearer nonsense", "Bearer ", "Basic YTpi", "nonsense"])
def test_a_token_that_is_none_is_refused(api, header):
    api.token = ""
    answer = api("GET", "/channels", status=401, headers={"Authorization": header})
    assert "Bearer" in answer.headers["WWW-Authenticate"]


def test_a_revoked_token_is_refused(api):
    token_id, api.token = create_token(api.hub, name="old", actor="cli")
    api.get("/channels")
    revoke_token(api.hub, token_id, actor="cli")
    api("GET", "/channels", status=401)


@pytest.mark.parametrize(
    ("method", "path", "wanted"),
    [
        ("POST", "/messages", "write"),
        ("POST", "/channels", "admin"),
        ("GET", "/users", "admin"),
    ],
)
def test_a_token_without_the_scope_is_refused_before_anything_is_read(api, method, path, wanted):
    _, api.token = create_token(api.hub, name="reader", scopes=["read"], actor="cli")
    answer = api(method, path, status=403, raw=None if method == "GET" else b"not json")
    assert f'scope="{wanted}"' in answer.headers["WWW-Authenticate"]
    api.get("/channels")


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"nonsense", b'{"a": NaN}', b"\xff", b"[" * 100_000, b'"\xed\xa0\x80"']
)
def test_a_body_that_is_not_json_is_400(api, raw):
    answer = api("POST", "/channels", raw=raw, status=400)
    assert answer.get_json()["type"].endswith("/not-json")


@pytest.mark.parametrize("raw", [b"[]", b"null", b'"text"', b"5"])
def test_json_that_is_no_object_is_422(api, raw):
    assert api.fields("POST", "/channels", raw=raw) == ["body"]


def test_another_content_type_is_415(api):
    answer = api("POST", "/channels", status=415, headers={"Content-Type": "text/xml"}, raw=None)
    assert answer.get_json()["type"].endswith("/unsupported-media-type")


def test_a_body_over_the_limit_is_413(api):
    api("POST", "/channels", raw=b'{"name": "' + b"x" * (1 << 20) + b'"}', status=413)


def test_an_unknown_field_is_422(api):
    body = {"type": "fake", "name": "x", "credentials": {}, "settings": {}, "colour": "red"}
    assert "colour" in api.fields("POST", "/channels", body)


@pytest.mark.parametrize("evil", ["a\0b", "half a pair \ud800"])
def test_text_that_no_database_keeps_is_422(api, evil):
    body = {"type": "fake", "name": evil, "credentials": {evil: 1}}
    assert api.fields("POST", "/channels", body) == ["credentials", "name"]


def test_a_nul_in_the_query_is_422(api):
    assert api.fields("GET", "/contacts?q=a%00b") == ["q"]


@pytest.mark.parametrize("path", ["/channels/a%00b", "/channels/ä", "/channels/" + "x" * 65])
def test_an_id_that_cannot_be_one_is_404(api, path):
    api("GET", path, status=404)


@pytest.mark.parametrize("path", ["/nothing", "/channels/x/nothing", "/campaigns", "/bots"])
def test_an_unknown_path_is_404(api, path):
    assert api("GET", path, status=404).get_json()["type"].endswith("/not-found")


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("DELETE", "/channels", "GET, HEAD, POST"),
        ("POST", "/channels/x", "DELETE, GET, HEAD, PATCH"),
        ("OPTIONS", "/messages", "GET, HEAD, POST"),
        ("TRACE", "/channel-types", "GET, HEAD"),
    ],
)
def test_a_wrong_method_is_405_and_told_the_right_ones(api, method, path, allowed):
    assert api(method, path, status=405).headers["Allow"] == allowed


def test_paths_outside_the_api_are_left_to_others(api):
    answer = api.client.get("/nothing")
    assert answer.status_code == 404
    assert answer.content_type.startswith("text/html")


@pytest.mark.parametrize("limit", ["0", "201", "-1", "x", ""])
def test_a_limit_out_of_range_is_422(api, limit):
    assert api.fields("GET", f"/channels?limit={limit}") == ["limit"]


def test_a_misspelt_filter_is_422_and_does_not_answer_with_everything(api):
    assert api.fields("GET", "/messages?chanel_id=x") == ["chanel_id"]


@pytest.mark.parametrize(
    "cursor", ["", "x", "%20", "bnVsbA", "W10", "WyJhIiwiYiJd", "WzFd", "WyJcdTAwMDAiXQ", "🙂"]
)
@pytest.mark.parametrize("path", ["/channels", "/conversations", "/messages"])
def test_a_cursor_that_is_none_of_ours_is_422(api, path, cursor):
    assert api.fields("GET", f"{path}?cursor={cursor}") == ["cursor"]


def test_a_database_that_is_down_is_503_and_names_no_host(api, monkeypatch):
    def refuse(*_, **__):
        raise DatabaseDown("The database (db.internal) did not answer.")

    monkeypatch.setattr("hubbub.api.endpoint.bearer_of", refuse)
    answer = api("GET", "/channels", status=503)
    assert answer.headers["Retry-After"]
    assert "db.internal" not in answer.get_data(as_text=True)


def test_a_fault_of_ours_is_500_without_a_traceback(api, monkeypatch):
    def fail(*_, **__):
        raise RuntimeError("a very private reason")

    monkeypatch.setattr("hubbub.api.endpoint.bearer_of", fail)
    answer = api("GET", "/channels", status=500)
    assert "private" not in answer.get_data(as_text=True)


def test_a_fault_of_the_database_is_no_leak_either(api, monkeypatch):
    def fail(*_, **__):
        raise OperationalError("SELECT secret", {}, Exception("x"))

    monkeypatch.setattr("hubbub.api.endpoint.bearer_of", fail)
    assert "SELECT" not in api("GET", "/channels", status=500).get_data(as_text=True)


def test_head_answers_like_get_without_a_body(api):
    answer = api("HEAD", "/channels", status=200)
    assert answer.get_data() == b""
