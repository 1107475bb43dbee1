"""Be a bot of somebody's own, which answers by HTTP."""

import json
import random
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from tests.chaos.calls import JSON
from tests.chaos.words import answer_to


class Bot:
    """Answers each saying; now and then it is busy or hangs up."""

    def __init__(self, seed: int) -> None:
        dice = random.Random(seed)
        lock = threading.Lock()

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                asked = json.loads(self.rfile.read(int(self.headers["content-length"])))
                with lock:
                    mood = dice.random()
                if mood < 0.01:
                    self.close_connection = True
                    return
                text = answer_to(asked["message"]["content"]["text"])
                answer = json.dumps({"actions": [{"type": "reply", "text": text}]}).encode()
                self.send_response(503 if mood < 0.02 else 200)
                self.send_header("content-type", JSON)
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:
                """Say nothing."""

        class Server(ThreadingHTTPServer):
            def handle_error(self, request: object, client_address: object) -> None:
                """Say nothing of workers that were killed while they asked."""

        self._server = Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/messages"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        """Answer no more."""
        self._server.shutdown()
        self._server.server_close()
