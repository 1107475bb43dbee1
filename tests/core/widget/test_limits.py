"""A flood hurts nobody but its source, and only the hub's own window is answered."""

import json
from uuid import uuid4

import pytest
from structlog.testing import capture_logs

from hubbub.widget.places import kept_of, network_of
from tests.core.widget.conftest import Window


def test_case_15_who_writes_too_much_has_to_wait_and_others_do_not(shop):
    ada, bob = shop.visitor(), shop.visitor()
    statuses = [ada.write(str(number)).status_code for number in range(100)]
    assert statuses == [201] * 10 + [429] * 90
    assert ada.write("More").headers["Retry-After"] == "1"
    assert bob.write("Hello").status_code == 201
    shop.world.clock.forward(seconds=1)
    assert [ada.write(str(number)).status_code for number in range(2)] == [201, 429]


def test_a_message_that_is_kept_is_answered_again_without_limit(shop):
    ada, client_id = shop.visitor(), str(uuid4())
    ada.write("Hello", client_id)
    assert {ada.write("Hello", client_id).status_code for _ in range(20)} == {200}


def test_one_place_begins_few_conversations(shop):
    statuses = [shop.visitor().write("Hello").status_code for _ in range(32)]
    assert statuses == [201] * 30 + [429] * 2
    elsewhere = shop.visitor()
    environ = {"REMOTE_ADDR": "192.0.2.7"}
    body = {"client_id": str(uuid4()), "content": {"type": "text", "text": "Hello"}}
    assert elsewhere.ask("POST", "messages", body, environ_base=environ).status_code == 201


def test_case_15_sessions_from_one_place_are_limited(shop):
    statuses = [Window(shop).session().status_code for _ in range(122)]
    assert statuses == [200] * 120 + [429] * 2
    environ = {"REMOTE_ADDR": "192.0.2.7"}
    elsewhere = Window(shop).ask("POST", "session", {}, proven=False, environ_base=environ)
    assert elsewhere.status_code == 200


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::1", "2001:db8:1:2::/64"),
        ("", ""),
    ],
)
def test_a_household_is_one_place(address, network):
    assert network_of(address) == network


@pytest.mark.parametrize(
    ("ip", "how", "kept"),
    [
        ("192.0.2.77", "none", ""),
        ("192.0.2.77", "network", "192.0.2.0/24"),
        ("192.0.2.77", "whole", "192.0.2.77"),
        ("2001:db8:1:2:3:4:5:6", "network", "2001:db8:1::/48"),
        ("nonsense", "network", ""),
    ],
)
def test_of_an_address_as_much_is_kept_as_is_asked_for(ip, how, kept):
    assert kept_of(ip, how) == kept


@pytest.mark.parametrize(("how", "kept"), [("none", None), ("network", "127.0.0.0/24")])
def test_agents_see_where_visitors_come_from_as_far_as_that_is_kept(shop, how, kept):
    shop.open(privacy={"ip": how})
    shop.visitor().write("Hello", attributes={"ip": "made up"})
    (row,) = shop.world.rows("select attributes from contacts")
    found = row["attributes"]
    known = json.loads(found) if isinstance(found, str) else found
    assert known.get("unverified", {}).get("ip") == kept


def test_where_too_many_conversations_begin_a_form_comes_first(shop):
    def begin(number, **body):
        environ = {"REMOTE_ADDR": f"198.51.100.{number}"}
        content = body or {"type": "text", "text": "Hello"}
        said = {"client_id": str(uuid4()), "content": content}
        return shop.visitor().ask("POST", "messages", said, environ_base=environ).status_code

    ada = shop.visitor()
    ada.write("I was here before")
    with capture_logs() as logs:
        assert [begin(number) for number in range(61)] == [201] * 59 + [409] * 2
    assert [one["event"] for one in logs if one["log_level"] == "warning"] == [
        "conversations begin too fast: visitors fill in a form first"
    ]
    frame = ada.web.get(f"/widget/{shop.key}/frame").get_data(as_text=True)
    assert "&#34;when&#34;: &#34;first&#34;" in frame
    assert begin(100, type="form", fields={"email": "bob@example.com"}) == 201
    assert ada.write("And go on").status_code == 201


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
def test_other_pages_are_not_answered(shop, headers):
    if headers.get("Origin") == "null":
        headers = {**headers, "Sec-Fetch-Site": "cross-site"}
    assert Window(shop, **headers).session().status_code == 403
    ada = shop.visitor()
    ada.headers = headers
    assert ada.write("Hello").status_code == 403


def test_no_answer_lets_other_pages_read_it(shop):
    ada = shop.visitor()
    for answer in (ada.write("Hello"), ada.ask("GET", "messages")):
        assert "Access-Control-Allow-Origin" not in answer.headers
        assert "Set-Cookie" not in answer.headers
        assert answer.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    ("content", "status"),
    [
        ({"type": "text", "text": "😀" * 4000}, 201),
        ({"type": "text", "text": "ä" * 4000}, 201),
        ({"type": "text", "text": "a" * 4001}, 422),
        ({"type": "text", "text": " \n"}, 422),
        ({"type": "text", "text": "a", "html": "<b>"}, 422),
        ({"type": "system", "event": "joined"}, 422),
        ({"type": "file", "media_id": "01hzy3v7q8r9s0t1v2w3x4y5z6.forged"}, 404),
        ({"type": "form", "fields": {}}, 422),
        ({"type": "form", "fields": {f"f{n}": "x" for n in range(25)}}, 422),
    ],
)
def test_only_what_a_visitor_can_say_is_taken(shop, content, status):
    ada = shop.visitor()
    answer = ada.ask("POST", "messages", {"client_id": str(uuid4()), "content": content})
    assert answer.status_code == status, answer.text


def test_case_15_a_body_of_a_megabyte_is_too_large(shop):
    ada = shop.visitor()
    body = {"client_id": str(uuid4()), "content": {"type": "text", "text": "a" * (1 << 20)}}
    assert ada.ask("POST", "messages", body).status_code == 413
    assert shop.world.rows("select id from calls") == []


def test_an_unknown_widget_is_not_found(shop):
    for path in (".js", "/frame", "/messages"):
        answer = shop.app.test_client().get(f"/widget/{'x' * 32}{path}")
        assert answer.status_code == 404


def test_whoever_reads_the_key_in_a_page_cannot_call_the_webhook(shop):
    line = shop.world.line(shop.channel_id)
    body = {"kind": "message", "visitor": f"v:{'0' * 26}", "client_id": "1", "content": {}}
    assert shop.world.call(line, body)[0] == 404
    assert shop.world.rows("select id from calls") == []


def test_who_reads_without_end_has_to_wait(shop):
    ada = shop.visitor()
    statuses = [ada.ask("GET", "events?after=0&wait=0").status_code for _ in range(121)]
    assert statuses == [200] * 120 + [429]
    assert ada.ask("GET", "messages").status_code == 429


def test_nobody_keeps_the_probe_busy(shop, monkeypatch):
    monkeypatch.setattr("hubbub.widget.inspection.PAUSE", 0)
    web = shop.app.test_client()
    statuses = [web.get(f"/widget/{shop.key}/probe", buffered=True).status_code for _ in range(31)]
    assert statuses == [200] * 30 + [429]
