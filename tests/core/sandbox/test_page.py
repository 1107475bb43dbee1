import base64
import io
import re

import pytest

from hubbub.sandbox.providers import Persona
from hubbub.sandbox.twilio.provider import phone_of

TOKEN = "5550900:" + "A" * 35
BOT = "telegram:5550900"
NUMBER = f"twilio:AC{'0' * 31}9:+12025550100"
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
)


class Page:
    """A person in front of the page."""

    def __init__(self, http, channel, persona="Ada Example"):
        self.http = http
        self.seat = {"channel": channel, "persona": persona}

    def thread(self, **query):
        return self.http.get("/thread", query_string={**self.seat, **query})

    def post(self, path, **form):
        return self.http.post(path, data={**self.seat, **form})


@pytest.fixture
def page(sandbox, hooked):
    return Page(sandbox.http, BOT)


@pytest.fixture
def phone(sandbox, texted):
    return Page(sandbox.http, NUMBER)


def test_without_channels_the_page_says_how_to_get_one(sandbox):
    text = sandbox.http.get("/").text
    assert "No channel yet" in text
    assert "http://localhost/telegram" in text


def test_every_channel_can_be_chosen(sandbox, hooked, texted):
    text = sandbox.http.get("/").text
    assert f'value="{BOT}"' in text
    assert "+12025550100" in text
    assert text.count("connected to the hub") == 2


def test_a_text_of_the_customer_reaches_the_hub_and_stands_in_the_chat(page, hub):
    answer = page.post("/say", text="Hello there")
    assert (answer.status_code, "channel=" in answer.headers["Location"]) == (303, True)
    message = hub.wait(1)[0].update["message"]
    assert (message["text"], message["from"]["first_name"]) == ("Hello there", "Ada")
    assert "Hello there" in page.thread().text


def test_the_answer_of_the_bot_appears_with_its_buttons(page, hooked, hub):
    page.post("/say", text="Hi")
    chat = hub.wait(1)[0].update["message"]["chat"]["id"]
    markup = {"inline_keyboard": [[{"text": "Track <it>", "callback_data": "t:1"}]]}
    sent = hooked.result("sendMessage", chat_id=chat, text="Order 17", reply_markup=markup)
    text = page.thread().text
    assert "Order 17" in text
    assert "Track &lt;it&gt;" in text
    page.post("/press", message=sent["message_id"], data="t:1")
    assert hub.wait(2)[1].update["callback_query"]["data"] == "t:1"


def test_a_reply_keyboard_is_shown(page, hooked, hub):
    page.post("/say", text="Hi")
    chat = hub.wait(1)[0].update["message"]["chat"]["id"]
    markup = {"keyboard": [["Yes", {"text": "No"}]]}
    hooked.result("sendMessage", chat_id=chat, text="?", reply_markup=markup)
    assert re.findall(r'name="text" value="(\w+)"', page.thread().text) == ["Yes", "No"]


def test_a_picture_is_sent_with_the_text_as_its_caption(page, hub):
    picture = (io.BytesIO(PNG), "cat.png", "image/png")
    page.post("/say", text="Look", image=picture)
    message = hub.wait(1)[0].update["message"]
    assert (message["caption"], len(message["photo"])) == ("Look", 2)
    [path] = set(re.findall(r'src="(/media/[^"]+)"', page.thread().text))
    assert page.http.get(path).data == PNG


def test_a_file_that_is_no_picture_is_only_downloaded(sandbox, page):
    stored = sandbox.world.files.put(name="x.svg", mime_type="image/svg+xml", data=b"<svg/>")
    answer = sandbox.http.get(f"/media/{stored.id}")
    assert answer.mimetype == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == "attachment; filename=x.svg"


def test_the_chat_is_sent_only_when_it_changed(page):
    mark = page.thread().headers["X-Thread"]
    assert page.thread(seen=mark).status_code == 204
    page.post("/say", text="New")
    assert page.thread(seen=mark).status_code == 200


def test_blocking_and_unblocking_are_told(page, hub):
    page.post("/say", text="Hi")
    page.post("/leave", left="1")
    assert "Unblock" in page.thread().text
    page.post("/leave", left="0")
    assert "Unblock" not in page.thread().text
    statuses = [
        told.update["my_chat_member"]["new_chat_member"]["status"] for told in hub.wait(3)[1:]
    ]
    assert statuses == ["kicked", "member"]


def test_a_text_message_comes_from_the_number_of_the_name(phone, hub):
    phone.post("/say", text="Hi")
    assert hub.wait(1)[0].form["From"] == phone_of(Persona("ada example "))


def test_stop_is_a_text_message(phone, hub, texted):
    phone.post("/leave", left="1")
    assert hub.wait(1)[0].form["Body"] == "STOP"
    assert "unsubscribed" in phone.thread().text
    assert "Text START" in phone.thread().text
    customer = phone_of(Persona("Ada Example"))
    assert texted.create(To=customer).json["code"] == 21610


def test_a_message_is_read_once_the_page_is_looked_at(phone, hub, texted):
    customer = phone_of(Persona("Ada Example"))
    texted.create(To=customer, StatusCallback=f"{hub.url}/status")
    hub.wait(2, path="/status")
    assert "· delivered" in phone.thread().text
    phone.thread(visible="1")
    statuses = [told.form["MessageStatus"] for told in hub.wait(3, path="/status")]
    assert statuses == ["sent", "delivered", "read"]
    assert "· read" in phone.thread().text


@pytest.mark.parametrize("kind", ["page", "phone"])
def test_the_page_shows_how_the_hub_answered(sandbox, hub, kind, request):
    seat = request.getfixturevalue(kind)
    seat.post("/say", text="Hi")
    sandbox.calls(1)
    text = seat.thread().text
    assert "the hub has it" in text
    assert '<b class="good">200</b>' in text


def test_what_people_write_is_escaped(page):
    page.post("/say", text="<script>alert(1)</script>")
    assert "<script>alert" not in page.thread().text


def test_a_hostile_answer_link_is_not_run(page, hooked, hub):
    page.post("/say", text="Hi")
    chat = hub.wait(1)[0].update["message"]["chat"]["id"]
    markup = {"inline_keyboard": [[{"text": "x", "url": "javascript:alert(1)"}]]}
    answer = hooked.call("sendMessage", chat_id=chat, text="?", reply_markup=markup)
    assert answer.status_code == 400
    assert "javascript:" not in page.thread().text


def test_the_page_runs_no_inline_script(sandbox, page):
    answer = sandbox.http.get("/", query_string=page.seat)
    assert "unsafe" not in answer.headers["Content-Security-Policy"]
    assert re.findall(r"<script(?![^>]* src=)", answer.text) == []
    assert re.findall(r"\son\w+=|\sstyle=|<style", answer.text) == []


def test_every_field_has_a_label(sandbox, page):
    text = sandbox.http.get("/", query_string=page.seat).text
    for field in ("persona", "text"):
        assert f'for="{field}"' in text
        assert f'id="{field}"' in text


def test_another_site_cannot_write(page):
    headers = {"Sec-Fetch-Site": "cross-site"}
    form = {**page.seat, "text": "x"}
    assert page.http.post("/say", data=form, headers=headers).status_code == 403


def test_a_channel_that_is_gone_says_so(sandbox):
    answer = sandbox.http.get("/", query_string={"channel": "telegram:1", "persona": "x"})
    assert answer.status_code == 404
    assert "does not know this channel any more" in answer.text
