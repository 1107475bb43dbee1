"""Say options to pick from. Source: "Quick replies", "Button template", "Generic template".

Up to three short options are buttons, which stay; more are quick replies, which are gone once one
is tapped; options with descriptions are cards.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal, TypeAlias

from hubbub.sdk import Choices, Option

#: Options of one message, as quick replies.
OPTIONS: Final = 13

_Form: TypeAlias = Literal["buttons", "cards", "quick_replies"]

_BUTTONS: Final = 3
_CARDS: Final = 10
#: Characters of a button's or a quick reply's title.
_TITLE: Final = 20
_SUBTITLE: Final = 80
_PAYLOAD: Final = 1000
_BUTTON_TEXT: Final = 640


def form(choices: Choices) -> _Form | None:
    """Return as what Messenger can show ``choices``; None: they become a numbered menu."""
    options = choices.options
    ids = [option.id for option in options]
    fits = all(0 < len(option.title) <= _TITLE for option in options)
    usable = all(0 < len(key) <= _PAYLOAD for key in ids) and len(set(ids)) == len(ids)
    if not (fits and usable and 0 < len(options) <= OPTIONS):
        return None
    if any(option.description for option in options):
        # Buttons and quick replies have no room for a description.
        return "cards" if len(options) <= _CARDS else None
    few = len(options) <= _BUTTONS and 0 < len(choices.text) <= _BUTTON_TEXT
    return "buttons" if few else "quick_replies"


def message(choices: Choices, shape: _Form) -> Mapping[str, Any]:
    """Return the message that shows ``choices`` in the form that `form` found."""
    if shape == "quick_replies":
        return {"text": choices.text, "quick_replies": [_quick(one) for one in choices.options]}
    if shape == "cards":
        elements = [_card(option) for option in choices.options]
        return _template({"template_type": "generic", "elements": elements})
    buttons = [_button(option) for option in choices.options]
    return _template({"template_type": "button", "text": choices.text, "buttons": buttons})


def _quick(option: Option) -> Mapping[str, str]:
    return {"content_type": "text", "title": option.title, "payload": option.id}


def _button(option: Option) -> Mapping[str, str]:
    return {"type": "postback", "title": option.title, "payload": option.id}


def _card(option: Option) -> Mapping[str, Any]:
    card: dict[str, Any] = {"title": option.title, "buttons": [_button(option)]}
    if option.description:
        card["subtitle"] = option.description[:_SUBTITLE]
    return card


def _template(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"attachment": {"type": "template", "payload": payload}}
