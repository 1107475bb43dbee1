"""Serve the console: pages made on the server, kept live by one small script."""

from hubbub.ui.blueprint import make_ui
from hubbub.ui.plugins import add_plugin_pages

__all__ = ["add_plugin_pages", "make_ui"]
