"""Keep message templates, judge what fills them in, and show them as people see them.

Source: WhatsApp Cloud API, "Message templates" and "Template messages".
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, Final

from hubbub.sandbox.meta.refusal import Refused
from hubbub.sandbox.whatsapp import codes
from hubbub.sandbox.whatsapp.wire import Component, File, Parameter, TemplateBody
from hubbub.sandbox.wsgi import Json

_VARIABLE: Final = re.compile(r"\{\{\s*([a-z0-9_]+)\s*\}\}")
_BODY_LIMIT: Final = 1024
_HEADER_FILES: Final = frozenset({"image", "video", "document"})
_TEXTS: Final = frozenset({"text", "currency", "date_time"})
_UNUSABLE: Final[Mapping[str, int]] = {
    "PAUSED": codes.TEMPLATE_PAUSED,
    "DISABLED": codes.TEMPLATE_DISABLED,
}
#: What a button's parameter is called, where one is needed.
_BUTTON_VALUES: Final[Mapping[str, str]] = {
    "url": "text",
    "copy_code": "coupon_code",
    "quick_reply": "payload",
}
_ids = count(594000000000001)


@dataclass(frozen=True, kw_only=True)
class Template:
    """One language of a template."""

    name: str
    language: str
    category: str = "UTILITY"
    status: str = "APPROVED"
    parameter_format: str = "POSITIONAL"
    components: Sequence[Json] = ()
    id: str = field(default_factory=lambda: str(next(_ids)))
    rejected_reason: str = "NONE"

    def as_json(self) -> Json:
        """Return the template as the API lists it."""
        return {
            "id": self.id,
            "name": self.name,
            "language": self.language,
            "category": self.category,
            "status": self.status,
            "parameter_format": self.parameter_format,
            "components": list(self.components),
            "quality_score": {"score": "UNKNOWN", "date": 1790000000},
            "rejected_reason": self.rejected_reason,
        }

    def part(self, kind: str) -> Json:
        """Return a component; empty where there is none."""
        return next((one for one in self.components if one.get("type") == kind), {})

    @property
    def buttons(self) -> Sequence[Json]:
        """The buttons, in order."""
        return list(self.part("BUTTONS").get("buttons", []))


@dataclass(frozen=True, kw_only=True)
class Filled:
    """A template as people see it."""

    header: str
    #: The file above it: its kind, and where it is.
    file: tuple[str, File] | None
    text: str
    footer: str
    buttons: Sequence[Json]


def _words(kind: str, text: str, **more: Any) -> Json:
    return {"type": kind, "text": text, **more}


#: What every account begins with: one of each shape.
STARTERS: Final[Sequence[Template]] = (
    Template(
        name="hello_world",
        language="en_US",
        components=(
            _words("HEADER", "Hello World", format="TEXT"),
            _words("BODY", "Welcome and congratulations!! This message shows that you can send."),
            _words("FOOTER", "WhatsApp Business Platform sample message"),
        ),
    ),
    Template(
        name="order_ok",
        language="en_US",
        components=(
            _words(
                "BODY",
                "Hello {{1}}, your order {{2}} is on its way.",
                example={"body_text": [["Ann", "42"]]},
            ),
            {
                "type": "BUTTONS",
                "buttons": [
                    {"type": "QUICK_REPLY", "text": "Change the address"},
                    {
                        "type": "URL",
                        "text": "Track it",
                        "url": "https://shop.example/track/{{1}}",
                        "example": ["https://shop.example/track/42"],
                    },
                ],
            },
        ),
    ),
    Template(
        name="visit_reminder",
        language="en_US",
        parameter_format="NAMED",
        components=(
            _words("HEADER", "See you, {{name}}", format="TEXT"),
            _words("BODY", "Your visit is on {{day}} at {{hour}}."),
            _words("FOOTER", "Reply to change it"),
        ),
    ),
    Template(
        name="spring_sale",
        language="en_US",
        category="MARKETING",
        components=(
            {"type": "HEADER", "format": "IMAGE", "example": {"header_handle": ["h"]}},
            _words("BODY", "Everything is {{1}} off."),
            {"type": "BUTTONS", "buttons": [{"type": "COPY_CODE", "example": "SPRING25"}]},
        ),
    ),
    Template(
        name="old_offer",
        language="en_US",
        category="MARKETING",
        status="PAUSED",
        components=(_words("BODY", "Only today."),),
    ),
)


def put(templates: list[Template], template: Template) -> Template:
    """Keep a template in place of the one of its name and language, whose id stays."""
    for index, known in enumerate(templates):
        if (known.name, known.language) == (template.name, template.language):
            templates[index] = replace(template, id=known.id)
            return templates[index]
    templates.append(template)
    return template


def chosen(templates: Iterable[Template], said: TemplateBody) -> Template:
    """Return the template that a message names, if it may be sent. Raises `Refused`."""
    for template in templates:
        if (template.name, template.language) == (said.name, said.language.code):
            if template.status in _UNUSABLE:
                raise Refused(_UNUSABLE[template.status], f"Template {said.name} cannot be used.")
            if template.status == "APPROVED":
                return template
    raise Refused(
        codes.NO_TEMPLATE,
        f"template name ({said.name}) does not exist in {said.language.code}",
    )


def fill_in(template: Template, said: TemplateBody) -> Filled:
    """Return what people see of a template that a message fills in. Raises `Refused`."""
    given = _Given(said.components)
    header, file = _header(template, given.of("header"))
    text = _text(template, template.part("BODY"), given.of("body"), "body")
    if len(text) > _BODY_LIMIT:
        raise Refused(codes.TOO_LONG, "body: the text is too long")
    given.check_nothing_is_left(len(template.buttons))
    return Filled(
        header=header,
        file=file,
        text=text,
        footer=str(template.part("FOOTER").get("text", "")),
        buttons=[
            _button(button, index, given.button(index))
            for index, button in enumerate(template.buttons)
        ],
    )


@dataclass(frozen=True)
class _Given:
    """The components of a message."""

    components: Sequence[Component]

    def of(self, kind: str) -> Sequence[Parameter]:
        """Return the parameters of ``header`` or ``body``."""
        return [
            parameter
            for component in self.components
            if component.kind == kind
            for parameter in component.parameters
        ]

    def button(self, index: int) -> Component | None:
        """Return what is said of a button."""
        found = (one for one in self.components if one.kind == "button" and one.place == index)
        return next(found, None)

    def check_nothing_is_left(self, buttons: int) -> None:
        """Raise `Refused` if a button is spoken of that the template has not."""
        for component in self.components:
            if component.kind == "button" and component.place >= buttons:
                details = f"buttons: Button at index {component.place} does not exist"
                raise Refused(codes.PARAMETER_FORMAT, details)


def _header(
    template: Template, parameters: Sequence[Parameter]
) -> tuple[str, tuple[str, File] | None]:
    part = template.part("HEADER")
    wanted = str(part.get("format", "TEXT")).lower()
    if wanted not in _HEADER_FILES:
        return _text(template, part, parameters, "header"), None
    kinds, files = ([parameter.kind for parameter in parameters], [one.file for one in parameters])
    if kinds != [wanted] or files[0] is None:
        got = ", ".join(kinds).upper() or "UNKNOWN"
        details = f"header: Format mismatch, expected {wanted.upper()}, received {got}"
        raise Refused(codes.PARAMETER_FORMAT, details)
    return "", (wanted, files[0])


def _text(template: Template, part: Json, parameters: Sequence[Parameter], place: str) -> str:
    text = str(part.get("text", ""))
    wanted = list(dict.fromkeys(_VARIABLE.findall(text)))
    if len(parameters) != len(wanted):
        raise Refused(
            codes.PARAMETER_COUNT,
            f"{place}: number of localizable_params ({len(parameters)}) does not match the "
            f"expected number of params ({len(wanted)})",
        )
    values = _values(template, parameters, wanted, place)
    return _VARIABLE.sub(lambda found: values[found[1]], text)


def _values(
    template: Template, parameters: Sequence[Parameter], wanted: Sequence[str], place: str
) -> Mapping[str, str]:
    if any(parameter.kind not in _TEXTS for parameter in parameters):
        raise Refused(codes.PARAMETER_FORMAT, f"{place}: Format mismatch, expected TEXT")
    if any(not parameter.words.strip() for parameter in parameters):
        raise Refused(codes.MISSING, f"{place}: a parameter's text is missing")
    if template.parameter_format == "POSITIONAL":
        if any(parameter.parameter_name for parameter in parameters):
            raise Refused(100, f"{place}: parameter_name is for templates with named parameters")
        return {
            name: parameter.words
            for name, parameter in zip(sorted(wanted, key=int), parameters, strict=True)
        }
    values = {parameter.parameter_name: parameter.words for parameter in parameters}
    if set(values) != set(wanted):
        raise Refused(100, f"{place}: parameter name is missing or not one of the template")
    return values


def _button(button: Json, index: int, given: Component | None) -> Json:
    kind = str(button.get("type", "")).lower()
    if given is not None and given.sub_type.lower() != kind:
        details = f"buttons: Button at index {index} is of type {kind}"
        raise Refused(codes.PARAMETER_FORMAT, details)
    value = _button_value(kind, index, given) if given is not None else ""
    url = str(button.get("url", ""))
    if not value and (kind == "copy_code" or _VARIABLE.search(url)):
        details = f"buttons: Button at index {index} of type {kind} requires a parameter"
        raise Refused(codes.MISSING, details)
    title = str(button.get("text", "Copy code"))
    return {"type": kind, "text": title, "url": _VARIABLE.sub(lambda _: value, url)} | (
        {"payload": value or title} if kind == "quick_reply" else {"value": value}
    )


def _button_value(kind: str, index: int, given: Component) -> str:
    wanted = _BUTTON_VALUES.get(kind, "")
    if [parameter.kind for parameter in given.parameters] != [wanted]:
        details = f"buttons: Button at index {index} of type {kind} takes one {wanted}"
        raise Refused(codes.PARAMETER_FORMAT, details)
    return given.parameters[0].words
