"""What a mail server says decides whether a letter is tried again, and whether anything is."""

import pytest

from hubbub.sdk import AuthFailed, Permanent, RateLimited, RecipientGone, Transient
from hubbub.sdk.mail import Posted, Reply
from hubbub_email.replies import error_of

ANN = "ann@a.example"
GONE = (RecipientGone, "recipient_gone")
REFUSED = (Permanent, "rejected")


def said(code, text="", phase="letter", **refused):
    return Posted(phase=phase, reply=Reply(code=code, text=text), refused=refused)


@pytest.mark.parametrize(
    ("posted", "kind", "code"),
    [
        (said(535, "5.7.8 wrong", "login"), AuthFailed, "auth_failed"),
        (said(504, "5.7.4 no way", "login"), AuthFailed, "auth_failed"),
        (said(530, "5.7.0 log in first", "sender"), AuthFailed, "auth_failed"),
        (said(550, "5.7.30 no basic authentication", "login"), AuthFailed, "auth_failed"),
        (said(454, "4.7.0 busy", "login"), Transient, "temporary"),
        (said(421, "busy", "hello"), Transient, "temporary"),
        (said(554, "no", "hello"), Transient, "temporary"),
        (said(550, "5.7.1 rate exceeded", "sender"), RateLimited, "rate_limited"),
        # For one letter, and a minute: what it says of others is told to them.
        (said(421, "4.7.0 Too many messages", "letter"), Transient, "temporary"),
        (said(550, "5.4.5 Daily user sending limit exceeded"), RateLimited, "rate_limited"),
        (said(550, "5.7.60 not your address", "sender"), AuthFailed, "auth_failed"),
        (said(450, "4.7.1 greylisted", "recipients"), Transient, "temporary"),
        (said(452, "4.2.2 full", "recipients"), Transient, "temporary"),
        (said(550, "5.1.1 nobody", "recipients"), RecipientGone, "recipient_gone"),
        (said(550, "no such user", "recipients"), RecipientGone, "recipient_gone"),
        (said(550, "Requested action not taken: mailbox unavailable", "recipients"), *GONE),
        (said(550, "Unrouteable address", "recipients"), *GONE),
        (said(553, "sorry, that address does not exist", "recipients"), *GONE),
        (said(550, "192.0.2.1 is listed at zen.spamhaus.org", "recipients"), *REFUSED),
        (said(550, "relay not permitted", "recipients"), *REFUSED),
        (said(550, "Sender verify failed: unknown user", "recipients"), *REFUSED),
        (said(550, "", "recipients"), *REFUSED),
        (said(550, "5.7.1 policy", "recipients"), Permanent, "rejected"),
        (said(553, "5.6.7 no", "recipients"), Permanent, "smtputf8_unsupported"),
        (said(451, "4.3.0 later"), Transient, "temporary"),
        (said(552, "5.3.4 too large"), Permanent, "too_large"),
        (said(552, "5.3.4 too large", "sender"), Permanent, "too_large"),
        (said(554, "5.7.1 spam"), Permanent, "rejected"),
    ],
)
def test_a_refusal_means_what_the_standards_say(posted, kind, code):
    error = error_of(posted, ANN)

    assert error is not None
    assert type(error) is kind
    assert error.code == code
    assert (error.provider_code or "").startswith(str(posted.reply.code))
    assert posted.reply.text in error.detail


def test_what_was_taken_is_no_error():
    assert error_of(said(250, "queued", "accepted"), ANN) is None


def test_of_two_recipients_only_the_refused_one_fails():
    posted = said(250, "queued", "accepted", **{ANN: Reply(code=550, text="5.1.1 nobody")})

    assert isinstance(error_of(posted, ANN), RecipientGone)
    assert error_of(posted, "bob@a.example") is None
