"""A real Dovecot on loopback, each with mailboxes of its own."""

import os
import pwd
import shutil
import socket
import subprocess
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
from imapclient import IMAPClient

from hubbub.sdk.mail import MailServer
from tests.services.shared import missing, run_folder

#: Debian puts it where only root looks.
_PLACE = "/usr/sbin/dovecot"
_PATIENCE = 90
PASSWORD = "pässwörd"  # static passdbs know no blanks

_CONFIGURATION = """
protocols = imap
listen = 127.0.0.1
base_dir = {folder}/run
state_dir = {folder}/state
log_path = {folder}/dovecot.log
default_internal_user = {inner}
default_internal_group = {inner_group}
default_login_user = {login}
ssl = {ssl}
{certificate}
disable_plaintext_auth = no
auth_mechanisms = plain login
auth_failure_delay = 0
mail_max_userip_connections = {sessions}
mail_location = maildir:{folder}/mail/%n
mail_uid = {uid}
mail_gid = {gid}
first_valid_uid = 0
first_valid_gid = 0
mailbox_list_index = no
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid={uid} gid={gid} home={folder}/mail/%n
}}
namespace inbox {{
  inbox = yes
  mailbox Sent {{
    auto = create
    special_use = \\Sent
  }}
  mailbox Junk {{
    special_use = \\Junk
    auto = create
  }}
}}
service imap-login {{
  chroot =
  inet_listener imap {{
    port = {imap}
  }}
  inet_listener imaps {{
    port = {imaps}
    ssl = yes
  }}
}}
service anvil {{
  chroot =
  unix_listener anvil-auth-penalty {{
    mode = 0
  }}
}}
"""


class MailHost:
    """An IMAP server that a test may ask as the owner of a mailbox does."""

    username = "ann"
    password = PASSWORD

    def __init__(self, port):
        self.port = port

    def server(self, **given):
        defaults = {
            "host": "127.0.0.1",
            "port": self.port,
            "security": "none",
            "username": self.username,
            "password": self.password,
        }
        return MailServer(**{**defaults, **given})

    def owner(self):
        """Return a connection of the owner's own."""
        client = IMAPClient("127.0.0.1", self.port, ssl=False, timeout=_PATIENCE)
        client.normalise_times = False
        client.plain_login(self.username, self.password)
        return client

    def answers(self):
        with suppress(OSError, IMAPClient.Error):
            IMAPClient("127.0.0.1", self.port, ssl=False, timeout=5).logout()
            return True
        return False


class Dovecot(MailHost):
    """Dovecot, with a certificate if ``tls`` names a folder with one."""

    def __init__(self, folder, port, imaps, *, tls=None, sessions=50):
        super().__init__(port)
        self.imaps = imaps
        root = os.geteuid() == 0
        me = pwd.getpwuid(os.geteuid())
        group = str(me.pw_gid)
        # Dovecot keeps no mail as root.
        owner = pwd.getpwnam("nobody") if root else me
        (folder / "mail").mkdir()
        os.chown(folder / "mail", owner.pw_uid, owner.pw_gid)
        certificate = f"ssl_cert = <{tls}/cert.pem\nssl_key = <{tls}/key.pem" if tls else ""
        self._file = folder / "dovecot.conf"
        self._file.write_text(
            _CONFIGURATION.format(
                folder=folder,
                inner="dovecot" if root else me.pw_name,
                inner_group="dovecot" if root else group,
                login="dovenull" if root else me.pw_name,
                ssl="yes" if tls else "no",
                certificate=certificate,
                password=PASSWORD,
                sessions=sessions,
                uid=owner.pw_uid,
                gid=owner.pw_gid,
                imap=port,
                imaps=imaps,
            )
        )
        self._log = folder / "dovecot.log"

    def start(self):
        self._process = subprocess.Popen(
            [find(), "-F", "-c", str(self._file)], stdout=subprocess.DEVNULL
        )
        until(self.answers, lambda: f"Dovecot does not answer: {self._log.read_text()}")

    def stop(self):
        self._process.terminate()
        self._process.wait()


@pytest.fixture(scope="session")
def dovecot(tmp_path_factory, certificate):
    """A Dovecot that takes any user with `PASSWORD`, and speaks TLS as ``hub.test``."""
    if find() is None:
        missing("There is no Dovecot here.")
    # Not among pytest's own folders: Dovecot runs as another user and must get through.
    folder = run_folder() / f"dovecot-{os.getpid()}"
    folder.mkdir(mode=0o711)
    server = Dovecot(folder, *free_ports(2), tls=tmp_path_factory.getbasetemp() / "tls0")
    try:
        server.start()
        yield server
    finally:
        server.stop()


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [one.getsockname()[1] for one in sockets]
    for one in sockets:
        one.close()
    return ports


def find():
    """Return where Dovecot is, or None."""
    return shutil.which("dovecot") or (_PLACE if Path(_PLACE).exists() else None)


def until(condition, what):
    """Wait until ``condition`` holds, and return what it returned."""
    pause, end = threading.Event(), time.monotonic() + _PATIENCE
    while time.monotonic() < end:
        if found := condition():
            return found
        pause.wait(0.05)
    raise AssertionError(what() if callable(what) else what)
