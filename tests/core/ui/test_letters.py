"""Letters in the console: read, shown as written, answered, and saved as they came."""

import io
import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import update

from hubbub.guard import Guard, Refused
from hubbub.sdk import Headers, HttpRequest, HttpResponse
from hubbub.sdk.content import Email
from hubbub.sdk.errors import Transient
from hubbub.store.session import transaction
from hubbub.store.tables import Call, table
from hubbub.store.types import new_id
from hubbub.transport import HttpTransport
from hubbub.ui.inbox.pictures import picture_address, public_internet
from hubbub.ui.inbox.shown import LONGEST_SHOWN, shown_letter
from hubbub.web import create_app
from tests.core.ui.kit import conversation, form_token, found
from tests.core.ui.test_inbox import PNG
from tests.services.parrot import Parrot
from tests.services.peers import LOOPBACK

RAW = b"From: ada@example.org\r\nSubject: Hi\r\n\r\nHello <b>there</b>\r\n"
EVIL = '<script>alert(1)</script><p onclick="x">Hi <img src="https://away.example/a.png"></p>'


@pytest.fixture(autouse=True)
def _letters(monkeypatch):
    """A parrot that carries letters."""
    can = Parrot.capabilities
    monkeypatch.setattr(Parrot, "capabilities", replace(can, outbound=can.outbound | {"email"}))


@pytest.fixture
def agent(world, browser, line):
    return browser("agent")


def receive(world, **content):
    """Make a letter of the one message there is, and return its id."""
    letter = {"type": "email", "subject": "Re: Order 12", "text": "", "attachments": [], **content}
    world.write("UPDATE messages SET kind = 'email', content = :c", c=json.dumps(letter))
    return world.one("SELECT id FROM messages")["id"]


def keep(world, name, *, state="ready", size=None):
    media_id = new_id()
    world.hub.media.put(media_id, PNG)
    world.write(
        "INSERT INTO media (id, state, reason, mime_type, filename, size, attempts, created_at)"
        " VALUES (:id, :state, '', 'image/png', :name, :size, 0, '2026-01-01 00:00:00')",
        id=media_id,
        state=state,
        name=name,
        size=size or len(PNG),
    )
    return {"id": media_id, "state": "pending"}


def page(world, client):
    return client.get(f"/inbox/{conversation(world)}")


# --- reading ---------------------------------------------------------------------------------


def test_the_new_words_of_a_letter_are_shown_and_what_they_answer_is_folded(world, agent):
    receive(world, text="It is <broken>.\n\n> Is it?", visible="It is <broken>.")
    text = page(world, agent).text
    assert '<h2 class="subject" dir="auto">Re: Order 12</h2>' in text
    assert '<p class="said" dir="auto">It is &lt;broken&gt;.</p>' in text
    folded = text.partition("Show quoted text</summary>")[2].partition("</details>")[0]
    assert "&gt; Is it?" in folded
    assert "broken" not in folded


def test_a_letter_whose_sender_may_be_forged_says_so_wherever_it_is_shown(world, agent):
    message_id = receive(world, text="Hi", html="<p>Hi</p>", doubt="DMARC failed & more.")
    for shown in (page(world, agent), agent.get(f"/messages/{message_id}/letter")):
        assert "DMARC failed &amp; more." in shown.text


def test_words_below_what_they_answer_are_shown_and_the_whole_is_folded(world, agent):
    receive(world, text="> Is it?\n\nYes.", visible="Yes.")
    text = page(world, agent).text
    folded = text.partition("Show the whole letter</summary>")[2].partition("</details>")[0]
    assert "&gt; Is it?\n\nYes." in folded


def test_a_letter_without_anything_quoted_folds_nothing(world, agent):
    receive(world, text="Hello", subject=" ")
    text = page(world, agent).text
    assert "(no subject)" in text
    assert "<details id=" not in text
    assert "<iframe" not in text


