"""The sandbox's mail provider, as a mail server that a test may own."""

from contextlib import contextmanager

from hubbub.sandbox import SandboxConfig, live
from tests.services.dovecot import PASSWORD, MailHost


class SandboxHost(MailHost):
    """A mailbox at the sandbox."""

    username = "ann@example.com"

    def __init__(self, http):
        account = {"address": self.username, "password": PASSWORD}
        super().__init__(http.post("/_sandbox/mailboxes", json=account).json["imap_port"])


@contextmanager
def sandbox_mailbox():
    """Give a mailbox at a sandbox of its own."""
    with live(SandboxConfig()) as running:
        yield SandboxHost(running.app.test_client())
