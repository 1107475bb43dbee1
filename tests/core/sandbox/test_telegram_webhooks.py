import threading

import pytest

from hubbub.sandbox.telegram import state

SECRET_HEADER = "X-Telegram-Bot-Api-Secret-Token"
BOT = 5550900
TOKEN = f"{BOT}:{'A' * 35}"
ADA = {"id": 5550001, "first_name": "Ada"}
BO = {"id": 5550002, "first_name": "Bo"}


def info(telegram):
    return telegram.result("getWebhookInfo")


def told_of(hub, count, kind):
    """Return the one update of a kind among so many: kinds overtake each other."""
    (found,) = [call.update[kind] for call in hub.wait(count) if kind in call.update]
    return found


def test_an_update_reaches_the_webhook_with_its_secret(hooked, hub):
    hooked.write("Hi 😀 @bob_1 /help")
    [told] = hub.wait(1)
    assert told.path == "/webhooks/abc"
    assert told.headers[SECRET_HEADER] == "s3cret_-token"
    assert told.headers["Content-Type"] == "application/json"
    message = told.update["message"]
    assert message["chat"] == {
        "id": 5550001,
        "type": "private",
        "first_name": "Ada",
        "last_name": "Example",
    }
    assert message["entities"] == [
        {"type": "mention", "offset": 6, "length": 6},
        {"type": "bot_command", "offset": 13, "length": 5},
    ]


def test_the_answer_of_the_hub_is_logged(sandbox, hooked, hub, says):
    hub.next_answers.append(says(200, b"fine"))
    update = hooked.write()["update_id"]
    [call] = sandbox.calls(1)
    assert (call["key"], call["status"], call["answer"]) == (str(update), 200, "fine")
    assert info(hooked)["pending_update_count"] == 0


def test_a_refused_update_comes_again_until_it_is_taken(sandbox, hooked, hub, says):
    hub.next_answers.extend([says(500), says(503), says(200)])
    hooked.write()
    assert [call["status"] for call in sandbox.calls(3)] == [500, 503, 200]
    bodies = {told.body for told in hub.wait(3)}
    assert len(bodies) == 1
    state = info(hooked)
    assert state["pending_update_count"] == 0
    assert state["last_error_message"] == "Wrong response from the webhook: 503"


def test_the_hub_says_when_to_come_again(sandbox, hooked, hub, says):
    hub.next_answers.append(says(429, b"", (("Retry-After", "0"),)))
    hooked.write()
    assert [call["status"] for call in sandbox.calls(2)] == [429, 200]


def test_updates_of_one_chat_come_one_after_the_other(sandbox, hooked, hub, says):
    hub.next_answers.extend([says(500), says(500)])
    for number in range(20):
        hooked.write(str(number))
    taken = [call for call in sandbox.calls(22) if call["status"] == 200]
    texts = [told.update["message"]["text"] for told in hub.wait(22)]
    assert len(taken) == 20
    assert texts == ["0", "0", *map(str, range(20))]


def test_a_poisonous_update_blocks_its_chat_alone(hooked, hub, says):
    hub.next_answers.append(says(500, b"", (("Retry-After", "3600"),)))
    hooked.write("poison")
    hub.wait(1)
    hooked.write("behind it")
    hooked.write("another chat", sender=BO)
    texts = [told.update["message"]["text"] for told in hub.wait(2)]
    assert texts == ["poison", "another chat"]


def test_a_new_address_gets_what_the_old_one_held_up(hooked, hub, says):
    hub.next_answers.append(says(500, b"", (("Retry-After", "3600"),)))
    hooked.write("waiting")
    hub.wait(1)
    hooked.result("setWebhook", url=f"{hub.url}/webhooks/new")
    [told] = hub.wait(1, path="/webhooks/new")
    assert told.update["message"]["text"] == "waiting"


def test_what_waited_is_sent_once_a_webhook_is_set(telegram, hub):
    telegram.write("early")
    telegram.result("setWebhook", url=f"{hub.url}/w")
    assert [told.update["message"]["text"] for told in hub.wait(1)] == ["early"]


