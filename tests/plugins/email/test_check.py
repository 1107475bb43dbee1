"""A check says of both servers what is wrong and how to mend it."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from hubbub.sdk import Transient
from hubbub.sdk.dns import answer as dns
from hubbub.sdk.mailbox import End
from hubbub.testing import answer
from hubbub_email.channel import EmailChannel
from hubbub_email.servers import ends_facts, ends_known
from tests.plugins.email.test_conformance import looked, posted
from tests.plugins.email.test_fields import OAUTH, PASSWORD, connection, pem

BOTH = {"from_address": "us@hub.test", "smtp_host": "smtp.hub.test", "imap_host": "imap.hub.test"}
IN = {"stage": "login", "permanent": True}


def check(drive, *answers, credentials=None, **settings):
    one = connection(credentials, **{**BOTH, **settings})
    _, checked = drive(EmailChannel().check(one), *answers)
    return checked


def told(checked, *, ok):
    return {one.code: one for one in checked.findings if one.ok == ok}


class Failing:
    """Answers an exchange with errors among the answers."""

    def __init__(self, one):
        self.exchange = EmailChannel().check(one)

    def run(self, *answers):
        next(self.exchange)
        try:
            for said in answers:
                if isinstance(said, Exception):
                    self.exchange.throw(said)
                else:
                    self.exchange.send(said)
        except StopIteration as end:
            return end.value
        raise AssertionError("It asks on.")


def test_all_is_well_and_what_the_servers_can_is_kept(drive):
    seen = looked(junk="Spam", ends={"INBOX": End(7, 21)})
    checked = check(drive, posted(size="35882577", smtputf8=""), seen)
    assert checked.ok
    assert set(told(checked, ok=True)) == {"smtp", "imap"}
    ends = {"ends": '{"INBOX": [7, 21]}'}
    assert checked.facts == {"size": "35882577", "smtputf8": "yes", "junk": "Spam", **ends}


def test_what_is_new_in_a_folder_begins_where_it_ended_when_it_was_chosen():
    def facts_of(folders, seen, before):
        one = connection(**BOTH, folders=folders, facts=before)
        return dict(ends_facts(one, {name: End(7, end) for name, end in seen.items()}))

    chosen = facts_of(("INBOX",), {"INBOX": 21}, {})
    more = facts_of(("INBOX", "Shop"), {"INBOX": 30, "Shop": 5}, chosen)
    assert ends_known(connection(**BOTH, facts=more)) == {"INBOX": End(7, 21), "Shop": End(7, 5)}
    # A check that cannot see a folder now says nothing new of it.
    assert facts_of(("INBOX", "Shop"), {"INBOX": 31}, more) == more
    fewer = facts_of(("INBOX",), {"INBOX": 40}, more)
    assert fewer == chosen
    again = facts_of(("INBOX", "Shop"), {"INBOX": 50, "Shop": 9}, fewer)
    assert ends_known(connection(**BOTH, facts=again))["Shop"] == End(7, 9)


def test_folders_for_what_did_not_come_in_are_warned_of(drive):
    seen = looked(special={"Sent": "sent", "Papierkorb": "trash"})
    checked = check(drive, posted(), seen, folders=("INBOX", "Sent", "Papierkorb"))
    assert "Sent (sent), Papierkorb (trash)" in told(checked, ok=True)["imap_special_folder"].detail


@pytest.mark.parametrize(("base", "warned"), [("http://10.0.0.1:8000", True), ("https://h", False)])
def test_links_to_unsubscribe_want_https(drive, base, warned):
    one = replace(connection(**BOTH), webhook_url=f"{base}/webhooks/x")
    _, checked = drive(EmailChannel().check(one), posted(), looked())
    assert ("unsubscribe_link" in told(checked, ok=True)) == warned


def test_a_channel_that_only_sends_asks_no_mailbox(drive):
    checked = check(drive, posted(), imap_host="")
    assert set(told(checked, ok=True)) == {"send_only", "smtp"}


@pytest.mark.parametrize(
    ("answers", "code"),
    [
        ((posted(535, "5.7.8 no", "login"), looked()), "smtp_auth"),
        ((posted(530, "5.7.0 log in first", "sender"), looked()), "smtp_auth"),
        ((posted(550, "5.7.30 no basic auth", "sender"), looked()), "smtp_auth"),
        ((posted(553, "5.7.1 not yours", "sender"), looked()), "smtp_sender"),
        ((posted(554, "5.7.1 go away", "hello"), looked()), "smtp_refused"),
        ((posted(), looked(**IN, code="auth_failed", detail="No.")), "imap_auth"),
        ((posted(), looked(stage="folders", missing=("Shop",))), "imap_folder"),
    ],
)
def test_what_is_refused_is_found_with_its_mending(drive, answers, code):
    (finding,) = told(check(drive, *answers), ok=False).values()
    assert finding.code == code
    assert finding.detail
    assert finding.fix


def test_a_missing_folder_comes_with_those_that_are_there(drive):
    answers = (posted(), looked(stage="folders", missing=("Shop",), folders=("INBOX", "Läden")))
    (finding,) = told(check(drive, *answers), ok=False).values()
    assert "Shop" in finding.detail
    assert "INBOX, Läden" in finding.fix


def test_who_is_refused_hears_how_their_provider_lets_programs_in(drive):
    checked = check(drive, posted(535, "5.7.8 no", "login"), looked(), preset="icloud")
    assert "app passwords" in told(checked, ok=False)["smtp_auth"].fix


@pytest.mark.parametrize(
    ("side", "code", "found"),
    [
        ("smtp", "smtp_certificate", "smtp_certificate"),
        ("smtp", "smtp_security", "smtp_security_mismatch"),
        ("imap", "imap_certificate", "imap_certificate"),
        ("imap", "imap_security", "imap_security_mismatch"),
    ],
)
def test_what_people_can_mend_of_a_connection_is_found(side, code, found):
    error = Transient("It cannot be reached.", code=code)
    answers = (error, looked()) if side == "smtp" else (posted(), error)
    checked = Failing(connection(**BOTH)).run(*answers)
    assert set(told(checked, ok=False)) == {found}


@pytest.mark.parametrize(
    "answers",
    [
        (Transient("Away.", code="smtp_unreachable"),),
        (posted(), Transient("Away.", code="imap_unreachable")),
        (posted(421, "4.3.2 busy", "hello"),),
        (posted(), looked(stage="login", code="imap_busy", detail="Too many connections.")),
    ],
)
def test_a_server_that_is_away_needs_patience_alone(answers):
    with pytest.raises(Transient):
        Failing(connection(**BOTH)).run(*answers)


@pytest.mark.parametrize(
    ("said", "settings", "code"),
    [
        ({"read_only": ("INBOX",)}, {}, "imap_read_only"),
        ({"capabilities": ()}, {"after_import": "move", "move_to": "Done"}, "imap_cannot_move"),
        ({"capabilities": ()}, {}, "imap_no_idle"),
        ({}, {"smtp_security": "none"}, "smtp_unencrypted"),
        ({}, {"imap_security": "none"}, "imap_unencrypted"),
    ],
)
def test_what_could_be_better_is_told_and_harms_nothing(drive, said, settings, code):
    checked = check(drive, posted(), looked(**said), **settings)
    assert checked.ok
    assert code in told(checked, ok=True)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "::1"])
def test_on_one_machine_nobody_reads_along(drive, host):
    checked = check(drive, posted(), imap_host="", smtp_host=host, smtp_security="none")
    assert "smtp_unencrypted" not in told(checked, ok=True)


# --- the domain --------------------------------------------------------------------------------


def test_what_the_domain_says_of_its_letters_is_a_hint(drive):
    texts = dns(("v=spf1 mx -all",)), dns(()), dns(("v=DKIM1; p=MIIB",))
    key = {**PASSWORD, "dkim_private_key": pem(Ed25519PrivateKey.generate())}
    given = {"from_address": "us@shop.co", "dkim_selector": "s1"}
    checked = check(drive, posted(), looked(), *texts, credentials=key, **given)
    assert checked.ok
    hints = {one.code for one in checked.findings if one.fix}
    assert hints == {"dmarc"}
    assert {"spf", "dkim"} <= set(told(checked, ok=True))


def test_who_logs_in_by_token_is_asked_to_consent_anew(drive):
    refused = posted(535, "5.7.8 no", "login")
    granted = answer(200, {"access_token": "t", "expires_in": 60})
    one = {"credentials": OAUTH, "preset": "google"}
    checked = check(drive, granted, refused, looked(), **one)
    assert "refresh token" in told(checked, ok=False)["smtp_auth"].fix
