"""Read pages of the console as a test needs them."""

import re


def conversation(world):
    return world.one("SELECT id FROM conversations")["id"]


def form_token(page):
    return found(r'name="form_token" value="([^"]*)"', page)


def found(pattern, page):
    match = re.search(pattern, page.text)
    assert match is not None
    return match[1]
