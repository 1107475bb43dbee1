"""The inbox: answering once, what is kept when it fails, long lists, and what was seen."""

import io
import json
import re
from datetime import timedelta

import pytest
from sqlalchemy import text

from hubbub.sdk import OutcomeUnknown
from hubbub.store.session import reading, transaction
from hubbub.track.trace import trace
from hubbub.ui import words
from tests.core.ui.kit import conversation, form_token, found

PNG = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010802000000907753de0000000c49444154"
    "789c63f8cfc0000003010100c9fe92ef0000000049454e44ae426082"
)
SCRIPT = {"X-Script": "1"}


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request):
    """A fresh database of each kind: here the lists are asked for."""
    return request.getfixturevalue(f"{request.param}_url")


@pytest.fixture
def inbox(world, browser, line):
    """An agent with a conversation open."""
    return Inbox(world, browser("agent"))


class Inbox:
    """What an agent does with the one conversation there is."""

    def __init__(self, world, client):
        self.world, self.client = world, client
        self.url = f"/inbox/{conversation(world)}"
        self.token = form_token(client.get(self.url))
        world.work()  # The contact is shown that somebody read it.

    def page(self, **query):
        return self.client.get(self.url, query_string=query).text

    def post(self, form, headers=None, **data):
        return self.client.post(
            form if form.startswith("/") else f"{self.url}/{form}",
            data={"form_token": self.token, **data},
            headers=headers,
        )


def entries(page):
    return re.findall(r'id="c-([^"]+)"', page)


def bubbles(page):
    said = page.partition("<template")[0]
    return re.findall(r'<p class="said"[^>]*>([^<]*)</p>', said)


def authors(page):
    return re.findall(r'<p class="by"><bdi>([^<]*)</bdi>', page.partition("<template")[0])


def test_a_reply_sent_twice_is_one_message(inbox, world):
    for _ in range(2):
        assert inbox.post("reply", text="Hi", key="one").status_code == 302
    world.work()
    assert world.provider.said == ["Hi"]
    assert "sent" in inbox.page()


def test_the_same_form_with_other_words_says_that_the_first_were_sent(inbox, world):
    inbox.post("reply", text="Hi", key="one")
    again = inbox.post("reply", text="Hi there", key="one")
    assert again.status_code == 409
    assert "The first version of this was sent" in again.text
    assert ">Hi there</textarea>" in again.text
    key = found(r'name="key" value="([^"]*)"', again)
    assert inbox.post("reply", text="Hi there", key=key).status_code == 302
    world.work()
    assert world.provider.said == ["Hi", "Hi there"]


@pytest.mark.parametrize("what", ["reply", "note"])
def test_nothing_is_not_sent(inbox, world, what):
    answer = inbox.post(what, text=" \r\n ")
    assert (answer.status_code, "Write something first." in answer.text) == (409, True)
    told = inbox.post(what, text="", headers=SCRIPT)
    assert (told.status_code, told.text) == (409, "Write something first.\n")
    assert world.rows("SELECT id FROM notes") == []


def test_a_note_never_leaves_a_file_behind_silently(inbox, world):
    file = (io.BytesIO(PNG), "cat.png")
    answer = inbox.post("note", text="Look", file=file)
    assert "A note cannot have a file." in answer.text
    assert world.rows("SELECT id FROM notes") == []


def test_a_file_with_a_hostile_name_is_shown_and_handed_out_harmlessly(inbox, world):
    file = (io.BytesIO(PNG), "<script>alert(1)<script>.png")
    assert inbox.post("reply", text="Look", file=file).status_code == 302
    page = inbox.page()
    assert "<script>alert" not in page
    address = found(r'<img class="picture" src="([^"]+)"', inbox.client.get(inbox.url))
    picture = inbox.client.get(address.replace("&amp;", "&"))
    assert picture.content_type == "image/png"
    assert picture.headers["Content-Security-Policy"] == "default-src 'none'; sandbox"


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("picture.svg", b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'),
        ("page.html", b"<html><script>alert(1)</script></html>"),
    ],
)
def test_a_file_that_could_run_is_never_shown_as_a_picture(inbox, world, name, body):
    answer = inbox.post("reply", text="", file=(io.BytesIO(body), name, "image/png"))
    # It is no picture; what this channel does not carry goes as a link.
    assert answer.status_code == 302
    assert '<img class="picture"' not in inbox.page()


