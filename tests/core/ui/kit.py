"""Read pages of the console as a test needs them."""

import re
from dataclasses import dataclass
from typing import Any


@dataclass
class Reader:
    """Somebody who reads pages, and sends their forms."""

    client: Any

    def get(self, path):
        return self.client.get(path)

    def post(self, path, **form):
        """Send a form, and return the page that one comes to."""
        token = form_token(self.client.get("/account"))
        return self.client.post(path, data={**form, "form_token": token}, follow_redirects=True)


def conversation(world):
    return world.one("SELECT id FROM conversations")["id"]


def form_token(page):
    return found(r'name="form_token" value="([^"]*)"', page)


def found(pattern, page):
    match = re.search(pattern, page.text)
    assert match is not None
    return match[1]
