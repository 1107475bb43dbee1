"""A real Kannel on loopback: bearerbox, smsbox, and a message centre that the test plays."""

import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.services.shared import missing

#: Debian puts the fake centre beside Kannel's own tests.
_PLACES = ("/usr/sbin", "/usr/lib/kannel/test")
_PATIENCE = 90
USER, PASSWORD, STATUS_PASSWORD = "chatapp", "a very secret word", "status word"
#: Parameters with which docs/channels/sms_gateway.md lets Kannel call us.
INBOUND = "id=%I&from=%q&to=%Q&text=%b&ts=%T&coding=%c&charset=%C&smsc=%i"

_CONFIGURATION = """
group = core
admin-port = {admin}
admin-interface = 127.0.0.1
admin-password = change-admin
status-password = "{status_password}"
smsbox-port = {smsbox}
smsbox-interface = 127.0.0.1
box-allow-ip = "127.0.0.1"
box-deny-ip = "*.*.*.*"
dlr-storage = internal
store-type = file
store-location = "{folder}/kannel.store"
log-file = "{folder}/bearerbox.log"
log-level = 1

{smsc}
group = smsbox
smsbox-id = box1
bearerbox-host = 127.0.0.1
sendsms-port = {sendsms}
sendsms-interface = 127.0.0.1
log-file = "{folder}/smsbox.log"
log-level = 1
access-log = "{folder}/access.log"
mo-recode = yes
http-request-retry = 20
http-queue-delay = 1
http-timeout = 20

group = smsbox-route
smsbox-id = box1
smsc-id = "lab"

group = sms-service
keyword = default
catch-all = true
max-messages = 0
omit-empty = true
get-url = "{inbound}"

group = sendsms-user
username = {user}
password = "{password}"
max-messages = 10
concatenation = true
user-deny-ip = "*.*.*.*"
user-allow-ip = "127.0.0.1"
"""

#: A centre that connects to Kannel, and speaks its own fake protocol.
_FAKE = """
group = smsc
smsc = fake
smsc-id = lab
host = 127.0.0.1
port = {centre}
connect-allow-ip = 127.0.0.1
"""


class Kannel:
    """The two boxes; `centre` or `fake_centre` connects what stands for the network.

    Unless ``smsc``, a group of the configuration, says where Kannel itself connects to.
    """

    def __init__(self, folder, inbound_url, smsc=""):
        self._folder = folder
        self._ports = dict(
            zip(("admin", "smsbox", "centre", "sendsms"), _free_ports(4), strict=True)
        )
        self.url = f"http://127.0.0.1:{self._ports['sendsms']}"
        self.status_page = f"http://127.0.0.1:{self._ports['admin']}"
        self._file = folder / "kannel.conf"
        self._file.write_text(
            _CONFIGURATION.format(
                folder=folder,
                inbound=inbound_url,
                smsc=smsc or _FAKE.format(**self._ports),
                user=USER,
                password=PASSWORD,
                status_password=STATUS_PASSWORD,
                **self._ports,
            )
        )
        self._running = []

    def start(self):
        for box, port in (("bearerbox", "smsbox"), ("smsbox", "sendsms")):
            self._run(box, str(self._file))
            _until(lambda port=port: _listens(self._ports[port]), f"{box} does not listen.")

    def stop(self):
        # Nobody misses what it would do in the second that it takes to end in order.
        for process in reversed(self._running):
            process.kill()
            process.wait()

    @contextmanager
    def centre(self):
        """Connect a message centre that speaks the fake protocol, a line for each message."""
        place = ("127.0.0.1", self._ports["centre"])
        with socket.create_connection(place, _PATIENCE) as link, link.makefile("rb") as lines:
            self.until_online()
            yield Centre(link, lines)

    def fake_centre(self, *messages, count=1):
        """Let Debian's fake centre send ``messages``, and return the file in which it reports."""
        report = self._folder / "fakesmsc.log"
        self._run(
            "fakesmsc",
            *("-H", "127.0.0.1", "-r", str(self._ports["centre"]), "-i", "0.1", "-m", str(count)),
            *messages,
            output=report,
        )
        self.until_online()
        return report

    def until_online(self):
        page = f"{self.status_page}/status.xml?password={quote(STATUS_PASSWORD)}"

        def online():
            with urllib.request.urlopen(page, timeout=5) as answer:
                return b"<status>online" in answer.read()

        _until(online, "The message centre does not come online.")

    def _run(self, name, *arguments, output=None):
        with (output or self._folder / f"{name}.out").open("wb") as file:
            self._running.append(
                subprocess.Popen(
                    [find(name), *arguments], stdout=file, stderr=file, cwd=self._folder
                )
            )


class Centre:
    """The network's side of the fake protocol."""

    def __init__(self, link, lines):
        self._link, self._lines = link, lines

    def text(self, sender, receiver, words):
        self._link.sendall(f"{sender} {receiver} text {words}\n".encode())

    def text_ucs2(self, sender, receiver, words):
        octets = "".join(f"%{byte:02X}" for byte in words.encode("utf-16-be"))
        self._link.sendall(f"{sender} {receiver} ucs2 {octets}\n".encode())

    def heard(self):
        """Return the next message to a phone, as it stands on the line."""
        return self._lines.readline().rstrip(b"\n")


def find(name):
    """Return where a program is, or None."""
    return shutil.which(name) or next(
        (f"{place}/{name}" for place in _PLACES if Path(f"{place}/{name}").exists()), None
    )


@pytest.fixture
def kannel(tmp_path):
    """Start a Kannel that calls an address: ``kannel(inbound_url, smsc="")``."""
    absent = [name for name in ("bearerbox", "smsbox", "fakesmsc") if find(name) is None]
    if absent:
        missing(f"There is no Kannel here ({', '.join(absent)}).")
    boxes = []

    def start(inbound_url, smsc=""):
        folder = tmp_path / "kannel"
        folder.mkdir()
        boxes.append(Kannel(folder, inbound_url, smsc))
        boxes[-1].start()
        return boxes[-1]

    yield start
    for box in boxes:
        box.stop()


def wait_for(condition, what):
    """Wait until ``condition`` holds, and return what it returned."""
    return _until(condition, what)


def _until(condition, what):
    pause, end = threading.Event(), time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        with suppress(OSError, urllib.error.URLError):
            if found := condition():
                return found
        pause.wait(0.05)
    raise AssertionError(what)


def _listens(port):
    with socket.create_connection(("127.0.0.1", port), 1):
        return True


def _free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports
