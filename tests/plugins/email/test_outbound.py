"""What is to be said becomes the letter that a person would have written."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from hubbub.sdk import (
    Attachment,
    Choices,
    Correspondent,
    Draft,
    Earlier,
    Email,
    Letter,
    Location,
    Media,
    Option,
    Part,
    Permanent,
    Text,
    Transient,
)
from hubbub_email import tokens
from hubbub_email.channel import EmailChannel
from hubbub_email.outbound import compose
from tests.plugins.email.test_conformance import posted
from tests.plugins.email.test_fields import CUSTOM, connection

REFERENCE = "01hzyx8k3m0v9q2r4t6w8y0a1b"
PDF = Media(id="m1", filename="bill.pdf", mime_type="application/pdf")


def part(content=None, **more):
    return Part(
        content=content or Text(text="Hi"),
        address="ada@a.example",
        reference=REFERENCE,
        created_at=datetime(2026, 3, 2, tzinfo=UTC),
        **more,
    )


def written(content=None, *, settings=None, **more):
    return compose(part(content, **more), connection(**{**CUSTOM, **(settings or {})}))


def earlier(*given):
    return tuple(
        Earlier(external_id=name, subject=subject, inbound=True) for name, subject in given
    )


@pytest.mark.parametrize(
    ("subjects", "expected"),
    [
        (["Order"], "Re: Order"),
        (["Re: Order"], "Re: Order"),
        (["Order", "Other"], "Re: Other"),
        (["Order", ""], "Re: Order"),
        ([], "Message from us@hub.test"),
        ([""], "Message from us@hub.test"),
    ],
)
def test_a_text_has_the_subject_of_the_letter_before_it(subjects, expected):
    before = earlier(*((f"<{n}@a>", subject) for n, subject in enumerate(subjects)))
    assert written(earlier=before).subject == expected


def test_a_letter_keeps_its_own_subject():
    content = Email(subject="Your order", text="Hi")
    assert written(content, earlier=earlier(("<1@a>", "Other"))).subject == "Your order"


def test_what_answers_nothing_has_the_subject_of_the_form():
    assert written(settings={"default_subject": "News"}).subject == "News"
    assert written(settings={"from_name": "Ada's"}).subject == "Message from Ada's"


def test_the_thread_is_named_and_what_is_quoted_comes_last():
    before = earlier(("<1@a>", ""), (None, ""), ("<2@a>", ""), ("no id", ""), ("<a\u00e9@a>", ""))
    assert written(earlier=before).earlier == ["<1@a>", "<2@a>"]
    quoting = written(earlier=before, reply_to_external_id="<1@a>")
    assert quoting.earlier == ["<2@a>", "<1@a>"]


@pytest.mark.parametrize(
    ("more", "automatic"),
    [
        ({}, None),
        ({"automatic": True}, "generated"),
        ({"automatic": True, "earlier": earlier(("<1@a>", "Hi"))}, "replied"),
        ({"bulk": True}, "generated"),
    ],
)
def test_a_letter_says_whether_a_person_wrote_it(more, automatic):
    assert written(**more).automatic == automatic


def test_answers_go_to_the_token_of_their_conversation():
    key = tokens.key_of("s" * 48)
    one = "01hzyx8k3m0v9q2r4t6w8y0abc"
    settings = {"plus_addressing": True}
    given = written(settings=settings, conversation_id=one).reply_to
    assert given == tokens.reply_address("us@hub.test", one, key)
    assert written(conversation_id=one).reply_to == ""
    assert written(settings={"reply_to": "team@hub.test"}).reply_to == "team@hub.test"


def test_html_alone_gets_a_text_beside_it():
    made = written(Email(subject="S", text="", html="<p>Hello</p><ul><li>one</li></ul>"))
    assert made.text == "Hello\n\n- one"
    assert made.html


def test_a_file_is_a_letter_with_its_caption():
    made = written(Attachment(type="document", media=PDF, caption="Your bill"))
    assert (made.text, made.attachments) == ("Your bill", (PDF,))


def test_options_are_a_menu_and_a_place_is_words():
    def says(content):
        (one,) = EmailChannel().render(Draft(content=content), part(), connection(**CUSTOM))
        assert isinstance(one.content, Text)
        return one.content.text

    options = (Option(id="a", title="Tea"), Option(id="b", title="Coffee"))
    assert says(Choices(text="Which?", options=options)) == "Which?\n\n1. Tea\n2. Coffee"
    assert "52.5" in says(Location(latitude=52.5, longitude=13.4))


def test_the_same_letter_has_the_same_id_on_every_attempt():
    assert written().message_id == written().message_id
    other = compose(replace(part(), reference="x" * 26), connection(**CUSTOM))
    assert written().message_id != other.message_id


def test_where_letters_come_back_to_names_the_delivery_if_that_is_wanted(drive):
    one = connection(**CUSTOM, bounce_addressing=True)
    (request,), _ = drive(EmailChannel().send(part(), one), posted())
    key = tokens.key_of(one.webhook_secret)
    (proof,) = tokens.of_addresses([request.headers["mail-from"]], key)
    assert proof == (tokens.Purpose.BOUNCE, part().reference)
    # A check shows whether the server lets us send so.
    asked = next(EmailChannel().check(one))
    assert asked.headers["mail-from"].startswith("us+b_check.")
    (request,), _ = drive(EmailChannel().send(part(), connection(**CUSTOM)), posted())
    assert request.headers["mail-from"] == "us@hub.test"


SES_ID = "0102018f2a6bc3de-1f0c7a5e-3b1d-4c8e-9a57-2f6d8e9b0c1d-000000"


@pytest.mark.parametrize(
    ("host", "text", "name"),
    [
        ("email-smtp.us-east-1.amazonaws.com", f"Ok {SES_ID}", f"<{SES_ID}@email.amazonses.com>"),
        (
            "email-smtp-fips.eu-west-1.amazonaws.com",
            f"Ok {SES_ID}",
            f"<{SES_ID}@eu-west-1.amazonses.com>",
        ),
        ("email-smtp.eu-west-1.amazonaws.com", "Ok", ""),
        ("smtp.hub.test", f"Ok {SES_ID}", ""),
    ],
)
def test_a_letter_goes_by_the_id_that_its_server_gives_it(drive, host, text, name):
    one = connection(**{**CUSTOM, "smtp_host": host})
    _, accepted = drive(EmailChannel().send(part(), one), posted(250, text))
    ours = compose(part(), one).message_id
    assert accepted.external_id == (name or ours)


def test_the_name_that_the_channel_has_here_is_told_to_nobody():
    assert written(settings={"from_name": "Ann's shop"}).subject == "Message from Ann's shop"


@pytest.mark.parametrize(("sizes", "goes"), [((9_000_000,) * 2, True), ((9_000_001,) * 2, False)])
def test_the_files_of_a_letter_have_room_together(sizes, goes):
    files = tuple(replace(PDF, size=size) for size in sizes)
    letter = Email(subject="Bills", text="See.", attachments=files)
    if goes:
        assert len(written(letter).attachments) == 2
        return
    with pytest.raises(Permanent, match="18 MB may go in one letter") as refused:
        written(letter)
    assert refused.value.code == "too_large"


@pytest.mark.parametrize(
    ("page", "text"),
    [
        (
            '<p>Pay <a href="https://x.example/?a=1&amp;b=2">here</a>.',
            "Pay here <https://x.example/?a=1&b=2>.",
        ),
        ('<a href="https://x.example">https://x.example</a>', "https://x.example"),
        ('<a href="mailto:a@b.example">a@b.example</a> <a>none</a>', "a@b.example none"),
        (
            '<a href="https://x.example"><img src="cid:1" alt="Shop"></a>',
            "[Shop] <https://x.example>",
        ),
        ('<a href="javascript:x()">no</a>', "no"),
        ('<div style="display:none"><a href="https://x.example">x</a></div>a', "a"),
    ],
)
def test_who_reads_text_alone_sees_where_links_lead(page, text):
    assert written(Email(subject="Bill", text="", html=page)).text == text


def test_what_goes_to_many_carries_the_link_that_ends_it():
    link = "https://hub.test/unsubscribe/1"
    one = written(bulk=True, unsubscribe_url=link)
    assert (one.unsubscribe, one.automatic) == (link, "generated")
    assert written().unsubscribe == ""


def test_a_letter_with_copies_names_who_may_be_seen_and_goes_to_all():
    copies = {name: Correspondent(address=f"{name}@b.example") for name in ("Boss", "max")}
    copied = Email(
        subject="Order",
        text="Hi",
        cc=(copies["Boss"],),
        bcc=(copies["max"], Correspondent(address="ada@a.example")),
    )
    ours = connection(**CUSTOM)
    exchange = EmailChannel().send(part(copied), ours)
    request = next(exchange)
    assert request.headers["rcpt-to"] == "ada@a.example, boss@b.example, max@b.example"
    assert isinstance(request.body, Letter)
    whole = b"".join(piece for piece in request.body.pieces if isinstance(piece, bytes))
    assert b"\r\nCc: boss@b.example\r\n" in whole
    assert b"max@" not in whole
    with pytest.raises(StopIteration) as end:
        refused = {"boss@b.example": (550, "5.1.1 nobody"), "max@b.example": (451, "4.7.1 later")}
        exchange.send(posted(refused=refused))
    assert end.value.value.note.endswith(
        "No copy for boss@b.example: 5.1.1 nobody\nNo copy for max@b.example yet: 4.7.1 later"
    )
    assert end.value.value.put_off == ("max@b.example",)


def test_a_copy_that_was_put_off_goes_alone_and_is_the_same_letter():
    copied = Email(
        subject="Order",
        text="Hi",
        cc=(Correspondent(address="boss@b.example"),),
        bcc=(Correspondent(address="max@b.example"),),
    )
    ours = connection(**CUSTOM)
    first = next(EmailChannel().send(part(copied), ours))
    exchange = EmailChannel().send(replace(part(copied), only="max@b.example"), ours)
    again = next(exchange)
    assert again.headers["rcpt-to"] == "max@b.example"
    assert again.headers["mail-from"] == first.headers["mail-from"]
    assert again.body == first.body
    with pytest.raises(Transient):
        exchange.send(posted(451, "4.7.1 later", phase="recipients"))


def test_what_may_have_arrived_did_so_under_the_id_that_we_gave_it():
    lost = Earlier(external_id=None, subject="", inbound=False, reference=REFERENCE)
    ours = written(earlier=(lost,))
    assert ours.earlier == [ours.message_id]