@pytest.mark.parametrize(("words", "open_at_once"), [("Hello", False), ("", True)])
def test_a_letter_is_shown_as_written_at_once_where_it_has_no_text(
    world, agent, words, open_at_once
):
    message_id = receive(world, text=words, html="<b>Hello</b>")
    tag = found(rf'(<details class="written" id="written-{message_id}"[^>]*>)', page(world, agent))
    assert (" open" in tag) is open_at_once


def test_the_files_of_a_letter_are_shown_as_other_files_are(world, agent):
    spacer = keep(world, "dot.png", size=43)
    receive(
        world,
        text="See these",
        attachments=[
            keep(world, "cat.png"),
            keep(world, "late.png", state="pending"),
            keep(world, "gone.png", state="failed"),
            {**spacer, "cid": "dot"},
        ],
    )
    text = page(world, agent).text
    assert text.count('<img class="picture"') == 1
    assert 'alt="cat.png"' in text
    assert "<bdi>late.png</bdi> (69 bytes): the file is being fetched" in text
    assert "<bdi>gone.png</bdi> (69 bytes): the file could not be fetched." in text
    assert "dot.png" not in text


def test_a_letter_stands_in_the_list_with_its_subject_and_its_words(world, browser, line):
    client = browser("agent")
    token = form_token(page(world, client))
    client.post(
        f"/inbox/{conversation(world)}/reply",
        data={"form_token": token, "subject": "Order 12", "text": "It is  repaired"},
    )
    assert "Order 12 · It is repaired" in client.get("/inbox").text
    found = client.get("/inbox?q=order 12").text
    assert "<mark>Order</mark> <mark>12</mark> · It is repaired" in found


def test_other_conversations_of_a_contact_are_listed_with_theirs(world, agent, line):
    first = conversation(world)
    assert 'id="others"' not in agent.get(f"/inbox/{first}").text
    world.hear(line, {"id": "m2", "from": "+2", "text": "Thanks"})
    world.write(
        "UPDATE conversations SET contact_id ="
        " (SELECT contact_id FROM conversations WHERE id = :first)",
        first=first,
    )
    (other,) = world.rows("SELECT id FROM conversations WHERE id <> :first", first=first)
    text = agent.get(f"/inbox/{first}").text.partition('id="others"')[2]
    assert f'href="/inbox/{other["id"]}"><bdi>Thanks</bdi>' in text


def test_a_conversation_that_a_stranger_began_by_an_answer_says_whose_it_was(world, agent, line):
    first = conversation(world)
    world.hear(line, {"id": "m2", "from": "+2", "name": "Eve", "text": "Me too"})
    (other,) = world.rows("SELECT id FROM conversations WHERE id <> :first", first=first)
    address = f"/inbox/{other['id']}"
    assert 'id="related"' not in agent.get(address).text
    world.write("UPDATE conversations SET related_id = :f WHERE id <> :f", f=first)
    said = agent.get(address).text.partition('id="related">')[2].partition("</p>")[0]
    assert f'href="/inbox/{first}"><bdi>Hello</bdi>' in said
    assert "a conversation with <bdi>Ada</bdi>" in said
    letter = json.dumps({"type": "email", "subject": "Order 12", "text": "Hi"})
    world.write(
        "UPDATE messages SET kind = 'email', content = :c WHERE conversation_id = :f",
        c=letter,
        f=first,
    )
    assert "<bdi>Order 12</bdi></a>, a conversation with" in agent.get(address).text


# --- to all ----------------------------------------------------------------------------------

OURS, ALSO = "shop@example.org", "answers@example.org"


@pytest.fixture
def _ours(monkeypatch):
    monkeypatch.setattr(Parrot, "sender", lambda *_: OURS)
    monkeypatch.setattr(Parrot, "owns", lambda _, address, connection: address in {OURS, ALSO})


