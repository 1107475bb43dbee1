"""Read which templates an account has, and what each wants filled in. Source: "Templates".

How the parameters are named, `hubbub_whatsapp_cloud.templates` says.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from pydantic import Field

from hubbub.sdk import (
    Exchange,
    MalformedPayload,
    MessageTemplate,
    Permanent,
    TemplateParameter,
    TemplateStatus as S,
    graph,
)
from hubbub_whatsapp_cloud import api
from hubbub_whatsapp_cloud.fields import WhatsAppConnection

#: Meta's words for what a template is, in its list and in its webhooks.
STATUS: Final[Mapping[str, S]] = {
    "APPROVED": S.APPROVED,
    # It was disabled, or about to be.
    "REINSTATED": S.APPROVED,
    "PENDING": S.PENDING,
    "IN_APPEAL": S.PENDING,
    "REJECTED": S.REJECTED,
    "PAUSED": S.PAUSED,
    "DISABLED": S.DISABLED,
    "LIMIT_EXCEEDED": S.DISABLED,
    "ARCHIVED": S.DISABLED,
    "PENDING_DELETION": S.DELETED,
    "DELETED": S.DELETED,
}
_FIELDS: Final = (
    "id,name,language,status,category,parameter_format,components,quality_score,rejected_reason"
)
#: Templates in one answer, the bytes that these may be, and the answers we ask for.
_PAGE: Final = "200"
_PAGE_SIZE: Final = 8 << 20
_PAGES: Final = 10
_VARIABLE: Final = re.compile(r"{{\s*(\w+)\s*}}", re.ASCII)
#: Characters of a value. Source: "Messages", text object of a parameter.
_HEADER_LIMIT: Final = 60
_BODY_LIMIT: Final = 1024
#: Where there is nothing but the body.
_LONE_BODY_LIMIT: Final = 32768
_FILES: Final = frozenset({"IMAGE", "VIDEO", "DOCUMENT"})
_COMPONENTS: Final = frozenset({"HEADER", "BODY", "FOOTER", "BUTTONS"})


class Quality(graph.Said):
    """What people think of a template."""

    score: str = ""


class Listed(graph.Said):
    """A template in one language."""

    id: str = ""
    name: str = Field(min_length=1)
    language: str = Field(min_length=1)
    status: str = ""
    category: str = ""
    parameter_format: str = ""
    components: tuple[dict[str, Any], ...] = ()
    quality_score: Quality = Quality()
    rejected_reason: str = ""


class Page(graph.Said):
    """Some of an account's templates."""

    data: tuple[Listed, ...] = ()
    paging: api.Paging = api.Paging()


class Button(graph.Said):
    """A button below a template."""

    type: str = ""
    url: str = ""


class Component(graph.Said):
    """A part of a template: header, body, footer or buttons."""

    type: str = ""
    format: str = ""
    text: str = ""
    buttons: tuple[Button, ...] = ()

    @property
    def strange(self) -> bool:
        """Whether no parameter of ours fills it in: a carousel, a place."""
        known = self.type.upper() in _COMPONENTS
        return not known or self.format.upper() not in {"", "TEXT", *_FILES}


def templates(connection: WhatsAppConnection) -> Exchange[tuple[MessageTemplate, ...]]:
    """Return all templates of the account. Raises a `SendError` when they are not to be had."""
    account_id = connection.fields.settings.business_account_id
    if not account_id:
        why = "The account has the templates: enter the WhatsApp Business Account ID."
        raise Permanent(why, code="no_account")
    found: list[Listed] = []
    after: dict[str, str] = {}
    for _ in range(_PAGES):
        path = f"{account_id}/message_templates"
        request = api.get(connection, path, fields=_FIELDS, limit=_PAGE, **after)
        page = api.need(Page, (yield replace(request, max_answer=_PAGE_SIZE)))
        found += page.data
        if not page.paging.following:
            return tuple(_template(one) for one in found)
        after = {"after": page.paging.following}
    raise Permanent(f"The account has more than {len(found)} templates.", code="too_many_templates")


def _template(listed: Listed) -> MessageTemplate:
    reason = listed.rejected_reason
    return MessageTemplate(
        name=listed.name,
        language=listed.language,
        status=STATUS.get(listed.status, S.UNKNOWN),
        provider_status=listed.status,
        reason="" if reason == "NONE" else reason,
        external_id=listed.id or None,
        category=listed.category,
        quality=listed.quality_score.score,
        parameter_format=listed.parameter_format,
        components=listed.components,
        parameters=_wanted(listed),
    )


def _wanted(listed: Listed) -> tuple[TemplateParameter, ...] | None:
    """Return what is to be filled in; None where a part is strange to us, and Meta has to judge."""
    try:
        components = [graph.readable(Component, one) for one in listed.components]
    except MalformedPayload:
        return None
    if not components or any(component.strange for component in components):
        return None
    named = listed.parameter_format == "NAMED"
    limit = _BODY_LIMIT if len(components) > 1 else _LONE_BODY_LIMIT
    return tuple(
        parameter
        for component in components
        for parameter in _parameters(component, named=named, limit=limit)
    )


def _parameters(component: Component, *, named: bool, limit: int) -> Iterator[TemplateParameter]:
    match component.type.upper():
        case "HEADER":
            yield from _header(component, named=named)
        case "BODY":
            for name in _variables(component.text):
                yield TemplateParameter(name=name, max_length=limit)
        case "BUTTONS":
            yield from _buttons(component.buttons)


def _header(component: Component, *, named: bool) -> Iterator[TemplateParameter]:
    if component.format.upper() in _FILES:
        yield TemplateParameter(name=f"header.{component.format.lower()}", holds="url")
    for variable in _variables(component.text):
        name = f"header.{variable}" if named else "header"
        yield TemplateParameter(name=name, max_length=_HEADER_LIMIT)


def _buttons(buttons: Iterable[Button]) -> Iterator[TemplateParameter]:
    for index, button in enumerate(buttons):
        match button.type.upper():
            case "URL" if _variables(button.url):
                yield TemplateParameter(name=f"button.{index}.url")
            # The button of a one-time code is filled in like one with an address.
            case "OTP":
                yield TemplateParameter(name=f"button.{index}.url")
            case "COPY_CODE":
                yield TemplateParameter(name=f"button.{index}.copy_code")
            case "QUICK_REPLY":
                # Without a payload its label comes back.
                yield TemplateParameter(name=f"button.{index}.quick_reply", required=False)


def _variables(text: str) -> Iterable[str]:
    return dict.fromkeys(_VARIABLE.findall(text))
