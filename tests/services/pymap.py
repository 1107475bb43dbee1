"""A mail server in Python, for machines without Dovecot."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.services.dovecot import MailHost, free_ports, until


class Pymap(MailHost):
    """Keeps its one mailbox in memory."""

    username, password = "demo", "demo"

    def start(self):
        program = Path(sys.executable).with_name("pymap")
        self._process = subprocess.Popen(
            [
                *(program, "--host", "127.0.0.1", "--port", str(self.port), "--no-tls"),
                *("dict", "--demo-user", self.username, "--demo-password", self.password),
            ],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        until(self.answers, "pymap does not answer.")

    def stop(self):
        self._process.kill()
        self._process.wait()


@pytest.fixture
def pymap():
    """A pymap of the test's own."""
    server = Pymap(*free_ports(1))
    try:
        server.start()
        yield server
    finally:
        server.stop()
