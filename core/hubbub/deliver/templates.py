"""Decide whether a template may be sent as it was filled in. Pure; knows no provider.

What is known here is what the provider last told. A channel of which no template is known is let
through: its templates were not read yet, or nobody can list them; the provider then judges.
"""

from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import urlsplit

from hubbub.people.errors import Complaint, Invalid
from hubbub.sdk.content import Template
from hubbub.sdk.templates import TemplateParameter, TemplateStatus
from hubbub.store.templates import KnownTemplate, Templates


def check_template(known: Templates, content: Template) -> None:
    """Raise `Invalid` when ``content`` is none of ``known``, or not well filled in."""
    if not known:
        return
    template = known.get((content.name, content.language))
    if template is None:
        raise Invalid(_unknown(known, content))
    if why := why_not(template):
        raise Invalid(Complaint("content.name", why))
    wrong = tuple(_complaints(template.parameters, content.parameters))
    if wrong:
        raise Invalid(*wrong)


def why_not(template: KnownTemplate) -> str:
    """Return why ``template`` cannot be sent at all; empty when it can."""
    if template.status is TemplateStatus.APPROVED:
        return ""
    return f"The template is {template.status}. {template.reason}".rstrip()


def _unknown(known: Templates, content: Template) -> Complaint:
    languages = [language for name, language in known if name == content.name]
    if languages:
        return Complaint("content.language", f"The template exists in {', '.join(languages)}.")
    return Complaint("content.name", "The channel has no template of this name.")


def _complaints(
    parameters: Iterable[TemplateParameter] | None, given: Mapping[str, str]
) -> Iterator[Complaint]:
    if parameters is None:
        return
    wanted = {parameter.name: parameter for parameter in parameters}
    for name, parameter in wanted.items():
        objection = _objection(parameter, given[name]) if name in given else _missing(parameter)
        if objection:
            yield Complaint(f"content.parameters.{name}", objection)
    for name in given:
        if name not in wanted:
            names = ", ".join(wanted) or "none"
            yield Complaint(f"content.parameters.{name}", f"The template takes {names}.")


def _missing(parameter: TemplateParameter) -> str:
    return "The template needs it." if parameter.required else ""


def _objection(parameter: TemplateParameter, value: str) -> str:
    if not value.strip():
        return "It is empty."
    if parameter.max_length is not None and len(value) > parameter.max_length:
        return f"Take at most {parameter.max_length} characters."
    if parameter.holds == "url" and not _is_url(value):
        return "Give the public address of a file, such as https://example.org/file.pdf."
    return ""


def _is_url(value: str) -> bool:
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(parts.netloc)
