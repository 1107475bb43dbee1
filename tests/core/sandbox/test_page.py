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


OLD_AND_NEW = ("old_reaction", "new_reaction")


def acts(seat):
    """Return the names of the buttons that act on messages."""
    inside = "".join(
        re.findall(r'<details class="acts".*?</details>', seat.thread().text, re.DOTALL)
    )
    labelled = re.findall(r'aria-label="(React[^"]+)"', inside)
    return {*labelled, *re.findall(r">(\w+)</button>", inside)}


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


def test_a_channel_that_the_hub_hears_is_chosen_at_first(sandbox, telegram, texted):
    def chosen():
        return re.findall(r'value="([^"]+)" required checked', sandbox.http.get("/").text)

    telegram.result("getMe")
    assert chosen() == [NUMBER]
    telegram.result("getUpdates")
    assert chosen() == [BOT]


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
    assert re.findall(r'<button type="submit" name="text" value="(\w+)"', page.thread().text) == [
        "Yes",
        "No",
    ]


def test_a_picture_is_sent_with_the_text_as_its_caption(page, hub):
    picture = (io.BytesIO(PNG), "cat.png", "image/png")
    page.post("/say", text="Look", file=picture)
    message = hub.wait(1)[0].update["message"]
    assert (message["caption"], len(message["photo"])) == ("Look", 2)
    [path] = set(re.findall(r'src="(/media/[^"]+)"', page.thread().text))
    assert page.http.get(path).data == PNG


def test_several_files_are_an_album_whose_first_carries_the_words(page, hub):
    files = [(io.BytesIO(PNG), f"{number}.png", "image/png") for number in range(3)]
    page.post("/say", text="Look", file=files)
    messages = [told.update["message"] for told in hub.wait(3)]
    assert [message.get("caption") for message in messages] == ["Look", None, None]
    assert len({message["media_group_id"] for message in messages}) == 1


@pytest.mark.parametrize(
    ("mime_type", "kind", "key"),
    [
        ("image/jpeg", "", "photo"),
        ("image/gif", "", "animation"),
        ("audio/ogg", "", "voice"),
        ("audio/mpeg", "", "audio"),
        ("video/mp4", "", "video"),
        ("application/pdf", "", "document"),
        ("image/webp", "sticker", "sticker"),
        ("video/mp4", "video_note", "video_note"),
        ("image/jpeg", "document", "document"),
    ],
)
def test_a_file_goes_as_what_it_looks_like_or_as_what_was_chosen(
    page, hub, *, mime_type, kind, key
):
    page.post("/say", kind=kind, file=(io.BytesIO(b"bytes"), "x", mime_type))
    assert key in hub.wait(1)[0].update["message"]


def test_words_beside_a_sticker_are_a_message_of_their_own(page, hub):
    page.post("/say", text="Hi", kind="sticker", file=(io.BytesIO(b"RIFF"), "x", "image/webp"))
    sticker, words = (told.update["message"] for told in hub.wait(2))
    assert ("caption" in sticker, words["text"]) == (False, "Hi")


def test_a_kind_of_file_that_is_none_is_refused(page):
    answer = page.post("/say", kind="hologram", file=(io.BytesIO(b"x"), "x", "image/png"))
    assert answer.status_code == 422
    assert "no kind of file" in answer.text


def test_a_place_is_shared_with_a_name_or_without(page, hub):
    page.post("/say", latitude="48.1", longitude="11.5", place_name="Cafe")
    page.post("/say", latitude="48.1", longitude="11.5")
    venue, point = (told.update["message"] for told in hub.wait(2))
    assert (venue["venue"]["title"], venue["location"]["latitude"]) == ("Cafe", 48.1)
    assert ("venue" in point, point["location"]["longitude"]) == (False, 11.5)


def test_a_place_without_numbers_is_refused(page):
    answer = page.post("/say", latitude="north", longitude="11")
    assert answer.status_code == 422
    assert "as numbers" in answer.text


def test_a_contact_is_shared(page, hub):
    page.post("/say", card_name="Bo", card_phone="+12025550143")
    contact = hub.wait(1)[0].update["message"]["contact"]
    assert contact == {"phone_number": "+12025550143", "first_name": "Bo"}


def test_an_earlier_message_is_quoted_and_reworded(page, hub):
    page.post("/say", text="Helo")
    number = hub.wait(1)[0].update["message"]["message_id"]
    page.post("/say", text="Hello", edits=number)
    page.post("/say", text="Are you there?", quotes=number)
    _, edit, reply = (told.update for told in hub.wait(3))
    assert edit["edited_message"]["text"] == "Hello"
    assert reply["message"]["reply_to_message"]["text"] == "Hello"
    assert "· edited" in page.thread().text


def test_a_reaction_is_put_on_a_message_and_taken_away(page, hooked, hub):
    hooked.result("setWebhook", url=f"{hub.url}/w", allowed_updates=["message", "message_reaction"])
    page.post("/say", text="Hi")
    number = hub.wait(1)[0].update["message"]["message_id"]
    for emoji in ("👍", "🔥", ""):
        page.post("/react", message=number, emoji=emoji)
    told = [told.update["message_reaction"] for told in hub.wait(4)[1:]]
    shown = [
        tuple("".join(one["emoji"] for one in update[when]) for when in OLD_AND_NEW)
        for update in told
    ]
    assert shown == [("", "👍"), ("👍", "🔥"), ("🔥", "")]


def test_a_message_can_be_acted_on_where_the_channel_knows_how(page, phone, texted, hub):
    page.post("/say", text="Hi")
    assert {"Reply", "Edit", "React with 👍"} <= acts(page)
    texted.create(To=phone_of(Persona("Ada Example")))
    assert acts(phone) == {"sent", "delivered", "read", "undelivered", "failed"}


@pytest.mark.parametrize("receipt", ["delivered", "read", "undelivered", "failed"])
def test_the_phone_tells_what_became_of_a_message(sandbox, phone, hub, texted, receipt):
    sandbox.rules(twilio_receipts=False)
    customer = phone_of(Persona("Ada Example"))
    sid = texted.create(To=customer, StatusCallback=f"{hub.url}/status").json["sid"]
    phone.post("/confirm", message=sid, receipt=receipt)
    [told] = hub.wait(1, path="/status")
    assert (told.form["MessageSid"], told.form["MessageStatus"]) == (sid, receipt)
    assert ("ErrorCode" in told.form) == (receipt in {"undelivered", "failed"})
    assert f"· {receipt}" in phone.thread().text


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
    # The text may come between them: each kind of update has a queue of its own.
    changes = [
        told.update["my_chat_member"] for told in hub.wait(3) if "message" not in told.update
    ]
    assert [change["new_chat_member"]["status"] for change in changes] == ["kicked", "member"]


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


def test_where_no_files_are_carried_none_is_offered_and_none_is_dropped(sandbox):
    gateway = {"username": "shop", "numbers": ["12345"]}
    assert sandbox.http.post("/_sandbox/gateways", json=gateway).status_code == 201
    page = Page(sandbox.http, "gateway:shop:12345")
    shown = sandbox.http.get("/", query_string=page.seat).text
    assert "Add files" not in shown
    assert "no files are carried here" in shown
    refused = page.post("/say", text="Look", file=(io.BytesIO(PNG), "cat.png"))
    assert refused.status_code == 422
    assert "Look" not in page.thread().text
