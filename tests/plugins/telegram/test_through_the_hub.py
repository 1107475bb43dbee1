"""The conformance cases of the channel, by number, through a whole hub and the sandbox."""

import json
import logging

import pytest

from hubbub.connect import work as connect
from hubbub.sdk import Attachment, Choices, Media, Option, Reaction, Text

BOT = 5550900
TOKEN = f"{BOT}:{'A' * 35}"
ADA = {"id": 5550001, "first_name": "Ada"}
BO = {"id": 5550002, "first_name": "Bo"}
GROUP = {"id": -4001, "type": "group", "title": "Club"}


@pytest.fixture
def bot(joined):
    return joined.channel("telegram", {"token": TOKEN}, mode="webhook", allow_groups=True)


@pytest.fixture
def write(joined, bot):
    """Let a customer write, and the hub hear it."""

    def written(text="Hi", *, sender=ADA, **more):
        words = {} if text is None else {"text": text}
        told = joined.control(f"telegram/{BOT}/messages", {"from": sender, **words, **more})
        joined.heard()
        return told

    return written


def contents(joined):
    return [_read(row["content"]) for row in joined.inbound()]


def _read(column):
    return json.loads(column) if isinstance(column, str) else column


def address(joined, name):
    return joined.world.one("SELECT * FROM addresses WHERE address = :name", name=name)


def test_case_02_a_call_with_a_wrong_secret_is_quarantined(joined, bot):
    joined.fault("bad_signature", "webhook", times=1)
    joined.control(f"telegram/{BOT}/messages", {"from": ADA, "text": "Hi"})
    assert joined.heard(2) == [401, 200]
    states = joined.world.rows("SELECT state FROM calls ORDER BY state")
    assert [row["state"] for row in states] == ["done", "quarantined"]
    assert len(joined.inbound()) == 1


def test_case_03_the_same_update_twice_is_one_message(joined, bot):
    joined.fault("duplicate_webhooks", "webhook")
    joined.control(f"telegram/{BOT}/messages", {"from": ADA, "text": "Hi"})
    assert joined.heard(2) == [200, 200]
    assert contents(joined) == [{"type": "text", "text": "Hi"}]


def test_case_04_a_photo_is_fetched_and_the_token_is_kept_nowhere(
    joined, bot, write, caplog, capsys
):
    caplog.set_level(logging.DEBUG)
    joined.fault("drop_before", "getFile", times=1)
    write(None, upload={"kind": "photo", "data": "/9j/4AAQSkZJRg=="}, caption="Broken")
    assert joined.world.one("SELECT state FROM media")["state"] == "pending"
    joined.world.pass_time(minutes=5)
    joined.control(f"telegram/{BOT}/revoke")
    connect.check_channel(joined.world.hub, bot.id)
    media = joined.world.one("SELECT * FROM media")
    assert media["state"] == "ready"
    for name in ("media", "messages", "calls", "attempts", "channels"):
        assert TOKEN not in str(joined.world.rows(f"SELECT * FROM {name}"))
    printed = capsys.readouterr()
    assert "channel status" in printed.out
    assert TOKEN not in caplog.text + printed.out + printed.err


def test_case_07_an_album_is_told_in_its_order(joined, bot, write):
    for number in range(3):
        write(str(number), media_group_id="1")
    assert [content["text"] for content in contents(joined)] == ["0", "1", "2"]


def test_case_07_an_album_that_comes_at_once_is_whole_and_in_its_order(joined, bot):
    # For one chat Telegram makes one call at a time - telegram-bot-api, WebhookActor: each chat has
    # a queue - and what is kept in an order is shown in that order.
    items = [{"from": ADA, "text": str(number), "media_group_id": "1"} for number in range(3)]
    told = [joined.control(f"telegram/{BOT}/messages", item)["message_id"] for item in items]
    joined.control(f"telegram/{BOT}/messages", {"from": BO, "text": "Hi"})
    assert joined.heard(4) == [200] * 4
    album = [row for row in joined.inbound() if row["sender_address"] == "5550001"]
    assert [row["external_id"] for row in album] == [f"5550001:{number}" for number in told]
    assert [row["seq"] for row in album] == [1, 2, 3]


def test_case_08_a_deep_link_opens_the_conversation(joined, write):
    write("/start ref_42")
    assert contents(joined) == [{"type": "system", "event": "started", "detail": "ref_42"}]


def test_case_09_a_button_is_a_choice_and_is_answered(joined, bot, write):
    write()
    options = (Option(id="yes", title="Yes"), Option(id="x" * 99, title="Long"))
    joined.write(bot, "5550001", Choices(text="Well?", options=options))
    number = int(joined.sent()[-1]["external_id"].partition(":")[2])
    for data in ("yes", "o:1"):
        press = {"from": ADA, "message_id": number, "data": data}
        joined.control(f"telegram/{BOT}/presses", press)
        joined.heard()
    assert [(c["id"], c["title"]) for c in contents(joined)[1:]] == [
        ("yes", "Yes"),
        ("x" * 99, "Long"),
    ]
    answered = joined.sent(kind="action")
    assert [line["operation"] for line in answered] == ["answerCallbackQuery"] * 2


def test_case_10_blocking_marks_the_address_and_coming_back_unmarks_it(joined, write):
    write()
    for blocked, state in ((True, "blocked"), (False, "ok")):
        joined.control(f"telegram/{BOT}/blocks", {"from": ADA, "blocked": blocked})
        joined.heard()
        assert address(joined, "5550001")["state"] == state