def test_what_waited_is_dropped_if_asked(telegram, hub):
    telegram.write("early")
    telegram.result("setWebhook", url=f"{hub.url}/w", drop_pending_updates=True)
    telegram.write("late")
    assert [told.update["message"]["text"] for told in hub.wait(1)] == ["late"]


@pytest.mark.parametrize(
    ("params", "description"),
    [
        ({"url": "ftp://x.example"}, "bad webhook: An HTTPS URL must be provided for webhook"),
        ({"url": "https://x.example", "secret_token": "a b"}, "unallowed characters"),
        ({"url": "https://x.example", "secret_token": "a" * 257}, "secret token is too long"),
    ],
)
def test_a_bad_webhook_is_refused(telegram, params, description):
    answer = telegram.call("setWebhook", **params)
    assert answer.status_code == 400
    assert description in answer.json["description"]


def test_setting_says_what_it_did(telegram):
    url = "https://hub.example/w"
    words = [telegram.call("setWebhook", url=url).json["description"] for _ in range(2)]
    assert words == ["Webhook was set", "Webhook is already set"]
    assert info(telegram)["url"] == url
    assert telegram.call("deleteWebhook").json["description"] == "Webhook was deleted"
    assert info(telegram)["url"] == ""


def test_only_wanted_kinds_are_sent(telegram):
    telegram.result("setWebhook", url="http://127.0.0.1:9/w", allowed_updates=["callback_query"])
    assert telegram.write()["update_id"] is None
    assert info(telegram)["allowed_updates"] == ["callback_query"]


def test_omitted_kinds_stay_as_they_were_and_an_empty_list_is_the_default(telegram):
    telegram.result("setWebhook", url="http://127.0.0.1:9/w", allowed_updates=["callback_query"])
    telegram.result("setWebhook", url="http://127.0.0.1:9/w")
    assert info(telegram)["allowed_updates"] == ["callback_query"]
    telegram.result("setWebhook", url="http://127.0.0.1:9/w", allowed_updates=[])
    assert "allowed_updates" not in info(telegram)


def test_a_blocked_bot_is_told_and_refused_until_it_is_let_in_again(hooked, hub):
    hooked.write()
    person = {"id": 5550001, "first_name": "Ada"}
    hooked.post("blocks", {"from": person})
    told = told_of(hub, 2, "my_chat_member")
    assert (told["old_chat_member"]["status"], told["new_chat_member"]["status"]) == (
        "member",
        "kicked",
    )
    assert hooked.call("sendMessage", chat_id=5550001, text="x").status_code == 403
    hooked.post("blocks", {"from": person, "blocked": False})
    assert hooked.call("sendMessage", chat_id=5550001, text="x").status_code == 200


def test_a_press_carries_the_message_and_its_data(hooked, hub):
    hooked.write()
    markup = {"inline_keyboard": [[{"text": "Yes", "callback_data": "v1:yes"}]]}
    message = hooked.result("sendMessage", chat_id=5550001, text="OK?", reply_markup=markup)
    press = {"from": {"id": 5550001}, "message_id": message["message_id"], "data": "v1:yes"}
    hooked.post("presses", press)
    query = told_of(hub, 2, "callback_query")
    assert (query["data"], query["message"]["text"]) == ("v1:yes", "OK?")


def test_a_press_on_a_forgotten_message_names_only_its_chat(hooked, hub):
    hooked.post("presses", {"from": {"id": 5550001}, "message_id": 999, "data": "x"})
    [told] = hub.wait(1)
    assert told.update["callback_query"]["message"]["date"] == 0


def test_an_edit_is_the_same_message_anew(hooked, hub):
    number = hooked.write("Hi")["message_id"]
    hooked.write("Hello", edits=number)
    edited = told_of(hub, 2, "edited_message")
    assert (edited["message_id"], edited["text"]) == (number, "Hello")
    assert "edit_date" in edited


def test_a_raw_update_is_sent_as_it_is(hooked, hub):
    update = {"update_id": 5, "surprise": {"x": 1}}
    assert hooked.post("messages", {"update": update}) == {"update_id": 5}
    assert hub.wait(1)[0].update == update


