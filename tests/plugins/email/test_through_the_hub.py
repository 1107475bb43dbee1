"""Letters through a whole hub: kept, read, routed, answered, and handed to a mail server."""

import json

from hubbub.sdk import Text


def test_a_letter_comes_in_and_its_answer_goes_out_in_the_same_thread(post):
    post.open()
    theirs = post.hears("Is it open today?", subject="Opening hours")
    (conversation,) = post.conversations()
    (heard,) = post.inbound()
    assert json.loads(heard["content"]) == {
        "type": "email",
        "subject": "Opening hours",
        "text": "Is it open today?",
        "attachments": [],
    }

    post.write(Text(text="Until six."), conversation=conversation["id"])
    (sent,) = post.letters
    assert sent["To"] == "ada@a.example"
    assert sent["From"] == "Shop <support@hub.test>"
    assert sent["Subject"] == "Re: Opening hours"
    assert sent["In-Reply-To"] == theirs
    assert sent["Auto-Submitted"] is None
    assert sent.get_content() == "Until six.\r\n"
    (answer,) = post.outbound()
    assert (answer["status"], answer["external_id"]) == ("sent", sent["Message-ID"])

    post.hears("Thanks", subject="AW: Opening hours", In_Reply_To=sent["Message-ID"])
    assert len(post.conversations()) == 1
    assert len(post.inbound()) == 2
