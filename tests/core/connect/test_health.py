"""How each part of a channel is, judged from what is known of it."""

from collections.abc import Mapping

import pytest

from hubbub.connect.health import Facts, Traffic, parts
from hubbub.sdk.types import Component
from hubbub.sdk.values import Finding

COMPONENTS: Mapping[str, Component] = {"webhook": "webhook", "sms": "outbound", "link": "inbound"}
QUIET = Traffic()
BUSY = Traffic(received=2, sent=3)


def judged(*findings, **facts):
    known = {
        "status": "connected",
        "reason": "",
        "traffic": QUIET,
        "active_at": None,
        "quarantined": 0,
        "fetches": False,
        "called": False,
        **facts,
    }
    found = Facts(findings=findings, components=COMPONENTS, **known)
    return {part.name: part for part in parts(found)}


def states(*findings, **facts):
    return {name: part.state for name, part in judged(*findings, **facts).items()}


def test_of_a_new_channel_only_the_login_is_known():
    assert states(Finding.good("token", "It is that of a bot.")) == {
        "auth": "fine",
        "webhook": "unknown",
        "inbound": "unknown",
        "outbound": "unknown",
    }


def test_a_channel_that_was_never_asked_about_is_no_failure():
    auth = judged(status="inactive", reason="The provider has not been asked yet.")["auth"]
    assert (auth.state, auth.detail) == ("unknown", "The provider has not been asked yet.")


@pytest.mark.parametrize(
    ("code", "part"),
    [("token", "auth"), ("webhook", "webhook"), ("sms", "outbound"), ("link", "inbound")],
)
def test_what_the_provider_finds_wrong_is_wrong_in_its_part_alone(code, part):
    busy = {"called": True, "traffic": BUSY}
    found = states(Finding.bad(code, "It is not.", "Mend it."), **busy)
    assert found == {**states(**busy), part: "wrong"}
    assert judged(Finding.bad(code, "It is not.", "Mend it."))[part].detail == "It is not. Mend it."


def test_the_worst_that_was_found_of_a_part_is_told():
    found = (
        Finding.good("token", "Fine."),
        Finding.warning("token", "It ends.", "Renew it."),
        Finding.bad("token", "It ended.", "Renew it."),
    )
    assert judged(*found)["auth"].detail == "It ended. Renew it."
    assert judged(*found[:2])["auth"].state == "warning"


def test_messages_that_went_both_ways_prove_both():
    assert states(called=True, traffic=BUSY) == dict.fromkeys(
        ("auth", "webhook", "inbound", "outbound"), "fine"
    )


def test_quarantined_calls_and_failed_messages_are_worth_a_look():
    found = judged(quarantined=2, traffic=Traffic(sent=5, failed=1))
    assert found["webhook"].state == found["outbound"].state == "warning"
    assert "1 of 5" in found["outbound"].detail


def test_where_the_hub_fetches_nobody_has_to_call():
    assert states(fetches=True)["webhook"] == "fine"
