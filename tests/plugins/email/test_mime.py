"""Section 6 of the fact sheet: what really arrives, and what we make of it."""

import base64

import pytest

from hubbub_email.addresses import sound
from hubbub_email.authentication import BESIDE
from hubbub_email.files import NoSuchFile, file_bytes
from hubbub_email.headers import MOST_LINES, read_header
from hubbub_email.mime import MOST_DEPTH, MOST_PARTS, scan
from tests.plugins.email.letters import LARGE, letter, raw, read

FILE_NAMES = {
    "name_rfc2231": "Rechnung März.pdf",
    "name_continued": "Отчёт.pdf",
    "name_encoded_word": "Rechnung März.pdf",
    "name_in_type": "Résumé.pdf",
    "name_raw_utf8": "счёт.pdf",
    "name_raw_cp1251": "отчёт за март.pdf",
    "name_unquoted": "my file.pdf",
    "name_quote_open": "open.pdf",
    "name_path": "passwd",
    "name_backslashes": "plan.doc",
    "name_bidi": "invoicefdp.exe",
    "name_control": "ab.txt",
    "name_crlf_word": "a X-Evil_ 1.txt",
    "name_missing": "file.png",
    "name_only_dots": "file.bin",
    "name_long": "a" * 146 + ".pdf",
}
TEXTS = {
    "charset_unknown_8bit": "Grüße aus Köln, bis bald",
    "charset_x_foo": "Привет, когда придёт мой заказ?",
    "charset_windows_874": "สวัสดี",
    "charset_hebrew_logical": "שלום",
    "charset_x_sjis": "日本①",
    "charset_ansi": "plain",
    "charset_latin1_is_cp1252": "“Hi” – 5 €",  # noqa: RUF001  # what such letters say
    "charset_gb2312_is_gbk": "镕基 你好",
    "charset_ascii_is_utf8": "Grüße",
    "charset_ascii_is_cp1252": "Grüße",
    "charset_iso2022jp": "会議について ok",
    "charset_iso2022jp_vendor": "会議①について ok",
    "charset_wrong_utf8": "déjà vu à Paris",
    "charset_utf16": "hello ☃",
    "charset_slow_codec": "abc-def-ghi",
    "charset_zlib": "plain words",
    "charset_empty": "naïve",
    "charset_koi8": "Здравствуйте",
    "base64_broken": "Hello world",
    "base64_one_too_many": "Hello world!",
    "qp_broken": "café =ZZ 100% ",
    "cte_unknown": "just text",
    "cte_in_quotes": "in base64",
    "nul_in_text": "abc\td",
    "end_missing": "first\n\nsecond",
    "boundary_spaces": "first\n\nsecond",
    "boundary_missing": "--x\n\nwords\n--x--",
    "boundary_never_used": "only a preamble",
    "boundary_prefix": "inner\n\nouter",
    "boundary_same_twice": "words",
    "boundary_inner_unclosed": "inner\n\nouter",
    "mbox_from": "hello",
    "bare_lf": "first",
    "bare_cr": "first",
    "mixed_ends": "one\ntwo",
    "no_blank_line": "This is the body already.\nMore of it.",
    "no_header": "Hello, there is no header here at all\nand a second line",
    "type_nonsense": "words",
    "type_one_word": "words",
    "type_unknown_text": "<bold>words</bold>",
    "html_latin1_meta": "Grüße aus Köln",
    "html_only": "Hello you\n\nItem\tPrice\nTea\t3\xa0€",
    "alternative": "Plain words",
    "alternative_empty_plain": "Rich words\n\n- one",
    "apple_mixed": "Before the picture\n\nAfter the picture",
    "related_start": "Root words",
    "signed": "Signed words",
    "text_file_inline": "Words",
    "forwarded_as_file": "See below",
}
SUBJECTS = {
    "subject_crlf": "Order Bcc: evil@example.net",
    "subject_split_character": "Grüßü ä",
    "subject_bad_word": "café =?utf-8?B?w7",
    "subject_raw_utf8": "Заказ №5",
    "subject_raw_gbk": "订单确认通知邮件标题",
    "subject_bidi": "abc",
    "subject_none": "",
}
SENDERS = {
    "from_comment": ("ada@example.org", "Ada Berg"),
    "from_uppercase": ("ada@example.org", ""),
    "from_raw_latin1": ("jm@example.org", "Jörg Müller"),
    "from_name_is_address": ("eve@example.net", "boss@example.com"),
    "from_several_sent_by_one": ("c@d.example", ""),
    "from_two_in_one": None,
    "from_several": None,
    "from_name_only": None,
    "from_no_domain": None,
    "from_missing": None,
}
IDS = {
    "id_bracket": "<[abc]@d>",
    "id_missing": "",
    "id_without_brackets": "<abc.def@example.org>",
    "id_folded": f"<{'a' * 60}{'b' * 30}@example.org>",
}
FILES = {
    "related_inline": ["p.png", "unused.png"],
    "signed": ["signature.asc"],
    "forwarded_as_file": ["The old one.eml"],
    "digest": ["one.eml", "two.eml"],
    "encrypted_pgp": ["Order.eml"],
    "encrypted_smime": ["Order.eml"],
    "vcard": ["file.vcf"],
    "alternative_invitation": ["file.ics"],
    "winmail_broken": ["winmail.dat"],
    "text_file_inline": ["log.txt"],
    "uuencoded": ["a.txt"],
    "uuencoded_broken": ["a.txt"],
    "alternative": [],
}


