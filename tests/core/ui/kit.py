"""Read pages of the console as a test needs them."""

import re
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import event


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


@contextmanager
def asked(engine):
    """Collect what a database is asked meanwhile: statements with what is filled in."""
    found = []

    def note(_connection, _cursor, statement, given, _context, _many):
        found.append((statement, given))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", note)


def read_through(engine, statements):
    """Return the tables that SQLite would read from beginning to end for these statements."""
    with engine.connect() as db:
        plans = [
            row.detail
            for statement, given in statements
            for row in db.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given)
        ]
    return [plan for plan in plans if plan.startswith("SCAN")]
