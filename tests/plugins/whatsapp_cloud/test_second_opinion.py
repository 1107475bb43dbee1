"""What another client library, pywa, makes of our webhooks, and how it writes our requests."""

import json
from typing import Any

import httpx
import pytest
from pywa import WhatsApp, types
from pywa.types.templates import BodyText, HeaderText, TemplateLanguage
from pywa.utils import webhook_updates_validator

from hubbub.sdk import (
    Accept,
    Attachment,
    Card,
    Choice,
    Choices,
    Contacts,
    Location,
    Media,
    MessageReceived,
    Option,
    Reaction,
    ReceiptReceived,
    Template,
    Text,
    UnsupportedContent,
)
from tests.plugins.whatsapp_cloud.conftest import (
    ANNS_ID,
    APP_SECRET,
    NUMBER_ID,
    PAYLOADS,
    REFERENCE,
    TOKEN,
    signature,
)

TO = "15550100199"
LINK = "https://files.example.org/a"
#: The library has types of its own for what comes back from buttons and forms.
FROM_BUTTONS = (types.CallbackButton, types.CallbackSelection, types.FlowCompletion)


@pytest.fixture
def theirs():
    """Return the body that the library would send."""
    asked = []

    def answer(request):
        asked.append(request)
        sent = {"messages": [{"id": "wamid.1"}], "contacts": [{"input": TO, "wa_id": TO}]}
        return httpx.Response(200, json={"messaging_product": "whatsapp"} | sent)

    client = httpx.Client(transport=httpx.MockTransport(answer))
    library = WhatsApp(phone_id=NUMBER_ID, token=TOKEN, session=client, api_version=25.0)

    def body(act):
        asked.clear()
        act(library)
        (request,) = asked
        return (
            str(request.url),
            request.headers["authorization"],
            _bare(json.loads(request.content)),
        )

    yield body
    client.close()


