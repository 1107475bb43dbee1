"""What is entered in the form is a mailbox that can be reached, or a sentence at the right field."""

from datetime import date, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pydantic import ValidationError

from hubbub.sdk import Connection
from hubbub.store.types import new_id
from hubbub_email.addresses import sound
from hubbub_email.channel import EmailChannel
from hubbub_email.fields import EmailFields
from hubbub_email.presets import PRESETS
from hubbub_email.servers import Mailboxes, outgoing
from hubbub_email.tokens import bounce_address, reply_address

PASSWORD = {"smtp_password": "s"}
OAUTH = {"oauth": {"client_id": "c", "client_secret": "x", "refresh_token": "r"}}
CUSTOM = {"from_address": "us@hub.test", "smtp_host": "smtp.hub.test"}


def fields(credentials=None, **settings):
    form = {"credentials": PASSWORD if credentials is None else credentials, "settings": settings}
    return EmailFields.model_validate(form)


def connection(credentials=None, *, tokens=None, facts=None, **settings):
    return Connection(
        channel_id="c1",
        name="Shop",
        fields=fields(credentials, **settings),
        webhook_url="https://hub.test/webhooks/x",
        webhook_secret="s" * 48,
        tokens=tokens or {},
        facts=facts or {},
    )


def wrong(credentials=None, **settings):
    """Return at which fields a form is wrong."""
    with pytest.raises(ValidationError) as refused:
        fields(credentials, **settings)
    return {".".join(map(str, one["loc"])) for one in refused.value.errors()}


def pem(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


# --- servers ---------------------------------------------------------------------------------


def test_the_fields_are_those_of_the_contract():
    given = fields(
        {"smtp_password": "s", "imap_password": "i"},
        smtp_host="smtp.hub.test",
        smtp_port=2525,
        smtp_security="none",
        smtp_username="us",
        imap_host="imap.hub.test",
        imap_port=1143,
        imap_security="starttls",
        imap_username="them",
        from_address="us@hub.test",
        from_name="Shop",
        folders=["INBOX", "Shop"],
    )
    assert given.smtp_login == ("us", "s")
    assert given.imap_login == ("them", "i")
    assert given.settings.folders == ("INBOX", "Shop")


@pytest.mark.parametrize(
    "name", [n for n, one in PRESETS.items() if n != "custom" and not one.only_oauth]
)
def test_a_preset_needs_an_address_and_a_password(name):
    one = connection(preset=name, from_address="us@hub.test")
    smtp, box = outgoing(one, ""), Mailboxes().mailbox(one)
    assert box is not None
    assert (smtp.host, smtp.port) == (PRESETS[name].smtp.host, PRESETS[name].smtp.port)
    assert box.server.host == PRESETS[name].imap.host
    assert {smtp.security, box.server.security} <= {"tls", "starttls"}
    assert (smtp.username, box.server.username) == ("us@hub.test", "us@hub.test")
    assert (smtp.password, box.server.password) == ("s", "s")


@pytest.mark.parametrize(
    ("port", "security", "expected"),
    [
        (None, "", (465, "tls")),
        (465, "", (465, "tls")),
        (587, "", (587, "starttls")),
        (25, "", (25, "starttls")),
        (2525, "", (2525, "tls")),
        (None, "starttls", (587, "starttls")),
        (None, "none", (25, "none")),
        (587, "tls", (587, "tls")),
    ],
)
def test_port_and_encryption_say_each_other(port, security, expected):
    place = fields(**CUSTOM, smtp_port=port, smtp_security=security).settings.smtp
    assert (place.port, place.security) == expected


def test_what_is_entered_goes_before_the_preset():
    settings = fields(
        preset="zoho", from_address="us@hub.test", smtp_host="smtp.zoho.eu", imap_port=1993
    ).settings
    assert (settings.smtp.host, settings.smtp.port) == ("smtp.zoho.eu", 465)
    assert (settings.imap.host, settings.imap.port) == ("imap.zoho.com", 1993)


@pytest.mark.parametrize("more", [{}, {"preset": "google", "send_only": True}])
def test_a_mailbox_need_not_be_fetched_from(more):
    assert Mailboxes().mailbox(connection(**{**CUSTOM, **more})) is None


def test_a_server_may_want_no_login():
    assert outgoing(connection({}, **CUSTOM), "").username == ""


def test_how_the_mailbox_is_watched_is_as_the_form_says():
    box = Mailboxes().mailbox(
        connection(
            **CUSTOM,
            imap_host="imap.hub.test",
            after_import="move",
            move_to="Done",
            import_since="2026-01-31",
            mode="poll",
            poll_interval=15,
            max_message_bytes=1 << 20,
        )
    )
    assert box is not None
    assert (box.mark_seen, box.move_to, box.since) == (True, "Done", date(2026, 1, 31))
    assert (box.idle, box.poll_every, box.max_letter) == (False, timedelta(seconds=15), 1 << 20)


@pytest.mark.parametrize(("given", "since"), [("now", None), ("", None), (None, None)])
def test_letters_from_now_on_are_fetched_unless_said_otherwise(given, since):
    assert fields(**CUSTOM, import_since=given).settings.import_since is since


def test_an_access_token_goes_in_place_of_both_passwords():
    one = connection(OAUTH, tokens={"access": "t"}, preset="google", from_address="us@hub.test")
    box = Mailboxes().mailbox(one)
    assert box is not None
    assert (box.server.token, box.server.password) == ("t", "")


# --- what is wrong ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("given", "where"),
    [
        ({}, "settings.smtp_host"),
        ({"preset": "acme"}, "settings.preset"),
        ({"smtp_host": "https://smtp.hub.test"}, "settings.smtp_host"),
        ({"smtp_host": "smtp.hub.test:465"}, "settings.smtp_host"),
        ({"smtp_host": "-"}, "settings.smtp_host"),
        ({"smtp_port": 0}, "settings.smtp_port"),
        ({"smtp_security": "ssl"}, "settings.smtp_security"),
        ({"from_address": ""}, "settings.from_address"),
        ({"from_address": "us"}, "settings.from_address"),
        ({"from_address": "a@b.test, c@d.test"}, "settings.from_address"),
        ({"from_address": "jörg@b.test"}, "settings.from_address"),
        ({"from_name": "Shop\r\nBcc: x"}, "settings.from_name"),
        ({"reply_to": "nobody"}, "settings.reply_to"),
        ({"folders": []}, "settings.folders"),
        ({"folders": ["IN\r\nBOX"]}, "settings.folders.0"),
        ({"after_import": "delete"}, "settings.after_import"),
        ({"after_import": "move"}, "settings.move_to"),
        (CUSTOM | {"after_import": "move", "move_to": "Inbox"}, "settings.move_to"),
        (
            CUSTOM | {"after_import": "move", "move_to": "Done", "folders": ["INBOX", "Done"]},
            "settings.move_to",
        ),
        ({"import_since": "soon"}, "settings.import_since"),
        ({"poll_interval": 14}, "settings.poll_interval"),
        ({"max_message_bytes": 1}, "settings.max_message_bytes"),
        ({"ca_certificate": "PEM"}, "settings.ca_certificate"),
        ({"api_base": "ftp://x"}, "settings.api_base"),
        ({"dkim_selector": "a b"}, "settings.dkim_selector"),
    ],
)
def test_what_cannot_work_is_told_at_its_field(given, where):
    found = wrong(**({"from_address": "us@hub.test"} | given))
    assert where.removesuffix(".0") in found


