"""Whether a template may be sent as it was filled in."""

import pytest

from hubbub.deliver.templates import check_template
from hubbub.people.errors import Invalid
from hubbub.sdk import Template, TemplateParameter, TemplateStatus
from hubbub.store.templates import KnownTemplate

PARAMETERS = (
    TemplateParameter(name="1", max_length=5),
    TemplateParameter(name="header.image", holds="url"),
    TemplateParameter(name="button.0.quick_reply", required=False),
)
GOOD = {"1": "Ann", "header.image": "https://shop.example/a.png"}


def known(name="order", language="en", status="approved", parameters=PARAMETERS, reason=""):
    template = KnownTemplate(
        id="t1",
        name=name,
        language=language,
        category="",
        status=TemplateStatus(status),
        reason=reason,
        parameters=parameters,
    )
    return {(name, language): template}


def complaints(templates, name="order", language="en", **given):
    with pytest.raises(Invalid) as caught:
        check_template(templates, Template(name=name, language=language, **given))
    return {one.field: one.message for one in caught.value.complaints}


@pytest.mark.parametrize("more", [{}, {"button.0.quick_reply": "stop"}])
def test_a_template_that_is_well_filled_in_may_be_sent(more):
    check_template(known(), Template(name="order", language="en", parameters=GOOD | more))


def test_nothing_is_checked_where_no_template_is_known():
    check_template({}, Template(name="anything", language="xx", parameters={"a": ""}))


def test_an_unknown_name_and_an_unknown_language_are_told_apart():
    templates = known() | known(language="de")
    assert complaints(templates, name="other") == {
        "content.name": "The channel has no template of this name."
    }
    assert complaints(templates, language="fr") == {
        "content.language": "The template exists in en, de."
    }


@pytest.mark.parametrize("status", sorted(set(TemplateStatus) - {TemplateStatus.APPROVED}))
def test_a_template_that_is_not_approved_is_refused_with_its_reason(status):
    templates = known(status=status, reason="People disliked it.")
    assert complaints(templates, parameters=GOOD) == {
        "content.name": f"The template is {status}. People disliked it."
    }


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"1": None}, "The template needs it."),
        ({"1": " \n"}, "It is empty."),
        ({"1": "Annabel"}, "Take at most 5 characters."),
        ({"header.image": "a.png"}, "Give the public address of a file, such as https://"),
        ({"header.image": "https://[a"}, "Give the public address of a file, such as https://"),
        ({"button.0.quick_reply": ""}, "It is empty."),
        ({"2": "Too many"}, "The template takes 1, header.image, button.0.quick_reply."),
    ],
)
def test_a_parameter_that_cannot_be_used_is_named(change, message):
    given = {name: value for name, value in (GOOD | change).items() if value is not None}
    (found,) = complaints(known(), parameters=given).items()
    assert found[0] == f"content.parameters.{next(iter(change))}"
    assert found[1].startswith(message)


def test_parameters_that_only_the_provider_knows_are_not_checked():
    content = Template(name="order", language="en", parameters={"x": ""})
    check_template(known(parameters=None), content)


def test_all_that_is_wrong_is_told_at_once():
    wrong = complaints(known(), parameters={"1": "", "x": "y"})
    assert set(wrong) == {
        "content.parameters.1",
        "content.parameters.header.image",
        "content.parameters.x",
    }


def test_a_template_without_parameters_takes_none():
    wrong = complaints(known(parameters=()), parameters={"1": "Ann"})
    assert wrong == {"content.parameters.1": "The template takes none."}