def _bare(value):
    """Drop what says nothing: the library writes nulls, empty texts and its own defaults."""
    if isinstance(value, list):
        return [_bare(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {name: _bare(item) for name, item in value.items() if item not in _NOTHING}
    return {name: _alike(name, item) for name, item in kept.items() if item not in _NOTHING}


_NOTHING: tuple[Any, ...] = (None, "", [], {}, False)


def _alike(name, value):
    """Return ``value`` as we write it: Meta reads ``BODY`` and ``body`` alike."""
    return str(value).lower() if name in {"type", "sub_type", "index"} else value


def attachment(kind, *, caption=None, filename=None, mime_type=None):
    return Attachment(
        type=kind, media=Media(url=LINK, filename=filename, mime_type=mime_type), caption=caption
    )


OPTIONS = (Option(id="yes", title="Yes"), Option(id="no", title="No"))
ROWS = tuple(Option(id=f"i{n}", title=f"T{n}", description="Room 1") for n in range(4))
SENT = {
    "text": (Text(text="Ready at 5"), lambda to: to.send_message(TO, "Ready at 5")),
    "text with link": (
        Text(text=f"See {LINK}"),
        lambda to: to.send_message(TO, f"See {LINK}", preview_url=True),
    ),
    "image": (
        attachment("image", caption="Look"),
        lambda to: to.send_image(TO, LINK, caption="Look"),
    ),
    "video": (
        attachment("video", caption="Look"),
        lambda to: to.send_video(TO, LINK, caption="Look"),
    ),
    "document": (
        attachment("document", caption="Look", filename="a.pdf"),
        lambda to: to.send_document(TO, LINK, filename="a.pdf", caption="Look"),
    ),
    "audio": (attachment("audio"), lambda to: to.send_audio(TO, LINK)),
    "voice": (attachment("voice"), lambda to: to.send_voice(TO, LINK)),
    "sticker": (attachment("sticker"), lambda to: to.send_sticker(TO, LINK)),
    "location": (
        Location(latitude=48.1, longitude=11.5, name="Test Cafe", address="Main St 1"),
        lambda to: to.send_location(TO, 48.1, 11.5, name="Test Cafe", address="Main St 1"),
    ),
    "contacts": (
        Contacts(contacts=(Card(name="Bob Test", phones=("+15550100111",), emails=("b@e.org",)),)),
        lambda to: to.send_contact(
            TO,
            types.Contact(
                name=types.Contact.Name(formatted_name="Bob Test", first_name="Bob"),
                phones=[types.Contact.Phone(phone="+15550100111")],
                emails=[types.Contact.Email(email="b@e.org")],
            ),
        ),
    ),
    "reaction": (
        Reaction(emoji="👍", target_external_id="wamid.IN0001"),
        lambda to: to.send_reaction(TO, "👍", "wamid.IN0001"),
    ),
    "buttons": (
        Choices(text="Choose", options=OPTIONS),
        lambda to: to.send_message(
            TO, "Choose", buttons=[types.Button("Yes", "yes"), types.Button("No", "no")]
        ),
    ),
    "list": (
        Choices(text="Pick", options=ROWS),
        lambda to: to.send_message(
            TO,
            "Pick",
            buttons=types.SectionList(
                "☰",
                [
                    types.Section(
                        "", [types.SectionRow(row.title, row.id, row.description) for row in ROWS]
                    )
                ],
            ),
        ),
    ),
    "template": (
        Template(
            name="order_ok", language="en_US", parameters={"header": "Hi", "1": "A", "2": "B"}
        ),
        lambda to: to.send_template(
            TO,
            "order_ok",
            TemplateLanguage.ENGLISH_US,
            [HeaderText.params("Hi"), BodyText.params("A", "B")],
        ),
    ),
    "template with names": (
        Template(
            name="order_ok",
            language="en_US",
            parameters={"header.image": LINK, "order_no": "42", "button.1.url": "t/42"},
        ),
        lambda to: to.send_template(
            TO,
            "order_ok",
            TemplateLanguage.ENGLISH_US,
            [
                types.templates.HeaderImage.params(image=LINK),
                BodyText.params(order_no="42"),
                types.templates.URLButton.params(url_variable="t/42", index=1),
            ],
        ),
    ),
    "template with a named header": (
        Template(
            name="welcome", language="en_US", parameters={"header.first_name": "A", "city": "B"}
        ),
        lambda to: to.send_template(
            TO,
            "welcome",
            TemplateLanguage.ENGLISH_US,
            [HeaderText.params(first_name="A"), BodyText.params(city="B")],
        ),
    ),
}


@pytest.mark.parametrize("kind", SENT)
def test_the_library_writes_the_same_request(channel, connection, part, theirs, kind):
    content, act = SENT[kind]
    request = next(channel.send(part(content), connection))
    ours = json.loads(request.body)
    assert ours.pop("biz_opaque_callback_data") == REFERENCE
    url, authorization, body = theirs(act)
    assert (request.url, request.headers["authorization"]) == (url, authorization)
    assert ours == body


def test_the_library_puts_user_id_quotation_and_reference_where_we_do(
    channel, connection, part, theirs
):
    quoting = part("Hi", address=ANNS_ID, reply_to_external_id="wamid.IN0001")
    _, _, body = theirs(
        lambda to: to.send_message(
            ANNS_ID, "Hi", reply_to_message_id="wamid.IN0001", tracker=REFERENCE
        )
    )
    assert json.loads(next(channel.send(quoting, connection)).body) == body


@pytest.fixture
def read():
    """Return what the library reads in a call."""
    heard = []
    library = WhatsApp(
        phone_id=NUMBER_ID, token=TOKEN, server=None, verify_token="x", app_secret=APP_SECRET
    )
    for listen in (
        library.on_message,
        library.on_callback_button,
        library.on_callback_selection,
        library.on_flow_completion,
        library.on_message_status,
        library.on_template_status_update,
    ):
        listen(lambda _, update: heard.append(update))

    def parse(name):
        heard.clear()
        library.webhook_update_handler((PAYLOADS / name).read_bytes())
        return list(heard)

    return parse


@pytest.mark.parametrize("name", ["rejected", "flagged"])
def test_the_library_reads_the_same_in_news_of_a_template(hear, read, name):
    (theirs,), (ours,) = (how(f"account_template_{name}.json") for how in (read, hear))
    assert (theirs.template_name, theirs.template_language) == (ours.name, ours.language)
    assert theirs.new_status == ours.provider_status
    assert (theirs.rejection_info.reason if theirs.rejection_info else "") == ours.reason


def test_the_library_reads_the_same_list_of_templates(channel, connection, drive, answer):
    pages = ("templates_first_200.json", "templates_last_200.json")
    _, ours = drive(channel.templates(connection), *map(answer, pages))
    found = [_listed(page) for page in pages]
    theirs = [template for result in found for template in result]
    assert [(one.id, one.name, one.language, one.status, one.category) for one in theirs] == [
        (one.external_id, one.name, one.language, one.provider_status, one.category) for one in ours
    ]
    assert [result.has_next for result in found] == [True, False]


def _listed(page):
    # The library also asks for a summary, and reads it.
    counts = ("total_count", "message_template_count", "message_template_limit")
    summary = {**dict.fromkeys(counts, 5), "are_translations_complete": True}
    body = json.loads((PAYLOADS / page).read_bytes()) | {"summary": summary}
    transport = httpx.MockTransport(lambda _: httpx.Response(200, json=body))
    library = WhatsApp(phone_id=NUMBER_ID, token=TOKEN, session=httpx.Client(transport=transport))
    return library.get_templates(waba_id="1")


MESSAGES = (
    "text image audio voice video document sticker location contacts reaction reaction_removed "
    "button_reply list_reply flow_reply button order quoting unsupported"
)


@pytest.mark.parametrize("kind", MESSAGES.split())
def test_the_library_reads_the_same_in_a_message(hear, read, kind):
    (theirs,), (ours,) = read(f"message_{kind}.json"), hear(f"message_{kind}.json")
    assert isinstance(ours, MessageReceived)
    assert (theirs.id, theirs.timestamp) == (ours.external_id, ours.provider_at)
    assert (f"+{theirs.from_user.wa_id}", theirs.from_user.name) == (
        ours.sender.address,
        ours.sender.name,
    )
    quoted = theirs.reply_to_message
    assert (quoted.id if quoted else None) == ours.reply_to_external_id
    assert _essence(theirs) == _our_essence(ours.content)


def _essence(update):
    """Return what the library found, in few words."""
    if isinstance(update, types.FlowCompletion):
        answers = {name: str(value) for name, value in update.response.items()}
        return answers | {"flow_token": update.token}
    if isinstance(update, FROM_BUTTONS):
        return (update.data, update.title)
    if update.media:
        return (update.media.id, update.media.mime_type.partition(";")[0], update.caption)
    if update.location:
        return (update.location.latitude, update.location.longitude, update.location.name)
    if update.contacts:
        return [contact.name.formatted_name for contact in update.contacts]
    if update.reaction:
        return (update.reaction.emoji or "", update.reaction.message_id)
    if update.order:
        return [product.sku for product in update.order.products]
    return update.text


def _our_essence(content):
    match content:
        case Text(text=text):
            return text
        case Attachment(media=media, caption=caption):
            return (media.ref, media.mime_type, caption)
        case Location(latitude=latitude, longitude=longitude, name=name):
            return (latitude, longitude, name)
        case Contacts(contacts=cards):
            return [card.name for card in cards]
        case Reaction(emoji=emoji, target_external_id=target):
            return (emoji, target)
        case Choice(id=key, title=title):
            return (key, title)
        case UnsupportedContent():
            return None
    return content.fields if content.type == "form" else [item.split()[2] for item in content.items]


@pytest.mark.parametrize("name", ["sent", "delivered", "read", "failed_131047"])
def test_the_library_reads_the_same_in_a_status(hear, read, name):
    (theirs,), (ours,) = read(f"status_{name}.json"), hear(f"status_{name}.json")
    assert isinstance(ours, ReceiptReceived)
    assert (theirs.id, theirs.status.value, theirs.tracker) == (
        ours.external_id,
        str(ours.state),
        ours.reference,
    )
    assert theirs.timestamp == ours.provider_at
    assert bool(theirs.error) is bool(ours.fault)
    if ours.fault:
        assert str(theirs.error.code) == ours.fault.provider_code


def test_the_library_checks_the_signature_as_we_do(channel, connection, call, payload):
    body = payload("message_text.json")
    for header in (signature(body), signature(body, "another")):
        accepted = channel.verify(call(body, x_hub_signature_256=header), connection) == Accept()
        assert accepted is webhook_updates_validator(APP_SECRET, body, header)
