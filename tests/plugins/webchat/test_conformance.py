"""The conformance kit, on the channel whose provider is the hub itself."""

import json
from dataclasses import replace

from hubbub.sdk import Headers
from hubbub.sdk.widget_calls import PROOF, proof
from hubbub.testing import REFERENCE, ChannelConformance, Recorded
from hubbub_webchat.channel import Webchat

ADA = "v:01hzy3v7q8r9s0t1v2w3x4y5z6"


def said(*says, words=(), **call):
    """A call of the window."""
    body = json.dumps({"visitor": ADA, **call}).encode()
    return Recorded(body=body, headers={"content-type": "application/json"}, says=says, words=words)


def wrote(content, *says, **more):
    client_id = f"0b1c-{content['type']}-{len(says)}"
    return said(*says, kind="message", client_id=client_id, content=content, **more)


def file(kind, mime_type):
    media = {"ref": "01hzy3v7q8r9s0t1v2w3x4y5z7", "mime_type": mime_type, "filename": "a file"}
    return wrote({"type": kind, "media": media, "caption": "Look"}, kind, words=("Look",))


class TestWebchat(ChannelConformance):
    channel_type = Webchat
    credentials = {"identity_secret": "identity-secret-of-the-shop-0001"}
    other_credentials = {"identity_secret": "identity-secret-of-others-000002"}
    settings = {"greetings": [{"id": "hello", "content": "Can we help?"}]}
    address = ADA
    bad_addresses = ("", "v:", "u:", "+15005550006")

    inbound = {
        "text": wrote({"type": "text", "text": "Hello *you*"}, "text", words=("Hello *you*",)),
        "choice": wrote({"type": "choice", "id": "a", "title": "Apples"}, "choice"),
        "form": wrote({"type": "form", "fields": {"email": "ada@example.com"}}, "form"),
        "image": file("image", "image/png"),
        "audio": file("audio", "audio/mpeg"),
        "video": file("video", "video/mp4"),
        "document": file("document", "application/pdf"),
        "greeted": wrote(
            {"type": "text", "text": "Yes"}, "text elsewhere", "text", greeting="hello"
        ),
        "delivered": said(
            "receipt delivered", kind="seen", state="delivered", references=[REFERENCE]
        ),
        "read": said("receipt read", kind="seen", state="read", references=[REFERENCE]),
        "proven": said("address None", kind="proven", before="v:01hzy3v7q8r9s0t1v2w3x4y5z9"),
        "left": said("system", kind="left", client_id="0b1c-left"),
        "rated": said(
            "system",
            kind="rated",
            client_id="0b1c-rated",
            stars=4,
            comment="Quick",
            words=("Quick",),
        ),
    }
    unknown = said("unreadable", kind="pondered")

    asks = False
    accepted = ()
    external_id = REFERENCE
    refusals = {}

    def sign(self, call, connection):
        proven = proof(call.body, connection.webhook_secret)
        return replace(call, headers=Headers({**call.headers, PROOF: proven}))
