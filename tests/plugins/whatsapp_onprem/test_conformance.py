"""The conformance kit, on the WhatsApp On-Premises API."""

from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from hubbub.sandbox import live
from hubbub.sdk import (
    ATTACHMENT_TYPES,
    AuthFailed,
    Permanent,
    RateLimited,
    RecipientGone,
    Transient,
    WindowClosed,
)
from hubbub.testing import ChannelConformance, Recorded, Refused, answer
from hubbub_whatsapp_onprem.channel import WhatsAppOnPremise

PAYLOADS = Path(__file__).parent / "payloads"


def heard(name, *says, words=()):
    """A call from a file."""
    body = (PAYLOADS / f"{name}.json").read_bytes()
    return Recorded(body=body, headers={"content-type": "application/json"}, says=says, words=words)


def answered(name):
    return answer(int(name.rpartition("_")[2]), (PAYLOADS / f"{name}.json").read_bytes())


SENT, LOGIN = answered("sent_200"), answered("login_200")
HEALTHY = (answered("health_200"), answered("settings_200"))


class TestWhatsAppOnPremise(ChannelConformance):
    channel_type = WhatsAppOnPremise
    credentials = {"username": "hub-user", "password": "Fict1tious-Passw0rd"}
    other_credentials = {"username": "hub-user", "password": "An0ther-Passw0rd"}
    settings = {"api_base": "https://wa.example.org:9090", "namespace": "aaaa_bbbb"}
    tokens = {"login": "eyJ.fictitious.token"}
    address = "+15550100199"
    bad_addresses = ("", "Ann", "+", "12", "US.", "US.7 0")

    proves = False
    inbound = {
        "text": heard("message_text", "text", words=("Is it open today?",)),
        "image": heard("message_image", "image", words=("my receipt",)),
        "audio": heard("message_audio", "audio"),
        "voice": heard("message_voice", "voice"),
        "video": heard("message_video", "video"),
        "document": heard("message_document", "document"),
        "sticker": heard("message_sticker", "sticker"),
        "location": heard("message_location", "location"),
        "contacts": heard("message_contacts", "contacts"),
        "reaction": heard("message_reaction", "reaction"),
        "button": heard("message_button", "choice"),
        "button reply": heard("message_button_reply", "choice"),
        "list reply": heard("message_list_reply", "choice"),
        "flow": heard("message_flow_reply", "form"),
        "order": heard("message_order", "order"),
        "hologram": heard("message_invented", "unsupported"),
        "user id": heard("message_user_id_only", "text"),
        "moved": heard("message_changed_number", "address ok"),
        "identity": heard("message_changed_identity", "ignored"),
        "group": heard("message_group", "ignored"),
        "sent": heard("status_sent", "receipt sent"),
        "delivered": heard("status_delivered", "receipt delivered"),
        "read": heard("status_read", "receipt read"),
        "failed": heard("status_failed_470", "receipt failed"),
        "deleted": heard("status_deleted", "ignored"),
        "trouble": heard("client_errors", "ignored"),
    }
    unknown = heard("message_unknown", "unsupported")
    batch = heard("batch", "text", "text", "text", "receipt delivered", "receipt read")
    broken_batch = heard(
        "batch_broken", "text", "unreadable", "text", "receipt delivered", "receipt read"
    )

    accepted = (SENT,)
    accepted_as = dict.fromkeys(ATTACHMENT_TYPES, (answered("uploaded_200"), SENT))
    external_id = "gBGGTESTOUT0001"
    refusals = {
        "login": Refused(
            answers=(answered("error_1005_401"), answered("error_1005_401")), error=AuthFailed
        ),
        "new token": Refused(
            answers=(answered("error_1005_401"), LOGIN, answered("error_1005_401")),
            error=AuthFailed,
        ),
        "window": Refused(answers=(answered("error_470_400"),), error=WindowClosed),
        "parameter": Refused(answers=(answered("error_1008_400"),), error=Permanent),
        "not on WhatsApp": Refused(
            answers=(answered("error_1006_404"), answered("contact_invalid_200")),
            error=RecipientGone,
        ),
        "fast": Refused(answers=(answered("error_1015_429"),), error=RateLimited),
        "overloaded": Refused(answers=(answered("error_1016_503"),), error=RateLimited),
        "down": Refused(answers=(answered("error_1014_500"),), error=Transient),
    }
    healthy = HEALTHY
    registered = (answered("changed_200"), *HEALTHY)
    removed = (answered("settings_200"), answered("changed_200"), answered("changed_200"))
    seen = (answered("changed_200"),)
    fetched = (answer(200, b"a picture", content_type="image/jpeg"),)

    @contextmanager
    def simulator(self):
        with live() as sandbox:
            made = sandbox.app.test_client().post("/_sandbox/clients", json=self.credentials)
            assert made.status_code == 201, made.text
            yield replace(self.connection(api_base=f"{sandbox.url}/onprem"), tokens={})

    def sign(self, call, connection):
        """Nothing is signed: who knows the webhook's address is believed."""
        return replace(call)
