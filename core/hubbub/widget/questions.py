"""Say what visitors are asked, and check what is left while a channel is closed."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from hubbub.people.errors import Complaint
from hubbub.sdk.widget import FormField, WidgetSettings

#: The answer that is the message itself, and no claim about who leaves it.
MESSAGE: Final = "message"
#: What a tick is kept under that somebody set to what the channel's texts call consent.
_CONSENT: Final = "consent"
#: An address that may be one.
_EMAIL: Final = re.compile(r"[^@\s]{1,64}@[^@\s]{1,190}\.[^@\s.]{2,63}")
#: Kinds of answers by which somebody can be reached.
_REACHED: Final = frozenset({"email", "phone"})
# The window calls these in its own words, unless a channel asks for the same in others.
_NAME: Final = FormField(name="name", label="", autocomplete="name")
_ADDRESS: Final = FormField(name="email", label="", kind="email", autocomplete="email")
_NEEDED: Final = _ADDRESS.model_copy(update={"required": True})
_LEFT: Final = FormField(name=MESSAGE, label="", required=True)


def asked_in_doubt(settings: WidgetSettings) -> tuple[FormField, ...]:
    """Return what has to be answered before a first message where that is insisted on."""
    fields = settings.prechat.fields
    return fields if any(one.required for one in fields) else (_NEEDED,)


def asked_while_closed(settings: WidgetSettings) -> tuple[FormField, ...]:
    """Return what is asked of whoever leaves a message, which is the last of it.

    An address has to be given where the answer goes there, and only then.
    """
    ours = settings.prechat.fields if settings.prechat.when != "never" else ()
    asked = {one.name: one for one in ours if one.name != MESSAGE}
    if settings.email_fallback.channel:
        asked = {"email": _NEEDED, **asked}
        asked["email"] = asked["email"].model_copy(update={"kind": "email", "required": True})
    elif not any(one.kind in _REACHED for one in ours):
        asked = {"email": _ADDRESS, **asked}
    return tuple({"name": _NAME, **asked, MESSAGE: _LEFT}.values())


def as_json(fields: Sequence[FormField]) -> list[dict[str, Any]]:
    """Return questions as the window reads them, which knows what they are called."""
    return [
        {
            **one.model_dump(mode="json", exclude={"label", "texts"}),
            **({"kind": "area"} if one is _LEFT else {}),
        }
        for one in fields
    ]


def labels(settings: WidgetSettings) -> dict[str, dict[str, str]]:
    """Return what a channel calls its questions, in each of its languages."""
    fields = settings.prechat.fields
    told = {language for one in fields for language in one.texts}
    return {
        language: {one.name: _label(one, language) for one in fields}
        for language in sorted({settings.locale, *settings.texts, *told})
    }


def ticks(settings: WidgetSettings) -> list[str]:
    """Return which questions are answered by a tick."""
    asked = (one.name for one in settings.prechat.fields if one.kind == "checkbox")
    return [_CONSENT, *asked]


def wrong_answers(fields: Sequence[FormField], answers: Mapping[str, str]) -> Iterator[Complaint]:
    """Yield what is wrong with the answers to ``fields``."""
    for one in fields:
        text = answers.get(one.name, "")
        if one.required and not text:
            yield Complaint(f"fields.{one.name}", "This has to be answered.")
        elif one.kind == "email" and text and _EMAIL.fullmatch(text) is None:
            yield Complaint(f"fields.{one.name}", "This is no address for email.")


def _label(question: FormField, language: str) -> str:
    texts = question.texts
    found = texts.get(language) or texts.get(language.partition("-")[0])
    return (found and found.label) or question.label