@pytest.mark.usefixtures("_ours")
@pytest.mark.parametrize(
    ("to", "cc", "shown", "offered"),
    [
        ([OURS], [], None, ""),
        ([OURS, "max@x.test"], ["boss@x.test"], "max@x.test", "max@x.test, boss@x.test"),
        ([OURS, ALSO, "max@x.test"], [ALSO], "max@x.test", "max@x.test"),
        ([ALSO, "boss@x.test"], [], "boss@x.test", "boss@x.test"),
        (["list@x.test"], [], "list@x.test", ""),
    ],
    ids=["to us alone", "to us and others", "to us twice", "to another of ours", "to us unseen"],
)
def test_who_else_got_a_letter_is_shown_and_offered_where_it_says_that_we_did(
    world, agent, to, cc, shown, offered
):
    named = {name: [{"address": one} for one in who] for name, who in (("to", to), ("cc", cc))}
    receive(world, text="Hi", **named)
    text = page(world, agent).text
    assert ('class="quiet named">To:' in text) is (shown is not None)
    assert (shown or "") in text.partition("named")[2].partition("</p>")[0]
    assert (
        f'name="cc" inputmode="email" maxlength="5000" placeholder="ada@example.org, ..." value="{offered}"'
        in text
    )
    assert ("Reply to all" in text) is ("Goes to <bdi>Ada</bdi> alone." in text) is bool(offered)


@pytest.mark.parametrize(("ticked", "sent"), [({"all": "1"}, ["a@x.test", "b@x.test"]), ({}, [])])
def test_an_answer_goes_to_others_only_where_that_was_ticked(world, agent, ticked, sent):
    receive(world, text="Hi")
    words = {"subject": "Re: Order", "text": "Yes", "cc": "a@x.test; b@x.test, a@x.test", **ticked}
    data = {"form_token": form_token(page(world, agent)), **words}
    agent.post(f"/inbox/{conversation(world)}/reply", data=data)
    (row,) = world.rows("SELECT content FROM messages WHERE direction = 'outbound'")
    assert [one["address"] for one in json.loads(row["content"])["cc"]] == sent


def test_who_was_to_get_copies_is_kept_where_an_answer_is_refused(world, agent):
    receive(world, text="Hi")
    data = {"form_token": form_token(page(world, agent)), "subject": "", "text": "Yes"}
    copies = {"all": "1", "cc": "not possible"}
    answer = agent.post(f"/inbox/{conversation(world)}/reply", data={**data, **copies})
    assert answer.status_code == 409
    assert 'value="not possible"' in answer.text
    assert 'name="all" value="1" checked' in answer.text


def test_a_letter_of_a_program_is_marked(world, agent):
    receive(world, text="Away", automatic="It was written by a program (X-Autoreply).")
    shown = page(world, agent).text
    assert '<span class="tag">Automatic</span> It was written by a program (X-Autoreply).' in shown


# --- as written ------------------------------------------------------------------------------


def test_the_document_of_a_letter_is_harmless_and_says_so(world, agent):
    message_id = receive(world, html=EVIL)
    answer = agent.get(f"/messages/{message_id}/letter")
    assert "<p>Hi <img></p>" in answer.text
    assert "script" not in answer.text
    assert "sandbox allow-popups" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cross-Origin-Opener-Policy"] == "unsafe-none"
    assert answer.headers["Cache-Control"] == "no-store"


def test_what_is_too_tangled_is_not_shown_as_written(world, agent):
    message_id = receive(world, html="<div>" * 50_000)
    assert "too tangled" in agent.get(f"/messages/{message_id}/letter").text


def test_pictures_of_a_letter_are_shown_in_it_once_they_are_there(world, agent):
    cat, late = keep(world, "cat.png"), keep(world, "late.png", state="pending")
    message_id = receive(
        world,
        html='<img src="cid:cat"><img src="cid:late" alt="Late">',
        attachments=[{**cat, "cid": "cat"}, {**late, "cid": "late"}],
    )
    shown = agent.get(f"/messages/{message_id}/letter")
    address = found(r'<img src="(/api/v1/media/[^"]+)">', shown).replace("&amp;", "&")
    picture = agent.get(address)
    assert picture.data == PNG
    # The frame has no origin of its own.
    assert picture.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert '<img alt="Late">' in shown.text


def test_nobody_but_people_of_the_hub_sees_a_letter_and_nobody_one_that_was_deleted(
    world, agent, browser
):
    message_id = receive(world, html="<b>Hi</b>")
    assert browser().get(f"/messages/{message_id}/letter").status_code == 302
    world.write("UPDATE messages SET deleted_at = created_at")
    assert agent.get(f"/messages/{message_id}/letter").status_code == 404
    assert agent.get("/messages/other/letter").status_code == 404


