"""Listen on loopback as a provider's IMAP server."""

import socket

from hubbub.sandbox.email.imap.session import Session
from hubbub.sandbox.email.state import Post
from hubbub.sandbox.ports import Port


class Server:
    """The port, and every session."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self._sessions: set[Session] = set()
        self._port = Port("imap", self._talk)
        self.port = self._port.number
        self.close = self._port.close
        self.hang_up = self._port.hang_up

    def freeze(self, address: str) -> None:
        """Let the sessions of an account fall silent, as behind a firewall that forgot them."""
        for session in list(self._sessions):
            if session.address == address:
                session.freeze()

    def _talk(self, link: socket.socket) -> None:
        session = Session(self._post, link)
        self._sessions.add(session)
        try:
            with link.makefile("rb") as stream:
                session.serve(stream)
        finally:
            self._sessions.discard(session)
            session.end()
