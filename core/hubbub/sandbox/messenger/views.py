"""Show a chat as the customer sees it."""

from typing import Final

from hubbub.sandbox.messenger.customers import KINDS, buttons
from hubbub.sandbox.messenger.receipts import STATUSES
from hubbub.sandbox.messenger.state import PAGE_INBOX, Cloud, Message, Page, Person
from hubbub.sandbox.providers import Button, ChatView, Line, Picture, Skills
from hubbub.sandbox.wsgi import Json

_SKILLS: Final = Skills(
    quotes=True,
    edits=True,
    unsends=True,
    places=True,
    colleague="The Page inbox",
    reactions=("👍", "❤️", "😆", "😮", "😢", "😠"),
    kinds=KINDS,
    receipts=STATUSES,
)


def chat_view(cloud: Cloud, page: Page, person: Person) -> ChatView:
    """Return what somebody sees of their chat with a Page."""
    with cloud.world.lock:
        newest = person.messages[-1] if person.messages else None
        return ChatView(
            address=person.psid,
            lines=tuple(_line(cloud, page, one, newest=one is newest) for one in person.messages),
            typing=person.typing,
            left=person.blocked,
            skills=_SKILLS,
        )


def _line(cloud: Cloud, page: Page, message: Message, *, newest: bool) -> Line:
    if message.unsent:
        return Line(
            id=message.id, mine=True, at=message.at, status="unsent", text="(unsent)", acts=False
        )
    files = [cloud.world.files.get(file_id) for file_id in message.files]
    quoted = page.messages.get(message.quoted)
    return Line(
        id=message.id,
        mine=message.mine,
        at=message.at,
        text=_words(message),
        pictures=tuple(Picture(file.id, file.name, file.is_image) for file in files if file),
        buttons=_buttons(message, newest=newest),
        status=_status(page, message),
        problem="not take" in message.status,
        quote=_words(quoted) if quoted else "",
        reaction=message.reaction,
        edited=bool(message.edits),
    )


def _status(page: Page, message: Message) -> str:
    if message.app_id in {"", page.app.id}:
        return message.status
    return "by the Page inbox" if message.app_id == PAGE_INBOX else f"by app {message.app_id}"


def _words(message: Message) -> str:
    try:
        return _text(message.content)
    except (AttributeError, KeyError, TypeError):
        # Whoever steers the sandbox may bring what no customer could write.
        return "(something else)"


def _text(content: Json) -> str:
    shared = [content.get("attachment") or {}, *content.get("attachments", [])]
    words = [content.get("text", ""), *(_shared(one.get("payload") or {}) for one in shared)]
    return "\n".join(filter(None, words))


def _shared(payload: Json) -> str:
    if "coordinates" in payload:
        return "📍 {lat}, {long}".format(**payload["coordinates"])
    cards = (
        ", ".join(filter(None, (card["title"], card.get("subtitle"))))
        for card in payload.get("elements", [])
    )
    return "\n".join(filter(None, (payload.get("text") or payload.get("title"), *cards)))


def _buttons(message: Message, *, newest: bool) -> tuple[tuple[Button, ...], ...]:
    if message.mine:
        return ()
    # Quick replies are gone once the chat goes on.
    replies = message.content.get("quick_replies", []) if newest else []
    quick = tuple(
        Button(reply["title"], reply["payload"]) for reply in replies if reply.get("payload")
    )
    below = tuple((_button(one),) for one in buttons(message))
    return (*below, quick) if quick else below


def _button(said: Json) -> Button:
    if said["type"] == "phone_number":
        return Button(said["title"], url=f"tel:{said['payload']}")
    return Button(said["title"], said.get("payload", ""), said.get("url", ""))
