"""Show a chat as the customer sees it."""

from typing import Final

from hubbub.sandbox.providers import Button, ChatView, Line, Picture, Skills
from hubbub.sandbox.whatsapp import webhooks
from hubbub.sandbox.whatsapp.customers import KINDS, options
from hubbub.sandbox.whatsapp.receipts import STATUSES
from hubbub.sandbox.whatsapp.state import Chat, Cloud, Message, Number, Person
from hubbub.sandbox.wsgi import Json

_SKILLS: Final = Skills(
    quotes=True,
    edits=True,
    places=True,
    cards=True,
    reactions=("👍", "❤️", "😂", "🙏"),
    kinds=KINDS,
    receipts=STATUSES,
)


def chat_view(cloud: Cloud, number: Number, person: Person) -> ChatView:
    """Return what somebody sees of their chat with a number."""
    with cloud.world.lock:
        chat = number.chats.get(person, Chat())
        return ChatView(
            address=person.address,
            lines=tuple(_line(cloud, number, message) for message in chat.messages),
            typing=chat.typing,
            left=chat.blocked,
            skills=_SKILLS,
        )


def _line(cloud: Cloud, number: Number, message: Message) -> Line:
    files = [cloud.world.files.get(file_id) for file_id in message.files]
    quoted = number.messages.get(message.quoted)
    status = f"{message.status} (error {message.error})" if message.error else message.status
    return Line(
        id=message.id,
        mine=message.mine,
        at=message.at,
        text=_words(message),
        pictures=tuple(Picture(file.id, file.name, file.is_image) for file in files if file),
        buttons=_buttons(message),
        status=status,
        problem=message.status == "failed" or "not take" in message.status,
        quote=_words(quoted) if quoted else "",
        reaction="".join(message.reactions.values()),
        edited=message.edited,
        editable=message.kind == "text",
    )


def _words(message: Message) -> str:
    try:
        return _text(message)
    except (AttributeError, KeyError, TypeError):
        # Whoever steers the sandbox may bring what no customer could write.
        return f"({message.kind})"


def _text(message: Message) -> str:
    if message.filled:
        seen = message.filled
        return "\n\n".join(filter(None, (seen.header, seen.text, seen.footer)))
    content = message.content
    if isinstance(content, list):
        return "\n".join(_card(card) for card in content)
    if not isinstance(content, dict):
        return f"({message.kind})"
    if message.kind == "location":
        return _place(content)
    if message.kind == "interactive":
        return _interactive(content)
    return webhooks.text_of(message)


def _interactive(content: Json) -> str:
    for picked in ("button_reply", "list_reply"):
        if picked in content:
            return str(content[picked]["title"])
    parts = (content.get(part, {}).get("text", "") for part in ("header", "body", "footer"))
    return "\n\n".join(filter(None, parts)) or "(a form)"


def _place(content: Json) -> str:
    what = ", ".join(filter(None, (content.get("name"), content.get("address"))))
    return f"📍 {what or '{latitude}, {longitude}'.format(**content)}"


def _card(card: Json) -> str:
    numbers = ", ".join(phone.get("phone", "") for phone in card.get("phones", []))
    return f"👤 {card.get('name', {}).get('formatted_name', '')}: {numbers}"


def _buttons(message: Message) -> tuple[tuple[Button, ...], ...]:
    if message.mine:
        return ()
    if message.filled:
        return tuple(
            (Button(button["text"], str(index), button["url"]),)
            for index, button in enumerate(message.filled.buttons)
            if button["url"] or button["type"] == "quick_reply"
        )
    picks = [Button(option["title"], option["id"]) for _, option in options(message)]
    content = message.content if isinstance(message.content, dict) else {}
    link = content.get("action", {}).get("parameters") if message.kind == "interactive" else None
    if link:
        picks.append(Button(link["display_text"], url=link["url"]))
    return tuple((button,) for button in picks)
