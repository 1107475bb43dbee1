"""Websites that a widget may find itself on: each on an origin of its own, with its own policy."""

import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PAGES = Path(__file__).parent / "pages"


@contextmanager
def site(widget, **headers):
    """Serve the pages of this folder; ``headers`` go with each. Gives the origin by host name."""

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self):
            page = PAGES / f"{self.path.partition('?')[0].strip('/')}.html"
            if not page.is_file():
                self.send_error(404)
                return
            body = page.read_text().replace("{widget}", widget).encode()
            self.send_response(200)
            self.send_header("content-type", "text/html; charset=utf-8")
            for name, value in headers.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield lambda host="localhost": f"http://{host}:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
