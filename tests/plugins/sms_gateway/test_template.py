"""Templates: what a person said never becomes anything but a value."""

import json
from urllib.parse import parse_qsl
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, strategies as st

from hubbub_sms_gateway import template

NASTY = "a&b=c+d%41 \"q\" 'p' <x>\nжёлтый 😀 \\ {to} }{"
ANY = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)


def values(text=NASTY, **more):
    empty = dict.fromkeys(template.PLACEHOLDERS | template.SECRETS, "")
    return {**empty, "base": "http://gate.example", "text": text, **more}


def test_conformance_1_a_text_survives_in_a_query():
    url = template.fill_url("{base}/send?x=1&text={text}&y=2", values())
    assert parse_qsl(url.partition("?")[2]) == [("x", "1"), ("text", NASTY), ("y", "2")]


def test_conformance_1_a_text_survives_in_a_form():
    form = template.fill_pairs("text={text}&y=2", values())
    assert parse_qsl(form) == [("text", NASTY), ("y", "2")]


def test_conformance_1_a_text_survives_in_json():
    document = template.fill_json('{"a":{"text":"<{text}>"},"n":[1,true,null]}', values())
    assert json.loads(document) == {"a": {"text": f"<{NASTY}>"}, "n": [1, True, None]}


def test_conformance_1_a_text_survives_in_xml():
    document = template.fill('<m to="{text}"><t>{text}</t></m>', values(), "xml")
    root = ET.fromstring(document)
    assert root.findtext("t") == NASTY
    assert root.get("to") == NASTY.replace("\n", " ")


def test_conformance_1_a_plain_text_is_as_it_is():
    assert template.fill("{text}", values(), "text") == NASTY


@given(ANY)
def test_no_text_breaks_out_of_its_place(text):
    given = values(text)
    pairs = parse_qsl(template.fill_pairs("a={text}&b=2", given), keep_blank_values=True)
    assert pairs == ([("a", text)] if text else []) + [("b", "2")]
    filled = json.loads(template.fill_json('{"a":["{text}"],"b":2}', given))
    assert filled == {"a": [text], "b": 2}
    root = ET.fromstring(template.fill("<a><b>{text}</b></a>", given, "xml"))
    assert [child.tag for child in root] == ["b"]


@pytest.mark.parametrize("text", ["a\r\nX-Evil: 1", "a\nb", "a\0b"])
def test_no_text_adds_a_header(text):
    with pytest.raises(ValueError, match="line break"):
        template.fill_header("{text|raw}", values(text))
    assert "\n" not in template.fill_header("{text}", values(text))


def test_a_path_takes_no_step_aside():
    url = template.fill_url("{base}/devices/{device_id}/send", values(device_id="../a?b#c"))
    assert url == "http://gate.example/devices/..%2Fa%3Fb%23c/send"


@pytest.mark.parametrize(
    ("filtered", "expected"),
    [
        ("{text|hex}", "c3a4"),
        ("{text|b64}", "w6Q="),
        ("{text|url}", "%C3%A4"),
        ("{text|json}", "\\u00e4"),
        ("{text|xml}", "ä"),
        ("{text|url|b64}", "JUMzJUE0"),
    ],
)
def test_filters_come_before_the_encoding_of_the_place(filtered, expected):
    assert template.fill(filtered, values("ä"), "text") == expected


def test_utf16_is_there_in_hex():
    assert template.fill_pairs("x={text_utf16be_hex}", values(text_utf16be_hex="0414")) == "x=0414"


def test_what_is_empty_is_left_out():
    assert template.fill_pairs("a=1&from={from}&b={text}", values("x")) == "a=1&b=x"
    assert template.fill_json('{"from":"{from}","b":"{text}"}', values("x")) == b'{"b":"x"}'


@pytest.mark.parametrize(
    ("check", "given", "problem"),
    [
        (template.check_url, "{base}/x?a={nothing}", "no placeholder {nothing}"),
        (template.check_url, "{base}/x?a={ text }", "A brace belongs to no placeholder"),
        (template.check_url, "{base}/x?a={text|shout}", "no filter |shout"),
        (template.check_url, "{base}/x?a={text|raw}", "headers alone"),
        (template.check_url, "{base}/x?{text}=a", "name cannot be a placeholder"),
        (template.check_url, "{base}.evil.example/x", "Begin the address"),
        (template.check_url, "{base}@evil.example/x", "Begin the address"),
        (template.check_url, "http://{to}.example/x", "Begin the address"),
        (template.check_url, "http://gate{to}/x", "Begin the address"),
        (template.check_url, "http://u:p@gate.example/x", "Begin the address"),
        (template.check_url, "ftp://gate.example/x", "Begin the address"),
        (template.check_url, "{base}/x/{base}", "no placeholder {base}"),
        (template.check_url, "{base}/x?password=hunter2", "among the credentials"),
        (template.check_pairs, "api_key=hunter2&a=b", "among the credentials"),
        (template.check_json, '{"token": "hunter2"}', "among the credentials"),
        (template.check_json, '{"a": {text}}', "no JSON document"),
        (template.check_json, '{"{text}": 1}', "name cannot be a placeholder"),
        (template.check_json, '{"a": "{txt}"}', "no placeholder {txt}"),
        (template.check_text, "{secret.signing_key}", "no placeholder"),
    ],
)
def test_what_cannot_work_is_refused_on_saving(check, given, problem):
    with pytest.raises(ValueError, match=problem.replace("|", r"\|").replace("{", r"\{")):
        check(given)


@pytest.mark.parametrize(
    "headers", [(("X y", "1"),), (("X-Api-Key", "hunter2"),), (("X", "{nothing}"),)]
)
def test_headers_that_cannot_work_are_refused_on_saving(headers):
    with pytest.raises(ValueError, match=r"header|credentials|placeholder"):
        template.check_headers(headers)