def test_case_11_an_unknown_kind_is_kept_and_counted_as_ignored(joined, bot):
    update = {"update": {"dream": {"chat": {"id": 1}}}}
    joined.control(f"telegram/{BOT}/messages", update)
    assert joined.heard() == [200]
    call = joined.world.one("SELECT * FROM calls")
    assert (call["state"], call["ignored"]) == ("done", 1)
    assert b"dream" in call["body"]


def test_case_12_a_limit_holds_one_chat_and_no_other(joined, bot, write):
    write()
    write(sender=BO)
    joined.fault("rate_limit", "sendMessage", retry_after=3, match={"address": "5550001"}, times=1)
    joined.write(bot, "5550001", Text(text="slow"))
    joined.write(bot, "5550002", Text(text="quick"))
    assert [line["text"] for line in joined.sent()] == ["quick"]
    joined.world.pass_time(seconds=2)
    assert len(joined.sent()) == 1
    joined.world.pass_time(seconds=3)
    assert [line["text"] for line in joined.sent()] == ["quick", "slow"]
    assert joined.statuses() == ["sent", "sent"]


def test_case_13_a_group_that_moved_is_written_to_once_where_it_is_now(joined, bot, write):
    write("Hello", chat=GROUP)
    joined.control(f"telegram/{BOT}/chats", {"id": -4001, "migrated_to": -1004001})
    joined.write(bot, "-4001", Text(text="Hi all"))
    assert [(line["address"], line["text"]) for line in joined.sent()] == [("-1004001", "Hi all")]
    assert [row["address"] for row in joined.world.rows("SELECT address FROM addresses")].count(
        "-1004001"
    ) == 1
    joined.write(bot, "-1004001", Text(text="Again"))
    assert joined.sent()[-1]["address"] == "-1004001"


def test_case_14_a_long_text_arrives_in_parts_in_order(joined, bot, write):
    write()
    text = " ".join(f"{number:04}😀" for number in range(800))
    joined.write(bot, "5550001", Text(text=text))
    for _ in range(3):
        joined.world.pass_time(seconds=2)
    texts = [line["text"] for line in joined.sent()]
    assert len(texts) == 2
    assert " ".join(texts) == text
    assert all(len(part.encode("utf-16-le")) // 2 <= 4096 for part in texts)


def test_case_15_a_dead_token_stops_the_channel_and_a_blocked_bot_one_address(joined, bot, write):
    write()
    write(sender=BO)
    joined.control(f"telegram/{BOT}/chats", {"id": 5550001, "state": "blocked"})
    joined.write(bot, "5550001", Text(text="blocked"))
    joined.write(bot, "5550002", Text(text="fine"))
    assert joined.statuses() == ["failed", "sent"]
    assert address(joined, "5550001")["state"] != "ok"
    joined.control(f"telegram/{BOT}/revoke")
    joined.write(bot, "5550002", Text(text="dead"))
    assert joined.world.one("SELECT status FROM channels")["status"] == "error"
    joined.world.pass_time(minutes=1)
    assert joined.statuses() == ["failed", "sent", "sending"]
    assert len(joined.sent()) == 1


def test_a_lost_answer_is_unknown_and_nothing_is_sent_twice(joined, bot, write):
    write()
    joined.fault("drop_after_accept", "sendMessage", times=1)
    joined.write(bot, "5550001", Text(text="once"))
    joined.world.pass_time(hours=1)
    assert joined.statuses() == ["unknown"]
    assert [line["text"] for line in joined.sent()] == ["once"]


def test_a_reaction_goes_both_ways(joined, bot, write):
    number = write()["message_id"]
    joined.write(bot, "5550001", Reaction(emoji="👍", target_external_id=f"5550001:{number}"))
    assert joined.sent(kind="action")[-1]["operation"] == "setMessageReaction"
    reaction = {"from": ADA, "message_id": number, "emoji": "🔥"}
    joined.control(f"telegram/{BOT}/reactions", reaction)
    joined.heard()
    assert contents(joined)[-1]["emoji"] == "🔥"


def test_an_edit_changes_the_message_and_keeps_what_it_said(joined, write):
    number = write("Helo")["message_id"]
    write("Hello", edits=number)
    (message,) = joined.inbound()
    assert _read(message["content"])["text"] == "Hello"
    assert message["edited_at"]


def test_a_reply_quotes_in_both_directions(joined, bot, write):
    number = write()["message_id"]
    write("And?", reply_to=number)
    asked = joined.inbound()[1]
    assert asked["reply_to_external_id"] == f"5550001:{number}"


def test_a_picture_that_a_customer_sent_can_be_sent_on(joined, bot, write):
    write(None, upload={"kind": "photo", "data": "/9j/4AAQSkZJRg=="})
    joined.world.pass_time(seconds=5)
    media = joined.world.one("SELECT * FROM media")["id"]
    picture = Attachment(type="image", media=Media(id=media), caption="Yours")
    joined.write(bot, "5550001", picture)
    (sent,) = joined.sent()
    assert (sent["operation"], sent["text"]) == ("sendPhoto", "Yours")


def test_a_business_account_is_answered_as_itself(joined):
    line = joined.channel("telegram", {"token": TOKEN}, mode="webhook", business=True)
    message = {
        "message_id": 3,
        "business_connection_id": "bc1",
        "from": ADA,
        "chat": {"id": 5550001, "type": "private", "first_name": "Ada"},
        "date": 1767225600,
        "text": "For the shop",
    }
    joined.control(f"telegram/{BOT}/messages", {"update": {"business_message": message}})
    joined.heard()
    assert address(joined, "5550001@bc1")["state"] == "ok"
    joined.write(line, "5550001@bc1", Text(text="Ready"))
    (sent,) = joined.sent()
    assert sent["params"]["business_connection_id"] == "bc1"
    assert sent["text"] == "Ready"
