"""The colours of the console can be read: WCAG 2.2, 4.5 to 1 for text and 3 to 1 for edges."""

import re
from importlib.resources import files

import pytest

STYLE = (files("hubbub.ui") / "static/console.css").read_text()
TEXT = [
    (ink, ground)
    for ink, grounds in {
        "ink": "bg card soft out note",
        "quiet": "bg card soft out note",
        "link": "bg card soft out",
        "main-ink": "main",
        "good": "card good-bg",
        "warn": "warn-bg",
        "bad": "card soft bad-bg out",
        "read": "out",
    }.items()
    for ground in grounds.split()
]
EDGES = [("edge", "card"), ("edge", "bg"), ("main", "card"), ("main", "bg"), ("main", "soft")]


def colours(scheme):
    light, dark = re.findall(r":root \{(.*?)\}", STYLE, re.DOTALL)
    found = dict(re.findall(r"--([\w-]+): (#[0-9a-f]+);", light))
    return found | (
        dict(re.findall(r"--([\w-]+): (#[0-9a-f]+);", dark)) if scheme == "dark" else {}
    )


def luminance(colour):
    digits = colour.removeprefix("#")
    digits = "".join(one * 2 for one in digits) if len(digits) == 3 else digits
    parts = [int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4)]
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one, other):
    lighter, darker = sorted((luminance(one), luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("front", "ground", "least"),
    [(*pair, 4.5) for pair in TEXT] + [(*pair, 3.0) for pair in EDGES],
)
def test_what_is_written_stands_out_from_its_ground(scheme, front, ground, least):
    known = colours(scheme)
    assert contrast(known[front], known[ground]) >= least


def test_black_on_white_has_the_contrast_that_everybody_knows():
    assert contrast("#000", "#fff") == pytest.approx(21)