def test_a_link_of_a_file_leads_to_no_script(inbox, world):
    content = '{"type": "document", "media": {"url": "javascript:alert(1)", "state": "failed"}}'
    world.write("UPDATE messages SET kind = 'document', content = :content", content=content)
    page = inbox.page()
    assert "javascript:" not in page
    assert "the file could not be fetched." in page


def test_a_picture_from_elsewhere_is_a_link_with_its_name(inbox, world):
    content = {
        "type": "image",
        "media": {"url": "https://elsewhere.example/cats/a%20cat.png?x=1", "state": "ready"},
    }
    world.write(
        "UPDATE messages SET kind = 'image', content = :content", content=json.dumps(content)
    )
    page = inbox.page()
    assert '<img class="picture"' not in page
    assert "<bdi>a cat.png</bdi>" in page


def test_a_picture_that_lies_here_is_shown_whatever_the_hub_is_called(inbox, world):
    inbox.post("reply", text="Look", file=(io.BytesIO(PNG), "cat.png", "image/png"))
    assert 'class="picture" src="/api/v1/media/' in inbox.page()


def test_what_is_no_letter_has_no_subject_and_one_file(inbox, world):
    assert 'name="subject"' not in inbox.page()
    files = [(io.BytesIO(PNG), "a.png"), (io.BytesIO(PNG), "b.png")]
    assert "Send one file at a time here." in inbox.post("reply", text="", file=files).text


def earlier(page):
    return re.findall(r'<p class="earlier"><a href="#m-([^"]+)">.*?<bdi>([^<]*)</bdi>', page)


def test_what_is_answered_or_reacted_to_stands_above_it(inbox, world, line):
    inbox.post("reply", text="We are open")
    world.work()
    said = {row["direction"]: row for row in world.rows("SELECT * FROM messages")}
    ours, theirs = said["outbound"], said["inbound"]
    world.hear(line, {"id": "m2", "from": "+1", "text": "Until when?", "reply_to": "m1"})
    for id_, target in (("m3", ours["external_id"]), ("m4", "from elsewhere")):
        world.hear(line, {"id": id_, "from": "+1", "reaction": "👍", "to": target})
    assert earlier(inbox.page()) == [(theirs["id"], "Hello"), (ours["id"], "We are open")]
    world.hear(line, {"delete": "m1"})
    assert earlier(inbox.page())[0] == (theirs["id"], "Deleted by its author.")


def test_a_template_says_with_what_it_was_filled_in(inbox, world):
    content = {"type": "template", "name": "order_ok", "language": "en"}
    filled = {**content, "parameters": {"order": "<b>12</b>"}}
    world.write(
        "UPDATE messages SET kind = 'template', content = :content", content=json.dumps(filled)
    )
    assert "<bdi>&lt;b&gt;12&lt;/b&gt;</bdi>" in inbox.page()


def test_what_was_written_long_before_it_came_says_when(inbox, world, line):
    for id_, minutes in (("m2", 9), ("m3", 25 * 60)):
        at = world.clock.now - timedelta(minutes=minutes)
        world.hear(line, {"id": id_, "from": "+1", "text": "Hi", "at": at.isoformat()})
    written = words.moment(world.clock.now - timedelta(hours=25))
    found_times = re.findall(r'>written <time [^>]*data-as="moment">([^<]*)<', inbox.page())
    assert found_times == [written]


def test_an_old_letter_stands_below_the_day_when_it_was_written(inbox, world, line):
    now = world.clock.now
    world.write("UPDATE messages SET provider_at = :at", at=str(now - timedelta(days=40)))
    late = {"id": "m2", "from": "+1", "text": "Hi", "at": (now - timedelta(days=50)).isoformat()}
    world.hear(line, late)
    world.hear(line, {"id": "m3", "from": "+1", "text": "Hi"})
    days = re.findall(r'data-as="day">([^<]*)<', inbox.page())
    # What was written before what stands above it begins no day.
    assert days == [words.day(now - timedelta(days=40), now), "Today"]
    # The script draws the days anew, in the reader's zone.
    drawn = re.findall(r'id="m-[^"]+" data-day="([^T"]*)T', inbox.page())
    assert drawn == [f"{now - timedelta(days=one):%Y-%m-%d}" for one in (40, 40, 0)]