@pytest.mark.parametrize(
    ("credentials", "given", "where"),
    [
        ({}, {"smtp_username": "us"}, "credentials.smtp_password"),
        ({}, {"preset": "google"}, "credentials.smtp_password"),
        ({}, {"imap_host": "imap.hub.test"}, "credentials.imap_password"),
        (OAUTH, {}, "settings.api_base"),
        ({"oauth": {"client_id": "c"}}, {}, "credentials.oauth.refresh_token"),
        ({"dkim_private_key": "PEM"}, {}, "credentials.dkim_private_key"),
        (PASSWORD, {"dkim_selector": "s"}, "credentials.dkim_private_key"),
    ],
)
def test_what_is_missing_is_told_at_its_field(credentials, given, where):
    assert where in wrong(credentials, **{**CUSTOM, **given})


def test_an_address_leaves_room_for_the_token_of_a_conversation():
    plus = {**CUSTOM, "plus_addressing": True}
    longest, one_more = "a" * 24 + "@hub.test", "a" * 25 + "@hub.test"
    made = reply_address(fields(**plus, reply_to=longest).settings.reply_to, new_id(), b"key")
    assert sound(made) == made
    assert "settings.plus_addressing" in wrong(**plus, reply_to=one_more)
    assert "settings.plus_addressing" in wrong(**{**plus, "from_address": one_more})
    back = {**CUSTOM, "bounce_addressing": True, "from_address": one_more}
    assert "settings.bounce_addressing" in wrong(**back)
    assert fields(**CUSTOM, reply_to=one_more)


def test_an_address_is_taken_as_dns_has_it():
    assert fields(**{**CUSTOM, "from_address": "Us@Straße.test"}).settings.from_address == (
        "us@xn--strae-oqa.test"
    )


@pytest.mark.parametrize(
    ("make", "good"),
    [
        (lambda: rsa.generate_private_key(65537, 2048), True),
        (ed25519.Ed25519PrivateKey.generate, True),
        (lambda: ec.generate_private_key(ec.SECP256R1()), False),
    ],
)
def test_a_key_that_letters_can_be_signed_with_is_rsa_or_ed25519(make, good):
    key = pem(make())
    given = {"dkim_private_key": key}
    if good:
        assert fields(given, **CUSTOM, dkim_selector="s").credentials.dkim_private_key == key
        # As the single line of a form has it.
        for blank in (" ", ""):
            pasted = {"dkim_private_key": key.replace("\n", blank)}
            assert fields(pasted, **CUSTOM, dkim_selector="s").credentials.dkim_private_key == key
    else:
        assert wrong(given, **CUSTOM, dkim_selector="s") == {"credentials.dkim_private_key"}


def test_a_provider_without_passwords_is_given_none():
    given = {"preset": "microsoft", "from_address": "us@hub.test"}
    assert wrong({"smtp_password": "x"}, **given) == {"credentials.smtp_password"}
    # Somebody else's servers may take one.
    fields({"smtp_password": "x"}, **given, smtp_host="mail.x.test", imap_host="mail.x.test")


@pytest.mark.parametrize(
    ("address", "ours"),
    [
        ("us@hub.test", True),
        ("Us@HUB.test", True),
        (reply_address("us@hub.test", "c" * 26, b"key"), True),
        ("us+billing@hub.test", True),
        ("answers@hub.test", True),
        (bounce_address("answers@hub.test", "d" * 26, b"another"), True),
        ("login@hub.test", True),
        ("us@else.test", False),
        ("usa@hub.test", False),
        ("nonsense", False),
        ("", False),
    ],
)
def test_all_addresses_of_the_mailbox_are_ours(address, ours):
    line = connection(
        **{**CUSTOM, "imap_host": "imap.hub.test"},
        imap_username="login@hub.test",
        reply_to="answers+x@hub.test",
    )
    assert EmailChannel().owns(address, line) is ours
