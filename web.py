"""Serve the web application: ``gunicorn web:app``."""

from hubbub.web import serve

app = serve()