def test_a_failed_message_offers_another_try(inbox, world):
    world.provider.will((400, {}))
    inbox.post("reply", text="Hi")
    world.work()
    page = inbox.client.get(inbox.url)
    assert "The parrot refuses." in page.text
    again = found(r'formaction="(/messages/[^"]+/retry)"', page)
    assert inbox.post(again).status_code == 302
    world.work()
    assert world.provider.said == ["Hi", "Hi"]


def test_the_list_of_failures_says_what_failed_and_why_and_leads_there(inbox, world, line):
    world.provider.will((400, {}))
    inbox.post("reply", text="Your parcel is on its way")
    world.work()
    failed = world.one("SELECT id FROM messages WHERE direction = 'outbound'")["id"]
    world.hear(line, {"id": "m2", "from": "+1", "text": "Anybody there?"})
    page = inbox.client.get("/inbox?view=failed").text
    assert "Not sent: <bdi>Your parcel is on its way</bdi>" in page
    assert '<span class="why">The parrot refuses.</span>' in page
    assert f"#m-{failed}" in page
    everything = inbox.client.get("/inbox").text
    assert "Anybody there?" in everything
    assert '<span class="lost">failed</span>' in everything


def test_the_list_says_unknown_of_what_may_have_arrived(inbox, world):
    world.provider.will(OutcomeUnknown("The connection broke."))
    inbox.post("reply", text="Hi")
    world.work()
    assert '<span class="lost">unknown</span>' in inbox.client.get("/inbox").text
    failures = inbox.client.get("/inbox?view=failed").text
    assert "May have arrived: <bdi>Hi</bdi>" in failures
    assert "Not sent" not in failures


def test_a_conversation_says_that_its_contact_wants_nothing_that_goes_to_many(inbox, world):
    assert 'id="unsubscribed"' not in inbox.page()
    world.write("UPDATE addresses SET marketing = false")
    assert 'id="unsubscribed"' in inbox.page()


def test_what_was_filled_in_or_ordered_can_be_read(inbox, world):
    form = '{"type": "form", "fields": {"name": "Jo", "message": "A <b>flat</b> tyre"}}'
    world.write(f"UPDATE messages SET kind = 'form', content = '{form}'")
    page = inbox.page()
    assert '<dt><bdi>Name</bdi></dt><dd class="said" dir="auto">Jo</dd>' in page
    assert "A &lt;b&gt;flat&lt;/b&gt; tyre" in page
    listed = re.sub("</?mark>", "", inbox.client.get("/inbox?q=tyre").text)
    assert "Jo · A &lt;b&gt;flat&lt;/b&gt; tyre" in listed
    order = '{"type": "order", "items": ["2 wheels", "1 bell"], "note": "By Monday"}'
    world.write(f"UPDATE messages SET kind = 'order', content = '{order}'")
    page = inbox.page()
    assert '<li dir="auto">2 wheels</li><li dir="auto">1 bell</li>' in page
    assert "By Monday" in page


def test_the_list_says_who_had_the_last_word(inbox, world, line):
    assert "We said: " not in inbox.page()
    inbox.post("reply", text="It is ready")
    said = '<span class="unseen">We said: </span><span aria-hidden="true">↩ </span>It is ready'
    assert said in inbox.page()
    world.hear(line, {"id": "m2", "from": "+1", "text": "Thanks"})
    assert "We said: " not in inbox.page()


def test_a_list_without_failures_marks_none(inbox):
    assert 'class="lost"' not in inbox.client.get("/inbox").text


@pytest.mark.parametrize(
    ("name", "stands_for"),
    [("ada", "A"), ("+15550123", "23"), ("@Ömer", "Ö"), ("7", "7"), ("—", "—"), ("", "")],
)
def test_a_circle_shows_a_letter_or_the_end_of_a_number(name, stands_for):
    assert words.initial(name) == stands_for


def test_the_trace_of_an_answer_names_who_wrote_it(inbox, world):
    inbox.post("reply", text="Yes")
    (sent,) = world.rows("SELECT id, author FROM messages WHERE direction = 'outbound'")
    page = inbox.client.get(f"/messages/{sent['id']}/trace").text
    assert '<dt>author</dt><dd dir="auto">agent@example.org</dd>' in page
    assert sent["author"] not in page