def test_a_file_of_the_customer_can_be_fetched(hooked, hub):
    hooked.write(None, caption="Broken", upload={"kind": "voice", "data": "T2dnUw=="})
    voice = hub.wait(1)[0].update["message"]["voice"]
    assert voice["file_size"] == 4
    path = hooked.result("getFile", file_id=voice["file_id"])["file_path"]
    assert hooked.http.get(f"/telegram/file/bot{TOKEN}/{path}").data == b"OggS"


@pytest.mark.parametrize("words", ["", "Broken"])
def test_what_is_said_with_a_file_is_its_caption_and_never_its_text(hooked, hub, words):
    hooked.write(words, upload={"kind": "voice", "data": "T2dnUw=="})
    message = hub.wait(1)[0].update["message"]
    assert message["voice"]["file_size"] == 4
    assert "text" not in message
    assert message.get("caption", "") == words


def test_polling_gets_what_waits_and_confirms_by_offset(telegram):
    first = telegram.write("one")["update_id"]
    telegram.write("two")
    updates = telegram.result("getUpdates")
    assert [update["message"]["text"] for update in updates] == ["one", "two"]
    assert len(telegram.result("getUpdates", offset=first + 1)) == 1
    assert len(telegram.result("getUpdates", offset=first + 2)) == 0


def test_polling_waits_for_the_next_update(telegram):
    got = []
    poll = threading.Thread(target=lambda: got.extend(telegram.result("getUpdates", timeout=10)))
    poll.start()
    telegram.write("at last")
    poll.join(10)
    assert [update["message"]["text"] for update in got] == ["at last"]


def test_polling_beside_a_webhook_is_a_conflict(hooked):
    answer = hooked.call("getUpdates")
    assert answer.status_code == 409
    assert "while webhook is active" in answer.json["description"]


@pytest.mark.parametrize(
    ("method", "params", "words"),
    [
        ("getUpdates", {}, "terminated by other getUpdates request"),
        ("setWebhook", {"url": "http://127.0.0.1:9/"}, "terminated by setWebhook request"),
    ],
)
def test_a_poller_ends_when_another_comes(sandbox, telegram, method, params, words):
    telegram.result("getMe")
    answers = []
    poll = threading.Thread(target=lambda: answers.append(telegram.call("getUpdates", timeout=10)))
    poll.start()
    # The second caller must come while the first waits: ask until the first has ended.
    while poll.is_alive():
        telegram.call(method, **params)
        telegram.call("deleteWebhook")
        poll.join(0.01)
    assert answers[0].status_code == 409
    assert words in answers[0].json["description"]


def test_a_reaction_tells_what_was_there_before(telegram, hub):
    kinds = ["message", "message_reaction"]
    telegram.result("setWebhook", url=f"{hub.url}/w", allowed_updates=kinds)
    number = telegram.write()["message_id"]
    hub.wait(1)
    for emoji in ("👍", ""):
        telegram.post("reactions", {"from": ADA, "message_id": number, "emoji": emoji})
    first, second = (told.update["message_reaction"] for told in hub.wait(3)[1:])
    assert (first["old_reaction"], second["new_reaction"]) == ([], [])
    assert first["new_reaction"] == second["old_reaction"] == [{"type": "emoji", "emoji": "👍"}]


def test_a_bot_that_did_not_ask_hears_of_no_reaction(hooked):
    number = hooked.write()["message_id"]
    told = hooked.post("reactions", {"from": ADA, "message_id": number, "emoji": "👍"})
    assert told == {"update_id": None}


def test_only_a_message_of_the_chat_can_be_reacted_to(hooked):
    hooked.write()
    body = {"from": ADA, "message_id": 99, "emoji": "👍"}
    answer = hooked.http.post(f"/_sandbox/telegram/{BOT}/reactions", json=body)
    assert answer.status_code == 404


def test_a_sandbox_started_later_reuses_no_number_of_an_earlier_one(monkeypatch):
    numbers = []
    for started in (1_800_000_000.5, 1_800_000_060.5):
        monkeypatch.setattr("time.time", lambda started=started: started)
        numbers.append(state.Bot(7, threading.Condition(), username="one").new_update())
    assert numbers == [1_800_000_000, 1_800_000_060]
