"""Check the buttons of a message."""

from itertools import chain
from typing import Any, Final
from urllib.parse import urlsplit

from hubbub.sandbox.telegram.params import Params
from hubbub.sandbox.telegram.refusal import bad
from hubbub.sandbox.telegram.state import Chat
from hubbub.sandbox.wsgi import Json

_DATA_LIMIT: Final = 64
_COPY_LIMIT: Final = 256
_BUTTONS: Final = 100
_ACTIONS: Final = (
    "callback_data",
    "url",
    "web_app",
    "copy_text",
    "login_url",
    "switch_inline_query",
    "switch_inline_query_current_chat",
    "callback_game",
    "pay",
)


def read_markup(params: Params) -> Json | None:
    """Return the checked ``reply_markup``."""
    markup = params.mapping("reply_markup")
    if not markup:
        return None
    for button in _rows(markup, "inline_keyboard"):
        _check_inline(button)
    for button in _rows(markup, "keyboard"):
        if not isinstance(button, str) and not button.get("text"):
            raise bad('can\'t parse keyboard button: Field "text" must be of type String')
    return markup


def inline_part(markup: Json | None) -> Json:
    """Return what of a markup belongs to the message itself."""
    if markup and "inline_keyboard" in markup:
        return {"reply_markup": {"inline_keyboard": markup["inline_keyboard"]}}
    return {}


def show_keyboard(chat: Chat, markup: Json | None) -> None:
    """Change the keyboard that the customer sees in place of the letters."""
    if markup is None:
        return
    if "keyboard" in markup:
        chat.keyboard = tuple(tuple(map(_title, row)) for row in markup["keyboard"])
    elif markup.get("remove_keyboard"):
        chat.keyboard = ()


def _rows(markup: Json, name: str) -> list[Any]:
    rows = markup.get(name, [])
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad("can't parse reply keyboard markup JSON object")
    buttons = list(chain.from_iterable(rows))
    if len(buttons) > _BUTTONS:
        raise bad("reply markup is too long")
    return buttons


def _check_inline(button: Json) -> None:
    if not button.get("text"):
        raise bad("can't parse inline keyboard button: Text buttons must be non-empty")
    if not any(action in button for action in _ACTIONS):
        raise bad(
            "can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"
        )
    if "callback_data" in button:
        size = len(str(button["callback_data"]).encode())
        if not 1 <= size <= _DATA_LIMIT:
            raise bad("BUTTON_DATA_INVALID")
    if "url" in button and not _good_url(str(button["url"])):
        raise bad(f"inline keyboard button URL '{button['url']}' is invalid: Wrong HTTP URL")
    if len(str((button.get("copy_text") or {}).get("text", ""))) > _COPY_LIMIT:
        raise bad("BUTTON_COPY_TEXT_INVALID")


def _good_url(url: str) -> bool:
    parts = urlsplit(url)
    if parts.scheme == "tg":
        return True
    return parts.scheme in {"http", "https"} and "." in (parts.hostname or "")


def _title(button: Any) -> str:
    return button if isinstance(button, str) else str(button.get("text", ""))