def test_a_bot_is_relieved_by_one_button(inbox, world):
    with transaction(world.hub.engine) as db:
        db.execute(text("UPDATE conversations SET owner = 'bot:keyword'"))
    page = inbox.page()
    assert ">Take over</button>" in page
    assert "Assign to me" not in page
    inbox.post("change", what="take")
    assert ">Unassign me</button>" in inbox.page()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        (OutcomeUnknown("No answer."), "whose outcome is unknown"),
        ((503, {}), "that is tried again"),
    ],
)
def test_a_message_says_behind_what_it_waits(inbox, world, answer, why):
    world.provider.will(answer)
    inbox.post("reply", text="One")
    world.work()
    inbox.post("reply", text="Two")
    world.work()
    one, two = world.rows("SELECT id FROM messages WHERE direction = 'outbound' ORDER BY seq")
    page = inbox.page()
    assert f"It waits behind an earlier message {why}. It is sent in 2 minutes" in page
    with reading(world.hub.engine) as db:
        told = trace(db, two["id"])[-1]
    assert told.what == "waits behind another message"
    assert told.detail["message_id"] == one["id"]
    world.pass_time(minutes=3)
    assert "It waits behind" not in inbox.page()


def test_a_message_that_waits_says_why_and_can_be_taken_back(inbox, world):
    world.provider.will((503, {}))
    inbox.post("reply", text="Hi")
    world.work()
    page = inbox.client.get(inbox.url)
    assert "The parrot sleeps. Next try in " in page.text
    back = found(r'formaction="(/messages/[^"]+/cancel)"', page)
    assert inbox.post(back).status_code == 302
    world.pass_time(hours=1)
    assert world.provider.said == ["Hi"]
    assert "cancelled" in inbox.page()


def test_what_is_too_late_is_refused_with_the_reason(inbox, world):
    inbox.post("reply", text="Hi")
    world.work()
    sent = world.one("SELECT id FROM messages WHERE direction = 'outbound'")["id"]
    answer = inbox.post(f"/messages/{sent}/cancel", headers=SCRIPT)
    assert answer.status_code == 409
    assert "too late to cancel" in answer.text


def test_who_is_not_named_by_a_message_is_called_as_the_contact_is(inbox, world, line):
    world.hear(line, {"id": "m2", "from": "+1", "text": "Still me"})
    with transaction(world.hub.engine) as db:
        db.exec_driver_sql("UPDATE messages SET sender_name = NULL")
    assert authors(inbox.page()) == ["Ada", "Ada"]


def test_opening_a_conversation_marks_it_seen_and_a_tab_in_the_background_does_not(inbox, world):
    assert world.one("SELECT unread FROM conversations")["unread"] == 0
    world.write("UPDATE conversations SET unread = 3")
    inbox.client.get(inbox.url, headers={**SCRIPT, "X-Seen": "0"})
    assert world.one("SELECT unread FROM conversations")["unread"] == 3
    inbox.client.get(inbox.url, headers={**SCRIPT, "X-Seen": "1"})
    assert world.one("SELECT unread FROM conversations")["unread"] == 0


@pytest.mark.parametrize("sign", ["typing", "left"])
def test_no_sign_is_taken_of_a_conversation_that_does_not_exist(inbox, sign):
    inbox.url = "/inbox/nothing"
    assert inbox.post(sign, headers=SCRIPT).status_code == 404


def test_the_contact_is_shown_that_somebody_reads_and_writes(inbox, world, line):
    world.hear(line, {"id": "m7", "from": "+1", "text": "Are you there?"})
    world.provider.requests.clear()
    inbox.page()
    assert inbox.post("typing", headers=SCRIPT).status_code == 204
    inbox.page()
    world.work()
    signs = [one.url.rpartition("/")[2] for one in world.provider.requests]
    assert [sign for sign in signs if sign in {"read", "typing"}] == ["read", "typing"]


def test_the_script_is_told_that_a_form_was_taken_and_asks_for_the_page_itself(inbox):
    answer = inbox.post("reply", text="Hi", headers=SCRIPT)
    assert (answer.status_code, answer.data) == (204, b"")


def test_a_long_list_shows_the_latest_and_goes_on_where_it_ends(inbox, world, line):
    items = [{"id": f"n{n}", "from": f"+2{n}", "text": f"No {n}"} for n in range(50)]
    world.hear(line, *items)
    page = inbox.client.get("/inbox")
    assert len(entries(page.text)) == 40
    more = found(r'<a href="([^"]+)">Older conversations', page).replace("&amp;", "&")
    page = inbox.client.get(more).text
    assert len(entries(page)) == len(set(entries(page))) == 51
    assert "Older conversations" not in page
    # Whoever opens one of them keeps the list.
    assert "show=80" in page


