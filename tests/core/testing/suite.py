"""The conformance kit on the made-up channel; kept out of a test module, to be derived from."""

import json
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from itertools import count
from threading import Thread

from hubbub.sdk import AuthFailed, Headers, Permanent, RateLimited, RecipientGone, Transient
from hubbub.testing import ChannelConformance, Recorded, Refused, answer
from tests.core.testing.carrier import FILES, HEADER, Carrier, signature


def call(*items, says, words=()):
    body = json.dumps({"items": items}).encode()
    headers = {"content-type": "application/json"}
    return Recorded(body=body, headers=headers, says=says, words=words)


def text(number):
    return {"kind": "message", "id": f"m{number}", "from": "4711", "text": "Coo", "at": 1767225600}


def receipt(state):
    return {"kind": "receipt", "id": f"r-{state}", "state": state, "message": "b1"}


SPOILT = {"kind": "message", "id": 7}


class CarrierConformance(ChannelConformance):
    channel_type = Carrier
    credentials = {"key": "key-of-the-first-loft", "signing_key": "signing-key-of-the-first"}
    other_credentials = {"key": "key-of-another-loft", "signing_key": "signing-key-of-another"}
    address = "4711"
    bad_addresses = ("", "Ada", "-1")

    inbound = {
        "text": call(text(1), says=("text",), words=("Coo",)),
        "image": call(text(2) | {"file": f"{FILES}/1"}, says=("image",), words=("Coo",)),
        "urgent": call(text(3) | {"urgent": True}, says=("text",)),
        "first leaf": call(text(8) | {"leaf": 1, "leaves": 2}, says=("text",)),
        "last leaf": call(text(9) | {"leaf": 2, "leaves": 2}, says=("text",)),
        "delivered": call(receipt("delivered"), says=("receipt delivered",)),
        "read": call(receipt("read"), says=("receipt read",)),
        "failed": call(receipt("failed"), says=("receipt failed",)),
    }
    unknown = call({"kind": "moulting", "id": "x1"}, says=("ignored",))
    batch = call(text(5), text(6), text(7), says=("text", "text", "text"))
    handshake = Recorded(body=b"greeting:4711", says=())
    handshake_answer = b"4711"
    broken_batch = call(text(5), SPOILT, text(7), says=("text", "unreadable", "text"))

    accepted = (answer(200, {"bird": "b1"}),)
    external_id = "b1"
    refusals = {
        "key": Refused(answers=(answer(401),), error=AuthFailed),
        "gone": Refused(answers=(answer(410),), error=RecipientGone),
        "full": Refused(
            answers=(answer(429, retry_after="9"),), error=RateLimited, wait=timedelta(seconds=9)
        ),
        "no": Refused(answers=(answer(400),), error=Permanent),
        "shut": Refused(answers=(answer(503),), error=Transient),
    }
    healthy = removed = acknowledged = seen = typed = found = accepted
    # A careless reader goes where an answer says.
    fetched = (answer(200, {"bird": "b1", "url": f"{FILES}/1"}),)
    registered = (*accepted, *accepted)
    not_found = (answer(404),)
    listed = (answer(200, {"letters": ["ready", "late"]}),)

    def sign(self, call, connection):
        key = connection.fields.credentials.signing_key.get_secret_value()
        return replace(call, headers=Headers({**call.headers, HEADER: signature(key, call.body)}))

    @contextmanager
    def simulator(self):
        server = ThreadingHTTPServer(("127.0.0.1", 0), _loft())
        thread = Thread(target=server.serve_forever, args=(0.01,), daemon=True)
        thread.start()
        try:
            yield self.connection(api_base=f"http://127.0.0.1:{server.server_port}")
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def _loft():
    birds = count(1)

    class Loft(BaseHTTPRequestHandler):
        def do_GET(self):
            self.rfile.read(int(self.headers.get("content-length", 0)))
            body = json.dumps({"bird": f"b{next(birds)}"}).encode()
            self.send_response(200)
            self.send_header("content-length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815  # the library's names

        def log_message(self, format, *args):
            """Say nothing."""

    return Loft