@pytest.mark.parametrize(("name", "expected"), FILE_NAMES.items())
def test_conformance_06_a_file_has_a_name_that_is_safe_and_readable(name, expected):
    assert [file.name for file in read(name).files] == [expected]


@pytest.mark.parametrize(("name", "expected"), TEXTS.items())
def test_conformance_06_a_text_is_read_as_it_was_meant(name, expected):
    assert read(name).text == expected


@pytest.mark.parametrize(("name", "expected"), SUBJECTS.items())
def test_conformance_06_a_subject_is_one_decoded_line(name, expected):
    assert read(name).subject == expected


@pytest.mark.parametrize(("name", "expected"), SENDERS.items())
def test_conformance_06_a_sender_is_exactly_one_sound_address_or_nobody(name, expected):
    sender = read(name).sender
    assert (sender and (sender.address, sender.name)) == expected


@pytest.mark.parametrize(("name", "expected"), IDS.items())
def test_a_message_id_is_read_however_it_is_written(name, expected):
    assert read(name).message_id == expected


@pytest.mark.parametrize(("name", "expected"), FILES.items())
def test_what_is_not_read_is_a_file(name, expected):
    assert [file.name for file in read(name).files] == expected


@pytest.mark.parametrize("name", ["nonsense", "zone", "year_zero", "empty", "huge", "two_digits"])
def test_a_letter_without_a_credible_date_has_that_of_its_arrival(name):
    found = read(f"date_{name}")
    assert found.date == found.arrival.internaldate


def test_a_date_is_in_utc():
    assert read("alternative").date.isoformat() == "2026-03-02T09:15:00+00:00"


@pytest.mark.parametrize(
    "fields",
    [
        ("From: boss@example.com", "From: eve@example.net"),
        ("From: boss@example.com", "From: eve@example.net", "Sender: eve@example.net"),
    ],
)
def test_of_two_senders_neither_is_believed(fields):
    found = read(letter(*fields))

    assert found.sender is None or (found.sender.address, found.doubt) == (
        "eve@example.net",
        BESIDE,
    )


@pytest.mark.parametrize("hidden", ["\u202e", "\u200b", "\u00ad", "\u2066", "\x85"])
def test_an_address_with_what_is_not_seen_is_none(hidden):
    assert read(letter(f"From: Ada <a{hidden}da@example.org>".encode())).sender is None


def test_an_address_is_the_same_once_it_is_read_again():
    letters = (chr(number) for number in range(0x80, 0xD800))
    once = {address for one in letters if (address := sound(f"a{one}b@example.org"))}

    assert once
    assert {sound(address) for address in once} == once


def test_semicolons_part_addresses_as_commas_do():
    assert [box.address for box in read("to_semicolons").to] == [
        "a@b.example",
        "d@e.example",
        "f@g.example",
    ]


def test_the_members_of_a_group_are_addresses_and_its_name_is_none():
    found = read("to_group")
    assert found.to == ()
    assert [box.address for box in found.cc] == ["a@b.example", "c@d.example"]


def test_a_note_that_points_to_the_html_gives_way_to_its_text():
    assert read("alternative_view_in_html").text.endswith("Rich words")


def test_an_encrypted_letter_is_whole_in_its_only_file():
    whole = raw("encrypted_pgp")
    (file,) = read(whole).files
    assert (file.mime_type, file_bytes(whole, file.place)) == ("message/rfc822", whole)


def test_a_file_is_found_again_in_the_raw_letter():
    whole = raw("name_rfc2231")
    (file,) = read(whole).files
    assert file_bytes(whole, file.place) == b"file body"
    assert file.size == len(b"file body")


