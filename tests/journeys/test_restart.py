"""Open pages survive what happens to the hub, and miss nothing."""

import sys

import pytest
from playwright.sync_api import expect

from tests.journeys.conftest import enter, entry


@pytest.mark.skipif(sys.platform != "linux", reason="It looks into /proc.")
def test_an_open_inbox_comes_back_after_the_web_was_killed(demo, agent, customer):
    ada = customer()
    ada.write("Before")
    enter(agent, ada.name)
    agent.evaluate("window.sameDocument = true")
    demo.kill("web")
    expect(agent.locator("#offline")).to_be_visible()
    # Telegram asks again until the hub takes it; the page finds it once it is back.
    ada.write("Meanwhile")
    expect(agent.locator(".bubble.in").filter(has_text="Meanwhile")).to_be_visible(timeout=60_000)
    expect(agent.locator("#offline")).to_be_hidden()
    ada.write("Afterwards")
    expect(agent.locator(".bubble.in").filter(has_text="Afterwards")).to_be_visible()
    assert agent.evaluate("window.sameDocument")


def test_news_that_was_missed_is_caught_up_with(agent, customer):
    ada = customer()
    ada.write("Before")
    expect(entry(agent, ada.name)).to_be_visible()
    agent.context.set_offline(True)
    ada.write("While nobody heard")
    ada.page.wait_for_load_state()
    agent.context.set_offline(False)
    expect(entry(agent, "While nobody heard")).to_be_visible()
