"""What an agent sees of a message that a plugin holds, and does about it."""

import pytest

from tests.core.ui.kit import conversation, form_token, found


@pytest.fixture
def world(invite):
    return invite("[plugins.guest]")


@pytest.fixture
def reply(world, browser, line):
    """Return what answers in the one conversation; it gives back the page that follows."""
    client, url = browser("agent"), f"/inbox/{conversation(world)}"

    def post(text, where=f"{url}/reply"):
        data = {"text": text, "form_token": form_token(client.get(url))}
        answer = client.post(where, data=data)
        world.work()
        return client.get(url) if answer.status_code == 302 else answer

    return post


def test_a_held_message_says_why_and_is_sent_by_who_releases_it(reply, world):
    page = reply("hold this")
    assert "Held by guest: It says hold.</p>" in page.text
    assert world.provider.said == []
    reply("", found(r'formaction="(/messages/[^"]+/retry)"', page))
    assert world.provider.said == ["hold this"]


def test_a_held_message_can_be_taken_back(reply, world):
    page = reply("hold this")
    assert "cancelled" in reply("", found(r'formaction="(/messages/[^"]+/cancel)"', page)).text
    assert world.provider.said == []


def test_a_refused_message_says_why(reply):
    answer = reply("refuse this")
    assert answer.status_code == 409
    assert "Refused by guest: It says refuse." in answer.text
