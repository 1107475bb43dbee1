"""Serve the web application: ``gunicorn web:app``."""

from hubbub.web import create_app

app = create_app()