def test_what_is_no_letter_has_no_document(world, agent):
    message_id = world.one("SELECT id FROM messages")["id"]
    assert agent.get(f"/messages/{message_id}/letter").status_code == 404
    receive(world, text="Only text")
    assert agent.get(f"/messages/{message_id}/letter").status_code == 404


# --- pictures from elsewhere -----------------------------------------------------------------


@pytest.fixture
def elsewhere(monkeypatch):
    """Somebody else's server: what it answers by address, and what it was asked."""
    answers: dict[str, Any] = {}
    asked: list[HttpRequest] = []

    def perform(transport, request, *, files):
        asked.append(request)
        answer = answers[request.url]
        if isinstance(answer, Exception):
            raise answer
        status, body, headers = answer
        return HttpResponse(status=status, headers=Headers(headers), body=body)

    monkeypatch.setattr(HttpTransport, "perform", perform)
    return answers, asked


URL = "https://away.example/a.png?b=1&c=2"


def test_a_picture_from_elsewhere_is_fetched_by_us_and_tells_nothing(
    world, agent, browser, elsewhere
):
    answers, asked = elsewhere
    answers["https://away.example/a.png"] = (200, PNG, {})
    message_id = receive(world, html=EVIL)
    assert "Show pictures from elsewhere" in page(world, agent).text
    shown = agent.get(f"/messages/{message_id}/letter?pictures=1")
    address = found(r'<img src="(/pictures[^"]+)">', shown).replace("&amp;", "&")
    assert asked == []
    # The frame has no cookies of ours.
    picture = browser().get(address)
    assert (picture.data, picture.content_type) == (PNG, "image/png")
    assert picture.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert picture.headers["X-Content-Type-Options"] == "nosniff"
    (request,) = asked
    assert (request.method, dict(request.headers)) == ("GET", {"accept": "image/*"})


def test_who_has_the_picture_hears_nothing_of_who_reads(world, serve, monkeypatch):
    outside = HttpTransport(Guard(LOOPBACK))
    monkeypatch.setattr("hubbub.ui.blueprint.public_internet", lambda: outside)
    server = serve(lambda peer: (peer.request(), peer.answer(PNG)))
    client = create_app(hub=world.hub).test_client()
    headers = {"Cookie": "x=y", "Referer": "https://hub.example/inbox", "User-Agent": "Agent"}
    answer = client.get(picture_address(world.hub, server.url("/a.png#x")), headers=headers)
    outside.close()
    assert answer.data == PNG
    ((head, body),) = server.requests
    first, *rest = head.decode().split("\r\n")
    assert (first, body) == ("GET /a.png HTTP/1.1", b"")
    assert sorted(rest) == [
        "accept-encoding: identity",
        "accept: image/*",
        f"host: 127.0.0.1:{server.port}",
        "user-agent: hubbub",
    ]


@pytest.mark.parametrize("host", ["127.0.0.1", "[::1]", "localhost", "10.0.0.1", "169.254.169.254"])
def test_no_private_network_is_reached_whatever_operators_allow(host):
    asked = HttpRequest(method="GET", url=f"http://{host}/a.png", safe=True)
    with pytest.raises(Refused, match="private or reserved"):
        public_internet().perform(asked, files=lambda media: b"")


def test_it_is_looked_for_where_it_was_moved_to(world, browser, elsewhere):
    answers, _ = elsewhere
    answers[URL] = (302, b"", {"location": "/b.png"})
    answers["https://away.example/b.png"] = (200, PNG, {})
    assert browser().get(picture_address(world.hub, URL)).data == PNG


