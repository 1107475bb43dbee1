"""Names are written as they are read."""

import pytest

from hubbub.store.clean import file_name, legible
from hubbub.store.tags import clean_tags

ENGLAND = "\U0001f3f4\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("  Late   orders\n", "Late orders"),
        ("Sa\u200bles\ufeff", "Sales"),
        ("Sa\u200cle\u200ds", "Sales"),
        ("\u202aSales\u202c", "Sales"),
        ("fdp\u202eexe", "fdpexe"),
        ("\u200d\u200cSales\u200d", "Sales"),
        ("Sa\0\x1bles\x7f", "Sales"),
        ("Sa\ufffeles\ud800\U000f0000", "Sales"),
        ("東\u200d京", "東京"),
        ("Cafe\u0301", "Café"),
        ("\u3164\u2800\u200e", ""),
        (f"Sales{ENGLAND[1:]}", "Sales"),
    ],
)
def test_what_nobody_sees_is_no_part_of_a_name(typed, kept):
    assert legible(typed) == kept


@pytest.mark.parametrize(
    "name",
    [
        "Zoë & Søn №1",
        "می\u200cرود",  # Persian: two parts of one word
        "क्\u200dष",  # Devanagari: the half of a letter
        "র\u200d্য",  # Bengali: the joiner comes before the sign
        "\U0001f468\u200d\U0001f469\u200d\U0001f467 Families",
        "\U0001f9d1\U0001f3fd\u200d\U0001f4bb",
        "\u2764\ufe0f\u200d\U0001f525",
        f"{ENGLAND} Shops",
        "\U0001fae9 Late",  # of 2024: newer than this Python may know
        "שלום",
    ],
)
def test_a_name_keeps_what_its_script_or_its_emoji_needs(name):
    assert legible(name) == name


def test_files_and_tags_go_by_the_same_rule():
    assert file_name("C:\\new\\fdp\u202eexe") == "fdpexe"
    assert file_name("می\u200cرود.pdf") == "می\u200cرود.pdf"
    assert file_name("\u200b") is None
    assert clean_tags(["vip", "v\u200bip", "\u200b"]) == ["vip"]
