"""Serve the console: pages made on the server, kept live by one small script."""

from hubbub.ui.blueprint import make_ui

__all__ = ["make_ui"]
