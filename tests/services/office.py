"""A mail server that takes letters, and says what a test wants."""

import ssl

FEATURES = ("PIPELINING", "SIZE 1000", "AUTH PLAIN LOGIN XOAUTH2")


class Office:
    """A mail server; ``says`` has replies to some commands, the first word in capitals."""

    def __init__(self, *features, tls=None, **says):
        self.features = features or FEATURES
        self.tls = tls
        self.says = {verb: [said] if isinstance(said, str) else said for verb, said in says.items()}
        self.heard = []
        self.letters = []

    def __call__(self, peer):
        try:
            self.talk(peer)
        finally:
            peer.socket.close()  # it may be another one since STARTTLS

    def talk(self, peer):
        self._say(peer, "HELLO", "220 office.test")
        while True:
            line = peer._until(b"\r\n").decode()
            verb = line.partition(" ")[0].upper()
            if verb == "QUIT":
                return  # whether it is heard depends on who is faster
            self.heard.append(line)
            if verb in {"EHLO", "STARTTLS"}:
                getattr(self, verb.lower())(peer)
            elif verb == "DATA":
                self.data(peer)
            else:
                self._say(peer, verb, {"AUTH": "235 welcome"}.get(verb, "250 2.0.0 ok"))

    def ehlo(self, peer):
        encrypted = isinstance(peer.socket, ssl.SSLSocket)
        offered = [one for one in self.features if one != "STARTTLS" or not encrypted]
        lines = ["office.test", *offered]
        marks = ["-"] * (len(lines) - 1) + [" "]
        text = "\r\n".join(f"250{mark}{line}" for mark, line in zip(marks, lines, strict=True))
        self._say(peer, "EHLO", text)

    def starttls(self, peer):
        self._say(peer, "STARTTLS", "220 go ahead")
        peer.socket = self.tls.wrap_socket(peer.socket, server_side=True)

    def data(self, peer):
        if not self._say(peer, "DATA", "354 go ahead").startswith("354"):
            return
        self.letters.append(peer._until(b"\r\n.\r\n") + b"\r\n")
        self._say(peer, "DOT", "250 2.0.0 queued as 17")

    def _say(self, peer, verb, usual):
        planned = self.says.get(verb)
        said = (planned.pop(0) if planned else None) or usual
        if said == "cut":
            peer.socket.close()
            raise ConnectionError
        if said == "silence":
            peer.stopped.wait(10)
            raise ConnectionError
        peer.send(f"{said}\r\n".encode())
        return said
