"""Be the window of a visitor without a browser: as stubborn as the real one, and easily cut off.

It writes again until it is answered, and its stream goes on after the last number that it saw.
"""

import itertools
import json
import threading
import time
from contextlib import closing
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit
from uuid import uuid4

#: Seconds without a byte before a stream is taken for dead, between two tries, and for all tries.
SILENCE = 2.0
PAUSE = 0.05
STAMINA = 90.0
_HEARD = frozenset({200, 201, 202, 204})
#: What is answered while the hub cannot, or when it is too much at once.
_LATER = frozenset({0, 429, 503})


class Window:
    """One visitor on the channel ``key`` of a hub, whom its proxy calls ``address``.

    ``dice`` decide which answers get lost and how soon a stream is cut.
    """

    def __init__(self, urls, key, dice, *, address):
        self._turns = itertools.cycle([urlsplit(url).netloc for url in urls])
        self._key, self._dice = key, dice
        #: What goes with each request, the proof of who asks included.
        self.headers = {"content-type": "application/json", "x-forwarded-for": address}
        self._closed = threading.Event()
        self._watching = threading.Thread(target=self._watch, daemon=True)
        #: The number of the last message that was seen.
        self.seq = 0
        #: What was said, in the order in which it was acknowledged.
        self.said = []
        #: What the stream brought and when, in the order in which it came.
        self.shown = []

    def begin(self):
        """Say who is there."""
        token = self.until("POST", "session", {})["token"]
        self.headers["authorization"] = f"Bearer {token}"
        return self

    def watch(self):
        """Watch what happens."""
        self._watching.start()
        return self

    def path(self, name):
        """Return where something is asked."""
        return f"/widget/{self._key}/{name}"

    def close(self):
        """Watch no more, once what comes now has come."""
        self._closed.set()

    def ended(self):
        """Wait until it is closed."""
        self._watching.join()

    def catch_up(self):
        """Watch no more, and ask for what was not seen yet."""
        self.close()
        self.ended()
        while news := self.until("GET", f"events?after={self.seq}")["messages"]:
            for message in news:
                self._take(message)

    def write(self, text):
        """Write something until it is acknowledged; return the id that it was given here."""
        client_id = self.say({"type": "text", "text": text})
        self.said.append(text)
        return client_id

    def say(self, content):
        """Say something until it is acknowledged."""
        client_id = str(uuid4())
        self.until("POST", "messages", {"client_id": client_id, "content": content})
        return client_id

    def until(self, method, name, body=None):
        """Ask until there is an answer; return what it says."""
        end = time.monotonic() + STAMINA
        while time.monotonic() < end:
            status, said = self.ask(method, name, body)
            if status in _HEARD:
                return said
            if status not in _LATER:
                raise AssertionError(f"{name}: {status} {said}")
            time.sleep(PAUSE)
        raise TimeoutError(f"{name} was never answered")

    def ask(self, method, name, body=None):
        """Return status and JSON of an answer; status 0 where there was none, or it got lost."""
        data = None if body is None else json.dumps(body)
        with closing(HTTPConnection(next(self._turns), timeout=20)) as link:
            try:
                link.request(method, self.path(name), data, self.headers)
                if self._dice.random() < 0.1:
                    return 0, None
                answer = link.getresponse()
                return answer.status, json.loads(answer.read() or b"null")
            except (OSError, HTTPException):
                return 0, None

    def _watch(self):
        while not self._closed.wait(PAUSE):
            with closing(HTTPConnection(next(self._turns), timeout=SILENCE)) as link:
                try:
                    self._read(link, self._dice.randint(200, 6000))
                except (OSError, HTTPException):
                    continue

    def _read(self, link, left):
        """Read a stream until it is cut, after ``left`` bytes, wherever that is."""
        headers = {**self.headers, "last-event-id": str(self.seq)}
        link.request("GET", self.path("stream"), headers=headers)
        answer = link.getresponse()
        rest = b""
        while answer.status == 200 and left > 0 and not self._closed.is_set():
            data = answer.read1(left)
            if not data:
                return
            left -= len(data)
            *events, rest = (rest + data).split(b"\n\n")
            for event in events:
                self._hear(event.decode())

    def _hear(self, event):
        fields = dict(line.split(": ", 1) for line in event.split("\n"))
        if fields.get("event") == "message":
            self._take(json.loads(fields["data"]))

    def _take(self, message):
        self.seq = message["seq"]
        self.shown.append({**message, "heard_at": time.time()})