@pytest.mark.parametrize("name", ["uuencoded", "uuencoded_broken"])
def test_what_is_whole_of_an_old_encoding_is_read(name):
    whole = raw(name)
    (file,) = read(whole).files
    assert file_bytes(whole, file.place).endswith(b"hello world")


@pytest.mark.parametrize("place", ["", "1", "0-999999999-base64", "9-3-", "0-5-/0", "a-b-c"])
def test_a_place_that_is_none_of_the_letter_is_refused(place):
    with pytest.raises(NoSuchFile):
        file_bytes(raw("alternative"), place)


def test_conformance_08_pictures_that_the_html_shows_are_told_from_other_files():
    shown, unused = read("related_inline").files
    assert (shown.cid, unused.cid) == ("logo@example", "")
    assert 'src="cid:logo@example"' in (read("related_inline").html or "")


def test_conformance_08_pictures_from_elsewhere_are_not_fetched():
    html = read("related_inline").html or ""
    assert 'src="https' not in html
    assert 'data-remote="https://example.net/pixel.png"' in html


def test_parts_beyond_the_limit_are_kept_as_one():
    entity = scan(LARGE["20,000 parts"]())
    assert len(entity.parts) == MOST_PARTS
    assert entity.parts[-1].trouble == "It has more parts than are read."


def test_parts_too_deep_are_kept_as_a_letter():
    whole = LARGE["parts 1,000 deep"]()
    deepest = list(scan(whole).walk())[-1]
    assert len(list(scan(whole).walk())) == MOST_DEPTH + 1
    assert deepest.type == "message/rfc822"
    assert deepest.body(whole).startswith(b"Content-Type: multipart/mixed")


def test_a_header_is_read_up_to_a_limit_and_the_body_found_all_the_same():
    header, body = read_header(LARGE["50,000 fields"]())
    assert len(header.fields) == MOST_LINES
    assert header.trouble
    assert LARGE["50,000 fields"]()[body:] == b"words"


def test_a_text_too_long_to_be_shown_is_there_as_a_file():
    found = read(LARGE["a text of 10 MB"]())
    assert len(found.text) <= 1 << 20
    assert found.files[0].size == 700_000 * len("words and more\n")
    assert found.troubles == ("Its text is longer than is shown: it was cut.",)


def test_a_file_of_a_letter_within_a_letter_stays_there():
    inner = base64.b64encode(b"x" * 100)
    whole = letter(
        "Content-Type: multipart/mixed; boundary=o",
        body=b"--o\r\nContent-Type: message/rfc822\r\n\r\nSubject: in\r\n"
        b"Content-Type: application/pdf; name=a.pdf\r\nContent-Transfer-Encoding: base64\r\n\r\n"
        + inner
        + b"\r\n--o--\r\n",
    )
    assert [file.name for file in read(whole).files] == ["in.eml"]


LONG_ID = f"<{'a' * 78}@example.org>"


@pytest.mark.parametrize("break_at", ["\r\n ", "\r\n\t", " "])
def test_long_ids_are_read_whole_however_the_header_is_folded(break_at):
    whole = letter(
        f"In-Reply-To:{break_at}{LONG_ID}",
        f"References: <first@example.org>{break_at}{LONG_ID}",
    )
    assert read(whole).in_reply_to == (LONG_ID,)
    assert read(whole).references == ("<first@example.org>", LONG_ID)


def test_names_in_one_charset_that_nobody_declares_are_read_alike():
    names = [word.encode("cp1251") for word in ("Привет", "Ада")]
    found = read(letter(b"To: " + b", ".join(name + b" <a@b.example>" for name in names)))

    assert [one.name for one in found.to] == ["Привет", "Ада"]


@pytest.mark.parametrize(
    "evil", ["\r\nBcc: eve@example.net", "\0", "\u202e", "\u2028", "\x1b[2J", "\u061c"]
)
def test_conformance_14_what_would_break_a_line_or_a_screen_is_taken_out_of_every_name(evil):
    word = f"=?utf-8?B?{base64.b64encode(f'a{evil}b'.encode()).decode()}?="
    found = read(
        letter(
            f"Subject: {word}",
            f"From: {word} <ada@example.org>",
            f'Content-Disposition: attachment; filename="{word}"',
        )
    )
    assert found.sender is not None
    for name in (found.subject, found.sender.name, found.files[0].name):
        assert name.isprintable()
        assert name.startswith("a")
        assert len(name.splitlines()) == 1
