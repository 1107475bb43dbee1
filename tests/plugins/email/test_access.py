"""Access tokens are got when they are needed, kept, and replaced before and after they end."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from urllib.parse import parse_qs

import pytest

from hubbub.sdk import AuthFailed, Part, RecipientGone, Text, Transient
from hubbub.testing import answer
from hubbub_email.channel import EmailChannel
from hubbub_email.servers import Mailboxes
from tests.plugins.email.test_conformance import looked, posted
from tests.plugins.email.test_fields import OAUTH, connection

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
REFUSED = posted(535, "5.7.8 expired", "login")


def google(*, tokens=None, facts=None, **settings):
    made = connection(OAUTH, tokens=tokens, preset="google", from_address="us@hub.test", **settings)
    return type(made)(**{**vars(made), "facts": facts or {}})


def granted(token="new", *, at=NOW, **more):
    body = {"access_token": token, "expires_in": 3600, "token_type": "Bearer", **more}
    return answer(200, body, date=format_datetime(at, usegmt=True))


def at(response, when):
    headers = {"date": format_datetime(when, usegmt=True)}
    return type(response)(status=response.status, headers=headers, body=response.body)


def send(drive, one, *answers):
    part = Part(content=Text(text="Hi"), address="ada@a.example", reference="r" * 26)
    return drive(EmailChannel().send(part, one), *answers)


def check(drive, one, *answers):
    return drive(EmailChannel().check(one), *answers)


def test_a_token_that_is_kept_is_used(drive):
    (request,), accepted = send(drive, google(tokens={"access": "kept"}), posted())
    assert request.headers["authorization"].startswith("xoauth2 ")
    assert accepted.renewed is None


def test_without_a_token_one_is_got_first_and_kept(drive):
    (asked, _), accepted = send(drive, google(), granted(), posted())
    assert asked.url == "https://oauth2.googleapis.com/token"
    assert parse_qs(asked.body.decode()) == {
        "grant_type": ["refresh_token"],
        "client_id": ["c"],
        "client_secret": ["x"],
        "refresh_token": ["r"],
    }
    assert accepted.renewed.tokens == {"access": "new"}
    assert accepted.renewed.facts == {"token_old_at": (NOW + timedelta(minutes=48)).isoformat()}


def test_a_refused_token_is_replaced_once_and_the_letter_goes(drive):
    one = google(tokens={"access": "old"})
    requests, accepted = send(drive, one, REFUSED, granted(), posted())
    assert [request.method for request in requests] == ["SEND", "POST", "SEND"]
    assert accepted.renewed.tokens["access"] == "new"


def test_a_token_that_was_replaced_is_kept_though_the_letter_fails(drive):
    one, new = google(tokens={"access": "old"}), granted("new", refresh_token="rotated")
    refused = posted(550, "5.1.1 no such user", "recipients", {"ada@a.example": (550, "5.1.1")})
    with pytest.raises(RecipientGone) as failed:
        send(drive, one, REFUSED, new, refused)
    assert failed.value.renewed is not None
    assert failed.value.renewed.tokens == {"access": "new", "refresh": "rotated"}


def test_a_new_token_that_is_refused_as_well_is_not_replaced_again(drive):
    with pytest.raises(AuthFailed):
        send(drive, google(tokens={"access": "old"}), REFUSED, granted(), REFUSED)


def test_a_refresh_token_that_was_replaced_is_used_from_then_on(drive):
    _, accepted = send(drive, google(), granted(refresh_token="rotated"), posted())
    assert accepted.renewed.tokens == {"access": "new", "refresh": "rotated"}
    (asked, _), accepted = send(
        drive, google(tokens={"refresh": "rotated"}), granted("newer"), posted()
    )
    assert b"refresh_token=rotated" in asked.body
    assert accepted.renewed.tokens == {"access": "newer", "refresh": "rotated"}


def test_microsoft_is_asked_for_its_tenant_and_scopes(drive):
    given = {"oauth": {**OAUTH["oauth"], "tenant": "shop.example"}}
    one = connection(given, preset="microsoft", from_address="us@hub.test")
    (asked, _), _ = send(drive, one, granted(), posted())
    assert asked.url == "https://login.microsoftonline.com/shop.example/oauth2/v2.0/token"
    (scope,) = parse_qs(asked.body.decode())["scope"]
    assert scope.split()[-1] == "offline_access"


def test_a_token_is_replaced_by_a_check_once_most_of_its_life_is_over(drive):
    one = google(
        tokens={"access": "old", "refresh": "r2"},
        facts={"token_old_at": (NOW - timedelta(seconds=1)).isoformat()},
    )
    requests, checked = check(drive, one, at(posted(), NOW), granted("fresh"), looked())
    assert [request.method for request in requests] == ["CHECK", "POST", "CHECK"]
    assert checked.tokens == {"access": "fresh", "refresh": "r2"}
    assert checked.facts["token_old_at"] > one.facts["token_old_at"]


def test_a_young_token_is_left_by_a_check(drive):
    facts = {"token_old_at": (NOW + timedelta(seconds=1)).isoformat()}
    one = google(tokens={"access": "kept"}, facts=facts)
    _, checked = check(drive, one, at(posted(), NOW), looked())
    assert checked.tokens == {"access": "kept"}
    assert checked.facts == facts


def test_a_check_keeps_what_it_cannot_ask_about(drive):
    one = google(tokens={"access": "a-none-b"}, facts={"junk": "Spam"})
    away = looked(stage="login", permanent=True, detail="No.")
    _, checked = check(drive, one, posted(), away, granted("c-none-d"), away)
    assert checked.facts["junk"] == "Spam"
    assert checked.tokens == {"access": "c-none-d"}


def test_a_refused_refresh_token_is_a_finding_with_its_mending(drive):
    said = answer(400, {"error": "invalid_grant", "error_description": "Token was revoked."})
    _, checked = check(drive, google(), said)
    (finding,) = (one for one in checked.findings if not one.ok)
    assert finding.code == "oauth_refused"
    assert "Token was revoked." in finding.detail
    assert "new refresh token" in finding.fix


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (answer(401, {"error": "invalid_client"}), AuthFailed),
        (answer(403, "<html>"), AuthFailed),
        (answer(429, ""), Transient),
        (answer(500, "{}"), Transient),
        (answer(200, "[]"), Transient),
        (answer(200, {"access_token": 5}), Transient),
    ],
)
def test_what_is_no_token_is_told_by_what_may_help(drive, said, kind):
    with pytest.raises(kind):
        send(drive, google(), said)


def test_the_mailbox_gets_another_token_on_request(drive):
    (asked,), renewed = drive(Mailboxes().renew(google(tokens={"access": "old"})), granted())
    assert asked.method == "POST"
    assert renewed.tokens == {"access": "new"}


def test_a_mailbox_with_a_password_has_no_other_token(drive):
    one = connection(preset="gmx", from_address="us@hub.test")
    assert drive(Mailboxes().renew(one)) == ([], None)