def test_a_long_conversation_shows_the_latest_and_goes_back_to_its_beginning(inbox, world, line):
    items = [{"id": f"n{n}", "from": "+1", "text": f"No {n}"} for n in range(90)]
    world.hear(line, *items)
    shown = [inbox.client.get(inbox.url)]
    while "Earlier messages" in shown[-1].text:
        link = found(r'<a href="([^"]+)">Earlier messages', shown[-1])
        shown.append(inbox.client.get(link.partition("#")[0]))
    assert [len(bubbles(page.text)) for page in shown] == [40, 80, 91]
    assert bubbles(shown[-1].text) == ["Hello", *(f"No {n}" for n in range(90))]


def test_what_its_author_deleted_is_shown_to_nobody(inbox, world, line):
    assert "Hello" in inbox.page()
    world.hear(line, {"delete": "m1"})
    page = inbox.page()
    assert "Deleted by its author." in page
    assert "Hello" not in page


def test_who_cannot_be_answered_has_no_form_to_answer_with(inbox, world, line):
    assert 'id="composer"' in inbox.page()
    world.hear(line, {"address": "+1", "state": "blocked", "key": "one_way"})
    page = inbox.page()
    assert 'id="composer"' not in page
    assert 'id="send"' not in page
    assert 'id="closed"' in page
    inbox.post("note", text="They left, it seems.")
    assert "They left, it seems." in bubbles(inbox.page())


def test_the_last_notes_are_shown_however_many_there_are(inbox, world):
    for n in range(203):
        inbox.post("note", text=f"Note {n}")
    said = bubbles(inbox.page())
    assert said[-1] == "Note 202"
    assert "Note 0" not in said


def test_a_search_finds_words_and_says_when_there_are_none(inbox):
    assert "<mark>Hello</mark>" in inbox.client.get("/inbox?q=hell").text
    page = inbox.client.get("/inbox?q=nowhere").text
    assert not entries(page)
    assert "No conversation here has these words." in page


def test_a_search_in_one_view_says_so_and_leads_to_all(inbox):
    inbox.post("change", what="resolve")
    page = inbox.client.get("/inbox?q=hello").text
    assert "No conversation here has these words." in page
    page = inbox.client.get(
        re.findall(r'href="([^"]*)">Look in all', page)[0].replace("&amp;", "&")
    ).text
    assert "<mark>Hello</mark>" in page
    assert "Look in all" not in page
    assert "No conversation has these words." in inbox.client.get("/inbox?view=all&q=nowhere").text
    assert "Look in all" in inbox.client.get("/inbox?view=all&assignee=none&q=hello").text


def test_what_was_found_by_the_name_of_a_file_says_that_name(inbox, world):
    file = '{"type": "document", "media": {"id": "m", "filename": "Offer_2026.pdf"}}'
    world.write(f"UPDATE messages SET kind = 'document', content = '{file}'")
    assert "Document · Offer_<mark>2026</mark>.pdf" in inbox.client.get("/inbox?q=2026").text


@pytest.mark.parametrize("query", ["view=&show=x", "view=nonsense", "show=-1", "show=999999"])
def test_an_odd_address_shows_the_usual_list(inbox, query):
    assert len(entries(inbox.client.get(f"/inbox?{query}").text)) == 1


def test_who_answers_is_changed_and_shown(inbox, world):
    inbox.post("change", what="take")
    assert entries(inbox.client.get("/inbox?view=mine").text)
    assert "Unassign me" in inbox.page()
    inbox.post("change", what="leave")
    assert not entries(inbox.client.get("/inbox?view=mine").text)
    assert inbox.post("change", what="dance").status_code == 400


def test_after_a_form_one_is_back_in_the_view_that_one_looked_at(inbox):
    answer = inbox.post("change?view=unassigned&q=hel", what="resolve")
    assert answer.headers["Location"] == f"{inbox.url}?view=unassigned&q=hel"


def test_an_agent_is_told_what_is_wrong_with_a_channel(inbox, world):
    world.write("UPDATE channels SET status = 'error', status_reason = 'The token was revoked.'")
    assert "replies wait until it is mended. The token was revoked." in inbox.page()


def test_a_fresh_hub_says_what_to_do_first(world, browser):
    assert "Add your first channel" in browser("admin").get("/inbox").text
    assert "Ask an admin" in browser("agent").get("/inbox").text
    world.channel()
    assert "Nothing open. Nice." in browser("agent").get("/inbox").text