@pytest.mark.parametrize(
    "answer",
    [
        (200, b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", {}),
        (200, b"<html><script>alert(1)</script>", {"content-type": "image/png"}),
        (200, b"", {}),
        (404, PNG, {}),
        (302, b"", {"location": URL}),
        (302, b"", {}),
        Transient("It is away."),
    ],
)
def test_what_is_no_picture_is_not_handed_on(world, browser, elsewhere, answer):
    answers, asked = elsewhere
    answers[URL] = answer
    assert browser().get(picture_address(world.hub, URL)).status_code == 404
    assert len(asked) <= 3


def test_nothing_is_fetched_for_who_makes_addresses_up_or_comes_late(world, browser, elsewhere):
    address = picture_address(world.hub, URL)
    for wrong in (
        "/pictures",
        f"/pictures?url={URL}&until=9999999999&sig=x",
        address.replace("a.png", "b.png"),
        address.replace("until=1", "until=2"),
    ):
        assert browser().get(wrong).status_code == 404
    world.clock.forward(hours=2)
    assert browser().get(address).status_code == 404
    assert elsewhere[1] == []


# --- answering -------------------------------------------------------------------------------


def post(world, client, **data):
    token = form_token(page(world, client))
    return client.post(f"/inbox/{conversation(world)}/reply", data={"form_token": token, **data})


def test_an_answer_to_a_letter_is_a_letter_about_the_same(world, agent):
    receive(world, subject="AW: Order 12", text="Hello")
    subject = found(r'name="subject"[^>]* value="([^"]*)"', page(world, agent))
    assert subject == "Re: Order 12"
    files = [(io.BytesIO(PNG), "a.png"), (io.BytesIO(b"%PDF-1.4"), "b.pdf")]
    assert post(world, agent, subject=subject, text="Here", file=files).status_code == 302
    sent = world.one("SELECT content FROM messages WHERE direction = 'outbound'")["content"]
    letter = json.loads(sent)
    assert (letter["type"], letter["subject"], letter["text"]) == ("email", "Re: Order 12", "Here")
    assert [file["filename"] for file in letter["attachments"]] == ["a.png", "b.pdf"]
    shown = page(world, agent).text
    assert "<bdi>b.pdf</bdi>" in shown


def test_a_letter_to_somebody_who_wrote_none_needs_a_subject(world, agent):
    text = page(world, agent).text
    assert '<details class="about" id="about" data-keep open>' in text
    answer = post(world, agent, subject=" ", text="Hello")
    assert "Give the letter a subject." in answer.text
    assert ">Hello</textarea>" in answer.text


@pytest.mark.parametrize("subject", ["x" * 1001, "a\u202eb", "a\rBcc: eve@example.org"])
def test_a_subject_that_no_letter_has_is_refused_and_kept(world, agent, subject):
    answer = post(world, agent, subject=subject, text="Hello")
    assert answer.status_code == 409
    assert "Subject: " in answer.text
    assert world.rows("SELECT id FROM messages WHERE direction = 'outbound'") == []


# --- as it came ------------------------------------------------------------------------------


def test_an_admin_saves_a_letter_as_it_came(world, line, browser):
    with transaction(world.hub.engine) as db:
        db.execute(update(table(Call)).values(method="LETTER", body=RAW, state="quarantined"))
    admin = browser("admin")
    address = found(r'href="(/calls/[^"]+/letter)"', admin.get(f"/channels/{line.id}"))
    answer = admin.get(address)
    assert (answer.data, answer.content_type) == (RAW, "message/rfc822")
    assert answer.headers["Content-Disposition"].startswith('attachment; filename="letter-')
    assert browser("agent").get(address).status_code == 403


def test_a_call_that_is_no_letter_is_not_saved_as_one(world, line, browser):
    admin = browser("admin")
    assert "/letter" not in admin.get(f"/channels/{line.id}").text
    call_id = world.one("SELECT id FROM calls")["id"]
    assert admin.get(f"/calls/{call_id}/letter").status_code == 404


@pytest.mark.parametrize("new", [None, "word " * 100_000])
def test_of_a_letter_of_any_length_a_conversation_shows_the_beginning(new):
    letter = shown_letter(Email(subject="Long", text="word " * 200_000, visible=new))
    assert letter.said.startswith("word word")
    assert len(letter.said) + len(letter.folded) < 2 * LONGEST_SHOWN + 200
    assert "characters in all" in letter.said
